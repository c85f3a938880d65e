//! Why a hub does not start: one sentence that names the setting.

use std::fs;

use runtime::Spec;
use tokio::net::TcpListener;

use crate::shop::{SHOP, folder, refused, settings, start};

#[tokio::test]
async fn a_port_that_is_taken_is_named_with_its_setting() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    for setting in ["public", "internal"] {
        let folder = folder();
        let mut settings = settings(&folder);
        if setting == "public" {
            settings.public = address;
        } else {
            settings.internal = address;
        }
        let text = refused(settings, SHOP).await;
        assert!(text.starts_with(&format!("{setting}: cannot listen on {address}: ")), "{text}");
        assert!(text.ends_with("; choose another address"), "{text}");
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let mut settings = settings(&folder);
    settings.folder = file.join("below");
    let text = refused(settings.clone(), SHOP).await;
    let start = format!("data: the folder {} cannot be used: ", settings.folder.display());
    assert!(text.starts_with(&start), "{text}");
}

#[cfg(unix)]
#[tokio::test]
async fn what_a_hub_keeps_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let mut settings = settings(&folder);
    settings.folder = folder.path().join("data/my");
    settings.keys.issuer.as_mut().unwrap().path = settings.folder.join("key.pem");
    let data = [folder.path().join("data"), settings.folder.clone()];
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let files =
        || -> Vec<_> { fs::read_dir(&settings.folder).unwrap().map(|entry| entry.unwrap().path()).collect() };
    // Also what a start of an earlier version has left open to others.
    for round in ["new", "again"] {
        let hub = start(settings.clone(), SHOP).await;
        assert!(files().iter().any(|file| file.ends_with("shop.sqlite-wal")), "{:?}", files());
        for file in files() {
            assert_eq!(mode(&file), 0o600, "{round}: {}", file.display());
        }
        assert_eq!(mode(&settings.folder), 0o700, "{round}");
        hub.stop().await;
        for file in files().iter().filter(|file| !file.ends_with("key.pem")) {
            fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap();
        }
        fs::set_permissions(&settings.folder, fs::Permissions::from_mode(0o755)).unwrap();
    }
    assert_eq!(mode(&data[0]), 0o700);
}

#[tokio::test]
async fn a_folder_has_one_hub_at_a_time() {
    let folder = folder();
    let first = start(settings(&folder), SHOP).await;
    let text = refused(settings(&folder), SHOP).await;
    let expected = format!(
        "data: the folder {} is in use by another running hub; stop that one or choose another folder",
        folder.path().display()
    );
    assert_eq!(text, expected);
    first.stop().await;
    start(settings(&folder), SHOP).await.stop().await;
}

#[tokio::test]
async fn a_key_file_that_holds_no_key_is_named() {
    let folder = folder();
    let key = folder.path().join("key.pem");
    fs::write(&key, "no key").unwrap();
    let text = refused(settings(&folder), SHOP).await;
    assert_eq!(text, format!("the key file {} holds no Ed25519 private key in PEM", key.display()));
}

#[tokio::test]
async fn rates_that_cannot_be_read_are_named() {
    let folder = folder();
    let mut settings = settings(&folder);
    settings.rates_file = Some("/nowhere.csv".into());
    let text = refused(settings, SHOP).await;
    assert!(text.starts_with("exchange.ecb_rates_file: /nowhere.csv: "), "{text}");
}

#[tokio::test]
async fn what_is_wrong_in_the_sections_is_named() {
    for (sections, expected) in [
        ("[shop]\nshelves = 2\n[shoop]\n", "[shoop] names no service: use shop"),
        ("[shop]\ncolour = 2\n", "[shop] shop.colour: there is no such setting"),
        ("[shop]\nshelves = 0\n", "[shop] shop.shelves: `0` must be 1 to 9 shelves"),
        ("[shop]\nshelves = \"many\"\n", "[shop] shop.shelves: `many` must be 1 to 9 shelves"),
        ("shop = 2\n", "[shop] must be a table"),
    ] {
        let folder = folder();
        let mut settings = settings(&folder);
        settings.sections = toml::from_str(sections).unwrap();
        let text = refused(settings, SHOP).await;
        assert!(text.starts_with(expected), "{text}");
    }
}

#[tokio::test]
async fn a_peer_that_runs_nowhere_is_named() {
    let asks_a_bank = Spec { calls: &["bank"], ..SHOP };
    let folder = folder();
    let text = refused(settings(&folder), asks_a_bank).await;
    assert_eq!(text, "peers.bank: no address is set, and it does not run in this process");
    let mut wrong = settings(&folder);
    wrong.peers.insert("bank".to_owned(), vec!["no address".to_owned()]);
    let text = refused(wrong, asks_a_bank).await;
    assert_eq!(text, "peers.bank: `no address` is not an address such as http://order:50052");
    let mut known = settings(&folder);
    known.peers.insert("bank".to_owned(), vec!["http://bank:50052".to_owned()]);
    start(known, asks_a_bank).await.stop().await;
}

#[tokio::test]
async fn a_database_that_is_none_is_named() {
    let folder = folder();
    let mut settings = settings(&folder);
    settings.databases.insert("shop".to_owned(), "mysql://shop".to_owned());
    let text = refused(settings, SHOP).await;
    assert!(text.starts_with("the database of shop: `mysql://shop` is not a database: use "), "{text}");
}

#[tokio::test]
async fn an_rpc_without_a_policy_keeps_a_hub_from_starting() {
    let folder = folder();
    let open = Spec { packages: &["entrepot.catalog.v1"], ..SHOP };
    let text = refused(settings(&folder), open).await;
    assert!(text.starts_with("/entrepot.catalog.v1."), "{text}");
    assert!(text.ends_with(" has no policy: name it in its service's policy table"), "{text}");
    // Nothing is left of it: the folder and its databases can be used.
    start(settings(&folder), SHOP).await.stop().await;
}
