//! Who may depend on whom, and what a room may know: ARCHITECTURE.md states it, this checks it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::architecture;

/// What each crate may use of this workspace (tests may use more).
const MAY_USE: [(&str, &[&str]); 21] = [
    ("settings", &[]),
    ("money", &[]),
    ("kernel", &[]),
    ("customs", &["money", "kernel"]),
    ("emvco", &["money"]),
    ("hub", &["money", "kernel", "customs", "emvco"]),
    ("proto", &["money", "kernel"]),
    ("telemetry", &["settings"]),
    ("db", &["kernel", "settings"]),
    ("events", &["kernel", "db", "proto", "settings", "telemetry"]),
    ("rpc", &["kernel", "db", "proto", "telemetry"]),
    ("runtime", &["kernel", "hub", "db", "events", "rpc", "proto", "money", "settings"]),
    ("testkit", &["kernel", "hub", "db", "events", "rpc", "proto", "runtime"]),
    ("catalog", SERVICE),
    ("order", SERVICE),
    ("payment", SERVICE),
    ("logistics", SERVICE),
    ("proof", &["kernel", "money", "proto", "rpc"]),
    (
        "entrepot",
        &[
            "kernel",
            "money",
            "hub",
            "proto",
            "events",
            "rpc",
            "runtime",
            "settings",
            "telemetry",
            "catalog",
            "order",
            "payment",
            "logistics",
            "proof",
        ],
    ),
    ("e2e", &[]),
    ("xtask", &[]),
];
/// A service knows no other service.
const SERVICE: &[&str] =
    &["money", "kernel", "customs", "emvco", "hub", "proto", "db", "events", "rpc", "runtime", "settings"];
/// What the room of the rules never names.
const NOT_IN_DOMAIN: [&str; 6] = ["tonic", "prost", "proto", "sqlx", "rdkafka", "tokio"];

/// Runs the command.
pub(crate) fn run() -> Result<()> {
    let workspace = crate::workspace()?;
    let mut problems = problems(&workspace)?;
    problems.extend(architecture::problems(&workspace)?);
    problems.iter().for_each(|problem| println!("{problem}"));
    if !problems.is_empty() {
        bail!("{} rules are broken", problems.len());
    }
    println!("the rules of who may know whom hold");
    Ok(())
}

fn problems(workspace: &Path) -> Result<Vec<String>> {
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.into_iter().collect();
    let mut problems = Vec::new();
    for entry in std::fs::read_dir(workspace.join("crates"))? {
        let folder = entry?.path();
        let name = folder.file_name().and_then(|name| name.to_str()).context("a crate's name")?.to_owned();
        let Some(may_use) = allowed.get(name.as_str()) else {
            problems.push(format!(
                "{name}: no rule says what it may use: add it to rules.rs and ARCHITECTURE.md"
            ));
            continue;
        };
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml"))?;
        for used in dependencies(&manifest)? {
            if allowed.contains_key(used.as_str()) && !may_use.contains(&used.as_str()) {
                problems.push(format!("{name} may not use {used}"));
            }
        }
        in_domain(&folder.join("src/domain"), &name, &mut problems)?;
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

fn in_domain(folder: &Path, name: &str, problems: &mut Vec<String>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            in_domain(&path, name, problems)?;
            continue;
        }
        let text = std::fs::read_to_string(&path)?;
        for forbidden in NOT_IN_DOMAIN.into_iter().filter(|forbidden| names(&text, forbidden)) {
            let file = path.file_name().and_then(|file| file.to_str()).unwrap_or_default();
            problems.push(format!("{name}/src/domain/{file} names {forbidden}"));
        }
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
    fn a_named_crate_is_found_and_a_word_is_not() {
        assert!(names("use sqlx::Row;", "sqlx"));
        assert!(names("fn x(y: tonic::Status)", "tonic"));
        assert!(!names("// sqlx::Row", "sqlx"));
        assert!(!names("use crate::proto::x;", "proto"));
        assert_eq!(dependencies("[dependencies]\ndb.workspace = true\n").unwrap(), ["db"]);
    }
}
