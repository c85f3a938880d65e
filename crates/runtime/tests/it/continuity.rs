//! A database that was lost, emptied, replaced, set back or damaged is noticed, and what a crash or a whole backup left is
//! taken as it is.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use events::LocalBus;
use futures::future::BoxFuture;
use proto::operator::internal::v1::operator_service_client::OperatorServiceClient;
use proto::operator::internal::v1::sandbox_service_client::SandboxServiceClient;
use proto::operator::internal::v1::{AdvanceClockRequest, ListRequestsRequest};
use rpc::{Bearer, Holder, KeySet, Role, SigningKey};
use runtime::{Deps, Hub, Service, Settings, Spec};
use tempfile::TempDir;
use testkit::{Database, eventually, on_both};
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::shop::{SHOP, dial, folder, service, settings};

/// Beside the shop; it is the first, so that the sandbox's clock is kept in its database.
const DEPOT: Spec = Spec { name: "depot", settings: &[], build: idle, ..SHOP };
/// One that comes later.
const BANK: Spec = Spec { name: "bank", ..DEPOT };
/// A shop that asks a depot in another process.
const ASKING: Spec = Spec { calls: &["depot"], ..SHOP };

fn idle(_: &toml::Table, _: Deps) -> anyhow::Result<Service> {
    Ok(service(Vec::new()))
}

async fn try_start(settings: Settings) -> Result<Hub, String> {
    let started = Hub::start(settings, &[DEPOT, SHOP], Arc::new(LocalBus::new())).await;
    started.map_err(|error| error.to_string())
}

async fn start(settings: Settings) -> Hub {
    try_start(settings).await.unwrap()
}

async fn refused(settings: Settings) -> String {
    try_start(settings).await.map(drop).unwrap_err()
}

fn bearer(hub: &Hub) -> Bearer {
    Bearer::new(&hub.issuer().unwrap().sign(Role::Operator, "ops", Duration::from_secs(600)).unwrap())
        .unwrap()
}

/// Writes something.
async fn write(hub: &Hub) {
    let mut client = SandboxServiceClient::with_interceptor(hub.internal_channel(), bearer(hub));
    let request_id = kernel::EventId::new().uuid().to_string();
    let by = Some(prost_types::Duration { seconds: 1, nanos: 0 });
    client.advance_clock(AdvanceClockRequest { request_id, by }).await.unwrap();
}

/// A hub that ran, wrote and stopped.
async fn ran(settings: Settings) {
    let hub = start(settings).await;
    write(&hub).await;
    hub.stop().await;
}

fn file(folder: &TempDir, name: &str) -> PathBuf {
    folder.path().join(name)
}

/// A copy of a folder as it is now, such as a crash would leave it.
fn copy(folder: &Path) -> TempDir {
    let copied = TempDir::new().unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copied.path().join(entry.file_name())).unwrap();
    }
    copied
}

/// What is in a folder, but for the lock.
fn contents(folder: &TempDir) -> BTreeMap<OsString, Vec<u8>> {
    let entries = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| entry.file_name() != "lock");
    files.map(|entry| (entry.file_name(), std::fs::read(entry.path()).unwrap())).collect()
}

/// A file in which a page of one index lies where one of another should be.
async fn with_a_wrong_page(file: &Path) {
    let db = db::Db::connect(&db::Options::new(format!("sqlite:{}", file.display()))).await.unwrap();
    let roots: Result<Vec<(i64,)>, db::Error> = db
        .write(|tx| {
            Box::pin(async move {
                db::execute!(tx, "create table pairs (one BIGINT not null, other BIGINT not null)")?;
                db::execute!(tx, "create index pairs_one on pairs (one)")?;
                db::execute!(tx, "create index pairs_other on pairs (other)")?;
                for one in 0_i64..20 {
                    db::execute!(tx, "insert into pairs (one, other) values ($1, $2)", one, 100 + one)?;
                }
                db::fetch_all!(
                    tx,
                    (i64,),
                    "select rootpage from sqlite_schema where name like 'pairs_o%' order by name"
                )
            })
        })
        .await;
    let [from, to] = roots.unwrap()[..] else { panic!("two indexes") };
    db.close().await;
    let mut bytes = std::fs::read(file).unwrap();
    let at = |(page,): (i64,)| usize::try_from(page - 1).unwrap() * 4_096;
    bytes.copy_within(at(from)..at(from) + 4_096, at(to));
    std::fs::write(file, bytes).unwrap();
}

fn settings_of(folder: &TempDir, depot: &Database, shop: &Database) -> Settings {
    let mut settings = settings(folder);
    for (service, database) in [("depot", depot), ("shop", shop)] {
        settings.databases.insert(service.to_owned(), database.url().to_owned());
    }
    settings.connections_max = 4;
    settings
}

async fn status(channel: Channel) -> ServingStatus {
    HealthClient::new(channel).check(HealthCheckRequest::default()).await.unwrap().get_ref().status()
}

#[tokio::test]
async fn a_file_that_is_missing_or_empty_is_noticed_until_it_is_adopted() {
    for lose in
        [|file: &Path| std::fs::remove_file(file).unwrap(), |file: &Path| std::fs::write(file, "").unwrap()]
    {
        let folder = folder();
        ran(settings(&folder)).await;
        ran(settings(&folder)).await;
        let lost = file(&folder, "shop.sqlite");
        lose(&lost);
        // Again and again: what the first start has made of it is no reason to go on.
        for _ in 0..2 {
            let told = refused(settings(&folder)).await;
            let place = lost.display().to_string();
            assert!(told.contains("the database of shop is") && told.contains(&place), "{told}");
            assert!(told.contains("that of depot exists"), "{told}");
            assert!(told.contains("-wal and -shm") && told.contains("`entrepot adopt shop`"), "{told}");
        }
        let adopted =
            runtime::adopt(&settings(&folder), &[DEPOT, SHOP], &["shop"], "siti", &[]).await.unwrap();
        assert_eq!(adopted[0].service, "shop");
        let hub = start(settings(&folder)).await;
        let request = ListRequestsRequest { service: "shop".to_owned(), ..ListRequestsRequest::default() };
        let mut operator = OperatorServiceClient::with_interceptor(hub.internal_channel(), bearer(&hub));
        let requests = operator.list_requests(request).await.unwrap().into_inner().requests;
        let who: Vec<_> = requests.iter().map(|one| (one.rpc.as_str(), one.principal.as_str())).collect();
        assert_eq!(who, [("AdoptDatabase", "operator:siti")]);
        hub.stop().await;
        ran(settings(&folder)).await;
    }
}

#[tokio::test]
async fn a_file_that_was_set_back_is_noticed_and_a_whole_set_is_not() {
    let folder = folder();
    ran(settings(&folder)).await;
    let backup = copy(folder.path());
    ran(settings(&folder)).await;
    std::fs::copy(file(&backup, "depot.sqlite"), file(&folder, "depot.sqlite")).unwrap();
    let told = refused(settings(&folder)).await;
    assert!(told.contains("the database of depot was set back"), "{told}");
    std::fs::copy(file(&backup, "shop.sqlite"), file(&folder, "shop.sqlite")).unwrap();
    ran(settings(&folder)).await;
}

#[tokio::test]
async fn a_crash_is_recovered_from_and_a_lost_log_is_noticed() {
    let folder = folder();
    let hub = start(settings(&folder)).await;
    // Right after the start, and right after a change.
    let robbed = copy(folder.path());
    std::fs::remove_file(file(&robbed, "shop.sqlite-wal")).unwrap();
    let told = refused(settings(&robbed)).await;
    assert!(told.contains("the database of shop was set back"), "{told}");
    write(&hub).await;
    let [crashed, robbed] = [copy(folder.path()), copy(folder.path())];
    hub.stop().await;
    std::fs::remove_file(file(&robbed, "depot.sqlite-wal")).unwrap();
    let told = refused(settings(&robbed)).await;
    assert!(
        told.contains("the database of depot was set back") && told.contains("`entrepot adopt depot`"),
        "{told}"
    );
    runtime::adopt(&settings(&robbed), &[DEPOT, SHOP], &["depot"], "siti", &[]).await.unwrap();
    ran(settings(&robbed)).await;
    let hub = start(settings(&crashed)).await;
    assert_eq!(hub.clock().ahead(), chrono::Duration::seconds(1));
    hub.stop().await;
}

#[tokio::test]
async fn a_refused_start_changes_nothing_and_what_is_put_back_is_whole() {
    let folder = folder();
    let hub = start(settings(&folder)).await;
    write(&hub).await;
    let crashed = copy(folder.path());
    hub.stop().await;
    let away = TempDir::new().unwrap();
    for set in [folder, crashed] {
        for service in ["depot", "shop"] {
            let [lost, kept] =
                [file(&set, service), file(&away, service)].map(|file| file.with_extension("sqlite"));
            std::fs::rename(&lost, &kept).unwrap();
            for empty in [false, true] {
                if empty {
                    std::fs::write(&lost, "").unwrap();
                }
                let before = contents(&set);
                let told = refused(settings(&set)).await;
                assert!(told.contains(&format!("`entrepot adopt {service}`")), "{told}");
                assert_eq!(contents(&set), before);
            }
            std::fs::rename(&kept, &lost).unwrap();
        }
        let hub = start(settings(&set)).await;
        assert_eq!(hub.clock().ahead(), chrono::Duration::seconds(1));
        hub.stop().await;
    }
}

#[tokio::test]
async fn files_that_were_swapped_are_named_and_left_alone() {
    let folder = folder();
    ran(settings(&folder)).await;
    let [depot, shop, aside] = ["depot.sqlite", "shop.sqlite", "aside"].map(|name| file(&folder, name));
    let swap = || {
        std::fs::rename(&depot, &aside).unwrap();
        std::fs::rename(&shop, &depot).unwrap();
        std::fs::rename(&aside, &shop).unwrap();
    };
    swap();
    let before = contents(&folder);
    let told = refused(settings(&folder)).await;
    assert!(told.contains(&depot.display().to_string()) && told.contains("put the right one"), "{told}");
    assert_eq!(contents(&folder), before);
    swap();
    ran(settings(&folder)).await;
}

#[tokio::test]
async fn a_service_that_is_new_to_the_hub_gets_its_database_and_a_lost_one_is_noticed() {
    async fn grown(settings: Settings) -> Result<(), String> {
        let started = Hub::start(settings, &[DEPOT, SHOP, BANK], Arc::new(LocalBus::new())).await;
        started.map_err(|error| error.to_string())?.stop().await;
        Ok(())
    }
    let folder = folder();
    ran(settings(&folder)).await;
    let older = copy(folder.path());
    // Whichever is lost, it is not taken for the new one.
    for lost in ["depot", "shop"] {
        let robbed = copy(folder.path());
        std::fs::remove_file(file(&robbed, lost).with_extension("sqlite")).unwrap();
        let told = grown(settings(&robbed)).await.unwrap_err();
        assert!(told.contains(&format!("the database of {lost} is missing")), "{told}");
        assert!(!file(&robbed, "bank.sqlite").exists());
    }
    grown(settings(&folder)).await.unwrap();
    grown(settings(&folder)).await.unwrap();
    // From then on it is one of the hub's.
    std::fs::remove_file(file(&folder, "bank.sqlite")).unwrap();
    let told = grown(settings(&folder)).await.unwrap_err();
    assert!(told.contains("the database of bank is missing, and that of depot exists"), "{told}");
    // A whole backup of before knows nothing of it.
    grown(settings(&older)).await.unwrap();
}

#[tokio::test]
async fn a_first_start_that_was_cut_off_goes_on() {
    let folder = folder();
    let url = format!("sqlite:{}", file(&folder, "depot.sqlite").display());
    db::Db::connect(&db::Options::new(url)).await.unwrap().close().await;
    ran(settings(&folder)).await;
}

#[tokio::test]
async fn a_folder_without_databases_is_not_adopted() {
    let folder = folder();
    let mut wrong = settings(&folder);
    wrong.folder = file(&folder, "typo");
    let adopted = runtime::adopt(&wrong, &[DEPOT, SHOP], &["depot"], "siti", &[]).await;
    assert!(matches!(adopted, Err(runtime::Error::NoDatabases { .. })), "{adopted:?}");
    assert!(!wrong.folder.exists());
}

#[tokio::test]
async fn who_is_adopted_is_told_of_what_it_has_missed() {
    fn refuses(_: Arc<hub::Profile>, _: db::Db, times: u32) -> BoxFuture<'static, anyhow::Result<()>> {
        Box::pin(async move { anyhow::bail!("{times}") })
    }
    let folder = folder();
    ran(settings(&folder)).await;
    let backup = copy(folder.path());
    for round in ["1", "2"] {
        std::fs::copy(file(&backup, "shop.sqlite"), file(&folder, "shop.sqlite")).unwrap();
        let adopt =
            async |hooks| runtime::adopt(&settings(&folder), &[DEPOT, SHOP], &["shop"], "siti", hooks).await;
        let told = adopt(&[("depot", refuses), ("shop", refuses)]).await.unwrap_err().to_string();
        assert_eq!(told, format!("shop: {round}"));
        adopt(&[]).await.unwrap();
        ran(settings(&folder)).await;
    }
}

#[tokio::test]
async fn what_is_no_file_is_named_with_a_remedy() {
    let folder = folder();
    ran(settings(&folder)).await;
    let lost = file(&folder, "depot.sqlite");
    std::fs::remove_file(&lost).unwrap();
    std::fs::create_dir(&lost).unwrap();
    let told = refused(settings(&folder)).await;
    let expected = format!("the database of depot ({}) cannot be opened: ", lost.display());
    assert!(told.starts_with(&expected) && told.contains("restore"), "{told}");
}

#[tokio::test]
async fn damage_that_no_quick_look_sees_is_told_while_the_hub_runs() {
    let folder = folder();
    ran(settings(&folder)).await;
    with_a_wrong_page(&file(&folder, "shop.sqlite")).await;
    let hub = start(settings(&folder)).await;
    let channel = dial(hub.internal_addr()).await;
    eventually("it says that it is damaged", || async {
        (status(channel.clone()).await == ServingStatus::NotServing).then_some(())
    })
    .await;
    hub.stop().await;
    assert!(!file(&folder, "shop.sqlite-wal").exists());
}

#[tokio::test]
async fn a_damaged_file_is_noticed() {
    // The header, and a page in the middle.
    for page in [0, 3] {
        let folder = folder();
        ran(settings(&folder)).await;
        let damaged = file(&folder, "depot.sqlite");
        let mut bytes = std::fs::read(&damaged).unwrap();
        bytes[page * 4_096..(page + 1) * 4_096].fill(0xa5);
        std::fs::write(&damaged, bytes).unwrap();
        let told = refused(settings(&folder)).await;
        let expected = format!("the database of depot ({}) is damaged: ", damaged.display());
        assert!(told.starts_with(&expected) && told.contains("restore"), "{told}");
        let adopted = runtime::adopt(&settings(&folder), &[DEPOT, SHOP], &["depot"], "siti", &[]).await;
        assert!(matches!(adopted, Err(runtime::Error::Damaged { .. })), "{adopted:?}");
    }
}

on_both! {
    async fn a_database_that_was_made_anew_is_noticed_until_it_is_adopted(database: Database) {
        let (folder, depot) = (folder(), database.another().await);
        ran(settings_of(&folder, &depot, &database)).await;
        let anew = database.another().await;
        let told = refused(settings_of(&folder, &anew, &database)).await;
        assert!(told.contains("the database of depot is") && told.contains("`entrepot adopt depot`"), "{told}");
        let settings = || settings_of(&folder, &anew, &database);
        runtime::adopt(&settings(), &[DEPOT, SHOP], &["depot"], "siti", &[]).await.unwrap();
        ran(settings()).await;
        depot.remove().await;
        anew.remove().await;
    }

    async fn a_database_of_another_service_or_hub_is_refused(database: Database) {
        let (folder, other) = (folder(), database.another().await);
        ran(settings_of(&folder, &other, &database)).await;
        let told = refused(settings_of(&folder, &database, &other)).await;
        assert!(told.contains("is that of") && told.contains("of the hub my"), "{told}");
        other.remove().await;
    }

    async fn what_an_earlier_release_left_is_accepted_once(database: Database) {
        let (folder, depot) = (folder(), database.another().await);
        ran(settings_of(&folder, &depot, &database)).await;
        for database in [&depot, &database] {
            let db = database.connect().await;
            let forgotten: Result<(), db::Error> = db.write(|tx| Box::pin(async move {
                db::execute!(tx, "delete from database_identity")?;
                db::execute!(tx, "delete from known_databases")?;
                Ok(())
            })).await;
            forgotten.unwrap();
            db.close().await;
        }
        ran(settings_of(&folder, &depot, &database)).await;
        let anew = database.another().await;
        refused(settings_of(&folder, &anew, &database)).await;
        depot.remove().await;
        anew.remove().await;
    }

    async fn processes_compare_their_databases(database: Database) {
        let (folders, depot) = ([folder(), folder()], database.another().await);
        let mut of_depot = settings(&folders[0]);
        of_depot.databases.insert("depot".to_owned(), depot.url().to_owned());
        let bus = || Arc::new(LocalBus::new());
        let hub = Hub::start(of_depot.clone(), &[DEPOT], bus()).await.unwrap();
        of_depot.internal = hub.internal_addr();
        let mut of_shop = settings(&folders[1]);
        let key = folders[1].path().join("shop.pem");
        let mut known = KeySet::default();
        known.insert(SigningKey::load_or_create(&key).unwrap().public(Holder::Service("shop".to_owned())));
        known.write(&folders[0].path().join("jwks.json")).unwrap();
        of_shop.keys.services.insert("shop".to_owned(), key);
        of_shop.databases.insert("shop".to_owned(), database.url().to_owned());
        of_shop.peers.insert("depot".to_owned(), vec![format!("http://{}", of_depot.internal)]);
        let shop = Hub::start(of_shop, &[ASKING], bus()).await.unwrap();
        write(&hub).await;
        assert_eq!(status(dial(hub.internal_addr()).await).await, ServingStatus::Serving);
        hub.stop().await;

        let anew = database.another().await;
        of_depot.databases.insert("depot".to_owned(), anew.url().to_owned());
        let hub = Hub::start(of_depot.clone(), &[DEPOT], bus()).await.unwrap();
        let channel = dial(hub.internal_addr()).await;
        let is = |expected| {
            let channel = channel.clone();
            move || {
                let channel = channel.clone();
                async move { (status(channel).await == expected).then_some(()) }
            }
        };
        eventually("the depot says that it is another one", is(ServingStatus::NotServing)).await;
        let all = settings_of(&folders[1], &anew, &database);
        runtime::adopt(&all, &[DEPOT, SHOP], &["depot"], "siti", &[]).await.unwrap();
        eventually("the depot serves", is(ServingStatus::Serving)).await;
        shop.stop().await;
        hub.stop().await;
        depot.remove().await;
        anew.remove().await;
    }
}
