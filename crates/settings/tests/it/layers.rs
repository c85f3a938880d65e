//! Which of several words holds.

use settings::{Resolved, Setting, section};

use crate::{SETTINGS, Told, file};

fn shelves(resolved: &Resolved) -> i64 {
    resolved.table("shop")["shelves"].as_integer().unwrap()
}

#[test]
fn the_command_line_goes_before_the_environment_before_the_file_before_the_default() {
    let variable = [("ENTREPOT_SHOP_SHELVES", "4")];
    let in_file = "[shop]\nshelves = 3\n";
    assert_eq!(shelves(&Told::default().resolve().unwrap()), 2);
    assert_eq!(shelves(&Told::file(in_file).resolve().unwrap()), 3);
    assert_eq!(shelves(&Told::file(in_file).variables(&variable).resolve().unwrap()), 4);
    let all = Told::file(in_file).variables(&variable).flag("shop.shelves", &["5"]);
    assert_eq!(shelves(&all.resolve().unwrap()), 5);
    let flag = Told::file(in_file).flag("shop.shelves", &["5"]);
    assert_eq!(shelves(&flag.resolve().unwrap()), 5);
}

#[test]
fn the_environment_may_name_the_file() {
    let mut told = Told::file("name = 'corner'\n");
    let file = told.sources.file.take().unwrap();
    let told = told.variables(&[("ENTREPOT_CONFIG", file.to_str().unwrap())]);
    assert_eq!(told.resolve().unwrap().table("")["name"].as_str(), Some("corner"));
}

#[test]
fn an_empty_variable_says_nothing() {
    let told = Told::file("[shop]\nshelves = 3\n")
        .variables(&[("ENTREPOT_SHOP_SHELVES", ""), ("ENTREPOT_SHOPS", "")]);
    assert_eq!(shelves(&told.resolve().unwrap()), 3);
}

#[test]
fn a_list_is_told_in_each_place_in_its_way() {
    let branches = |told: Told| told.resolve().unwrap().table("shop")["branches"].to_string();
    let two = "[\"north\", \"south\"]";
    assert_eq!(branches(Told::file("shop.branches = ['north', 'south']\n")), two);
    assert_eq!(branches(Told::default().variables(&[("ENTREPOT_SHOP_BRANCHES", "north, south")])), two);
    assert_eq!(branches(Told::default().flag("shop.branches", &["north", "south"])), two);
}

#[test]
fn what_was_called_otherwise_in_the_release_before_is_taken_and_said() {
    let branches = |told: Told| {
        let resolved = told.resolve().unwrap();
        (resolved.table("shop")["branches"].to_string(), resolved.renamed().to_vec())
    };
    let now = "is now called shop.branches; the next release no longer accepts the old name";
    let (told, renamed) = branches(Told::default().variables(&[("ENTREPOT_DEPOT_BRANCHES", "north")]));
    assert_eq!(told, "[\"north\"]");
    assert_eq!(renamed, [format!("depot.branches (ENTREPOT_DEPOT_BRANCHES): {now}")]);
    // Where two settings have become one, both may say the same.
    let (told, renamed) = branches(Told::file("branches = ['north']\n[depot]\nbranches = ['north']\n"));
    assert_eq!((told.as_str(), renamed.len()), ("[\"north\"]", 2));
    let both = Told::file("branches = ['north']\n[depot]\nbranches = ['south']\n").resolve().unwrap_err();
    assert!(both.to_string().contains("shop.branches: is set twice"), "{both}");
    // The old name and the new one may say the same, whichever is read first.
    let names = [
        ("ENTREPOT_BRANCHES", "north"),
        ("ENTREPOT_SHOP_BRANCHES", "north"),
        ("ENTREPOT_DEPOT_BRANCHES", "north"),
    ];
    for [one, other] in [[0, 1], [1, 2], [2, 1]] {
        let (told, renamed) = branches(Told::default().variables(&[names[one], names[other]]));
        assert_eq!((told.as_str(), renamed.len()), ("[\"north\"]", 1));
    }
    let (_, renamed) = branches(Told::file("[shop]\nbranches = ['north']\n"));
    assert_eq!(renamed, Vec::<String>::new());
}

/// All but the end of the last line: a password may end in a space.
#[test]
fn a_value_may_stand_in_a_file_of_its_own() {
    for (text, value) in [("s3 \n", "s3 "), ("s3\r\n", "s3"), ("s3", "s3"), ("s3\n\n", "s3\n")] {
        let (_folder, path) = file(text);
        let safe = |told: Told| told.resolve().unwrap().table("shop")["safe"].as_str().map(str::to_owned);
        assert_eq!(
            safe(Told::default().variables(&[("ENTREPOT_SHOP_SAFE_FILE", &path)])).as_deref(),
            Some(value)
        );
        assert_eq!(safe(Told::file(&format!("[shop]\nsafe_file = '{path}'\n"))).as_deref(), Some(value));
        assert_eq!(safe(Told::default().flag("shop.safe", &[&path])).as_deref(), Some(value));
    }
    let (_folder, path) = file("5\n");
    assert_eq!(
        shelves(&Told::default().variables(&[("ENTREPOT_SHOP_SHELVES_FILE", &path)]).resolve().unwrap()),
        5
    );
}

#[test]
fn a_file_for_each_is_left_to_who_knows_them() {
    let told =
        Told::default().variables(&[("ENTREPOT_SHOP_TILLS_FILE", "/nowhere/{till}")]).resolve().unwrap();
    let shop = told.table("shop");
    assert_eq!((shop.get("tills"), shop["tills_file"].as_str()), (None, Some("/nowhere/{till}")));
    assert_eq!(
        told.variables(&["shop.tills", "shop.shelves"]),
        [("ENTREPOT_SHOP_TILLS_FILE".to_owned(), "/nowhere/{till}".to_owned())]
    );
}

#[test]
fn a_section_becomes_its_struct_and_neither_has_more_than_the_other() {
    #[derive(serde::Deserialize, PartialEq, Debug)]
    #[serde(deny_unknown_fields)]
    struct Sandbox {
        enabled: bool,
        seed: Option<u32>,
    }
    #[derive(serde::Deserialize, PartialEq, Debug)]
    #[serde(deny_unknown_fields)]
    struct Less {
        enabled: bool,
    }
    let told = Told::file("[sandbox]\nseed = 3\n").resolve().unwrap();
    assert_eq!(told.section("sandbox"), Ok(Sandbox { enabled: true, seed: Some(3) }));
    assert!(told.section::<Less>("sandbox").unwrap_err().to_string().contains("`seed`"));
}

#[test]
fn a_section_that_is_handed_over_is_held_to_the_same() {
    let read = |text: &str, is_sandbox| section(SETTINGS, "sandbox", &text.parse().unwrap(), is_sandbox);
    assert_eq!(read("", true).unwrap()["enabled"].as_bool(), Some(true));
    assert!(read("seed = 3", true).is_ok());
    assert_eq!(
        read("seed = 3", false).unwrap_err().0,
        ["sandbox.seed: is allowed in a sandbox hub only (sandbox.enabled = true)"]
    );
    assert_eq!(
        read("sed = 3", true).unwrap_err().0,
        ["sandbox.sed: there is no such setting; did you mean sandbox.seed?"]
    );
    const NONE: &[Setting] = &[];
    assert!(section(NONE, "empty", &"x = 1".parse().unwrap(), true).is_err());
}
