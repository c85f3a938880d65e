//! Who may depend on whom, and what a room may know: ARCHITECTURE.md states it, this checks it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::{architecture, cycles};

/// What each crate may use of this workspace (tests may use more); of the services, see [`SERVICE`].
const MAY_USE: &[(&str, &[&str])] = &[
    ("settings", &[]),
    ("money", &[]),
    ("kernel", &[]),
    ("trade", &["money", "kernel"]),
    ("customs", &["money", "kernel", "trade"]),
    ("emvco", &["money"]),
    ("hub", &["money", "kernel", "trade", "customs", "emvco"]),
    ("proto", &["money", "kernel", "trade"]),
    ("telemetry", &["settings"]),
    ("db", &["kernel", "settings"]),
    ("events", &["kernel", "db", "proto", "settings", "telemetry"]),
    ("rpc", &["kernel", "money", "db", "proto", "telemetry"]),
    ("runtime", &["kernel", "hub", "db", "events", "rpc", "proto", "money", "settings"]),
    ("testkit", &["kernel", "hub", "db", "events", "rpc", "proto", "runtime"]),
    ("services", &["runtime", "db", "kernel"]),
    ("proof", &["kernel", "money", "proto", "rpc"]),
    (
        "entrepot",
        &[
            "kernel",
            "money",
            "hub",
            "proto",
            "db",
            "events",
            "rpc",
            "runtime",
            "settings",
            "telemetry",
            "services",
            "proof",
        ],
    ),
    ("e2e", &[]),
    ("xtask", &[]),
];
/// What a service may use: no other service. Services are those that the list of services, [`LIST`], depends on.
const SERVICE: &[&str] = &[
    "money", "kernel", "trade", "customs", "emvco", "hub", "proto", "db", "events", "rpc", "runtime",
    "settings",
];
const LIST: &str = "services";
/// What the rooms of use cases and rules never name: what the API is made of.
const NOT_IN_APP: [&str; 5] = ["tonic", "tonic_types", "prost", "prost_types", "proto"];
/// What the room of the rules never names besides.
const NOT_IN_DOMAIN: [&str; 3] = ["sqlx", "rdkafka", "tokio"];

/// Runs the command.
pub(crate) fn run() -> Result<()> {
    let workspace = crate::workspace()?;
    let mut problems = problems(&workspace)?;
    problems.extend(architecture::problems(&workspace)?);
    problems.iter().for_each(|problem| println!("{problem}"));
    if !problems.is_empty() {
        bail!("{} rules are broken", problems.len());
    }
    println!("the dependency rules hold");
    Ok(())
}

fn problems(workspace: &Path) -> Result<Vec<String>> {
    let mut allowed: BTreeMap<String, &[&str]> =
        MAY_USE.iter().map(|(name, may_use)| ((*name).to_owned(), *may_use)).collect();
    let is_service =
        |name: &String| !allowed.contains_key(name) && workspace.join("crates").join(name).is_dir();
    let list = std::fs::read_to_string(workspace.join("crates").join(LIST).join("Cargo.toml"))?;
    let services: BTreeSet<String> =
        dependencies(&list)?.into_iter().filter(|name| is_service(name)).collect();
    allowed.extend(services.iter().map(|service| (service.clone(), SERVICE)));
    let mut problems = Vec::new();
    for entry in std::fs::read_dir(workspace.join("crates"))? {
        let folder = entry?.path();
        let name = folder.file_name().and_then(|name| name.to_str()).context("a crate's name")?.to_owned();
        let Some(may_use) = allowed.get(&name) else {
            problems.push(format!(
                "{name}: no rule says what it may use: add it to rules.rs and ARCHITECTURE.md"
            ));
            continue;
        };
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml"))?;
        for used in dependencies(&manifest)? {
            let is_listed = name == LIST && services.contains(&used);
            if allowed.contains_key(&used) && !may_use.contains(&used.as_str()) && !is_listed {
                problems.push(format!("{name} may not use {used}"));
            }
        }
        problems.extend(cycles::problem(&name, &folder)?);
        let in_domain = [&NOT_IN_APP[..], &NOT_IN_DOMAIN[..]].concat();
        for (room, forbidden) in [("app", &NOT_IN_APP[..]), ("domain", &in_domain)] {
            let source = folder.join("src");
            in_room(&source.join(room), forbidden, &mut problems)?;
            in_room(&source.join(room).with_extension("rs"), forbidden, &mut problems)?;
        }
    }
    problems.sort();
    Ok(problems)
}

fn dependencies(manifest: &str) -> Result<Vec<String>> {
    let manifest: toml::Table = toml::from_str(manifest)?;
    let tables =
        ["dependencies", "build-dependencies"].iter().filter_map(|key| manifest.get(*key)?.as_table());
    Ok(tables.flat_map(|table| table.keys().cloned()).collect())
}

/// What a file, or a folder's, names and should not.
fn in_room(path: &Path, forbidden: &[&str], problems: &mut Vec<String>) -> Result<()> {
    if path.is_dir() {
        for entry in std::fs::read_dir(path)? {
            in_room(&entry?.path(), forbidden, problems)?;
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") && path.is_file() {
        let text = std::fs::read_to_string(path)?;
        let named = forbidden.iter().filter(|krate| names(&text, krate));
        problems.extend(named.map(|krate| format!("{} names {krate}", path.display())));
    }
    Ok(())
}

/// Whether code (not a comment) names a crate's path.
fn names(text: &str, krate: &str) -> bool {
    let path = format!("{krate}::");
    text.lines().filter(|line| !line.trim_start().starts_with("//")).any(|line| {
        line.match_indices(&path).any(|(place, _)| {
            let before = line.get(..place).and_then(|before| before.chars().next_back());
            !before
                .is_some_and(|character| character.is_alphanumeric() || character == '_' || character == ':')
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_hold() {
        assert_eq!(problems(&crate::workspace().unwrap()).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn what_a_room_may_not_name_is_found_in_all_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let (app, saga) = (folder.path().join("app.rs"), folder.path().join("app/saga"));
        std::fs::create_dir_all(&saga).unwrap();
        std::fs::write(&app, "use crate::proto::x; use tokio::task;").unwrap();
        std::fs::write(saga.join("give_back.rs"), "fn of(message: proto::order::v1::Order) {}").unwrap();
        std::fs::write(saga.join("notes.txt"), "tonic::Status").unwrap();
        let mut problems = Vec::new();
        in_room(&folder.path().join("app"), &NOT_IN_APP, &mut problems).unwrap();
        in_room(&app, &NOT_IN_APP, &mut problems).unwrap();
        assert!(matches!(problems.as_slice(), [one] if one.ends_with("give_back.rs names proto")));
        in_room(&app, &NOT_IN_DOMAIN, &mut problems).unwrap();
        assert!(problems[1].ends_with("app.rs names tokio"), "{problems:?}");
    }

    #[test]
    fn a_named_crate_is_found_and_a_word_is_not() {
        assert!(names("use sqlx::Row;", "sqlx"));
        assert!(names("fn x(y: tonic::Status)", "tonic"));
        assert!(!names("// sqlx::Row", "sqlx"));
        assert!(!names("use crate::proto::x;", "proto"));
        assert_eq!(dependencies("[dependencies]\ndb.workspace = true\n").unwrap(), ["db"]);
    }
}
