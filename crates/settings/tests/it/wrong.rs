//! What is wrong names itself.

use settings::{Setting, ValueKind, problems};

use crate::{Told, all, file};

fn in_file(text: &str) -> Vec<String> {
    Told::file(text).wrong()
}

fn in_environment(variables: &[(&str, &str)]) -> Vec<String> {
    Told::default().variables(variables).wrong()
}

#[test]
fn an_unknown_name_is_told_with_the_one_that_may_be_meant() {
    assert_eq!(
        in_file("[shop]\nshelves = 3\nshelve = 3\n"),
        ["shop.shelve (shop.toml, line 3): there is no such setting; did you mean shop.shelves?"]
    );
    assert_eq!(in_file("[zoo]\n"), ["shop.toml, line 1: there is no section [zoo]"]);
    assert_eq!(
        in_file("\n[shp]\nx = 1\n"),
        ["shop.toml, line 2: there is no section [shp]; did you mean shop?"]
    );
    assert_eq!(in_file("colour = 'red'\n"), ["colour (shop.toml, line 1): there is no such setting"]);
    assert_eq!(
        in_environment(&[("ENTREPOT_SHOP_SHELF", "3"), ("ENTREPOT_TEST_X", "1"), ("ENTREPOT_BIN", "2")]),
        ["ENTREPOT_SHOP_SHELF: there is no such setting; did you mean ENTREPOT_SHOP_SHELVES?"]
    );
    assert_eq!(
        in_environment(&[("ENTREPOT_ZOO_FILE", "x"), ("ENTREPOT_BINS", "2")]),
        ["ENTREPOT_ZOO_FILE: there is no such setting", "ENTREPOT_BINS: there is no such setting"]
    );
}

/// A file is named for a secret alone: any other value stands in the configuration itself.
#[test]
fn only_a_secret_has_a_file_of_its_own_in_the_file() {
    assert_eq!(
        in_file("name_file = 'x'\n[shop]\nsafe_file = 3\n"),
        [
            "name_file (shop.toml, line 1): there is no such setting",
            "shop.safe_file (shop.toml, line 3): must be a path"
        ]
    );
}

#[test]
fn a_value_that_must_not_be_is_told_with_what_may_be() {
    assert_eq!(
        in_file("[shop]\nshelves = 10\n"),
        ["shop.shelves (shop.toml, line 2): `10` must be 1 to 9 shelves"]
    );
    assert_eq!(
        in_environment(&[("ENTREPOT_SHOP_SHELVES", "many")]),
        ["shop.shelves (ENTREPOT_SHOP_SHELVES): `many` must be 1 to 9 shelves"]
    );
    let flag = Told::default().flag("name", &["two words"]);
    assert_eq!(flag.wrong(), ["name (--name): `two words` must be a name"]);
    let (_folder, path) = file("0\n");
    assert_eq!(
        in_environment(&[("ENTREPOT_SHOP_SHELVES_FILE", &path)]),
        ["shop.shelves (ENTREPOT_SHOP_SHELVES_FILE): `0` must be 1 to 9 shelves"]
    );
}

#[test]
fn what_something_else_goes_before_is_looked_at_as_well() {
    let told = Told::file("[shop]\nshelves = 0\n").variables(&[("ENTREPOT_SHOP_SHELVES", "3")]);
    assert_eq!(told.wrong(), ["shop.shelves (shop.toml, line 2): `0` must be 1 to 9 shelves"]);
}

#[test]
fn a_secret_that_is_wrong_is_not_shown() {
    assert_eq!(in_file("[shop]\nsafe = 12345\n"), ["shop.safe (shop.toml, line 2): must be a path"]);
}

#[test]
fn a_value_and_its_file_at_one_place_contradict_each_other() {
    let (_folder, path) = file("x\n");
    assert_eq!(
        in_environment(&[("ENTREPOT_SHOP_SAFE", "x"), ("ENTREPOT_SHOP_SAFE_FILE", &path)]),
        ["shop.safe: is set twice, as ENTREPOT_SHOP_SAFE and as ENTREPOT_SHOP_SAFE_FILE; leave one out"]
    );
    assert_eq!(
        in_file(&format!("[shop]\nsafe = 'x'\nsafe_file = '{path}'\n")),
        ["shop.safe: is set twice, as shop.toml, line 2 and as shop.toml, line 3; leave one out"]
    );
    // At two places one goes before the other.
    let told = Told::file("[shop]\nsafe = 'x'\n").variables(&[("ENTREPOT_SHOP_SAFE_FILE", &path)]);
    assert!(told.resolve().is_ok());
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let [wrong] = in_environment(&[("ENTREPOT_SHOP_SAFE_FILE", "/nowhere")]).try_into().unwrap();
    assert!(wrong.starts_with("shop.safe (ENTREPOT_SHOP_SAFE_FILE): cannot read /nowhere: "), "{wrong}");
    let (_folder, path) = file("\n");
    let [wrong] = in_environment(&[("ENTREPOT_SHOP_SAFE_FILE", &path)]).try_into().unwrap();
    assert!(wrong.ends_with("value is empty"), "{wrong}");
    let [wrong] = in_environment(&[("ENTREPOT_CONFIG", "/nowhere.toml")]).try_into().unwrap();
    assert!(wrong.starts_with("config: cannot read /nowhere.toml: "), "{wrong}");
    // Nor one without an end.
    for name in ["ENTREPOT_SHOP_SAFE_FILE", "ENTREPOT_CONFIG"] {
        let [wrong] = in_environment(&[(name, "/dev/zero")]).try_into().unwrap();
        assert!(wrong.contains("cannot read /dev/zero: it is larger than"), "{wrong}");
    }
    let [wrong] = in_file("name = \n").try_into().unwrap();
    assert!(wrong.starts_with("shop.toml, line 1: "), "{wrong}");
}

#[test]
fn what_belongs_to_a_sandbox_is_refused_outside() {
    let seed = ("ENTREPOT_SANDBOX_SEED", "3");
    assert!(Told::default().variables(&[seed]).resolve().is_ok());
    assert_eq!(
        in_environment(&[seed, ("ENTREPOT_SANDBOX_ENABLED", "false")]),
        ["sandbox.seed (ENTREPOT_SANDBOX_SEED): is allowed in a sandbox hub only (sandbox.enabled = true)"]
    );
}

#[test]
fn all_is_told_at_once() {
    let told = Told::file("colour = 1\n[shop]\nshelves = 0\n").variables(&[("ENTREPOT_ZOO", "1")]);
    assert_eq!(told.flag("name", &["a b"]).wrong().len(), 4);
}

#[test]
fn unsound_declarations_are_found() {
    assert_eq!(problems(&all()), Vec::<String>::new());
    const WHOLE: ValueKind = ValueKind::Whole { least: 1, most: 2, unit: "" };
    static UNSOUND: [Setting; 3] = [
        Setting::new("a.b", WHOLE, "No point").default("1"),
        Setting::new("a_b", WHOLE, "It has the same variable.").default("1"),
        Setting::new("c", WHOLE, "Its default is out of bounds.").default("3"),
    ];
    let found = problems(&UNSOUND.iter().collect::<Vec<_>>());
    assert!(found.iter().any(|one| one == "a.b: a sentence ends with a point"), "{found:?}");
    assert!(found.iter().any(|one| one == "a_b and a.b are both ENTREPOT_A_B"), "{found:?}");
    assert!(found.iter().any(|one| one == "c: `3` must be 1 to 2"), "{found:?}");
}
