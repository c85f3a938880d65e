//! ARCHITECTURE.md names a test for each invariant: whether each is there.

use std::path::Path;

use anyhow::{Context as _, Result};

/// The heading of the invariants' table, and of what follows it.
const FROM: &str = "## Invariants";
const TO: &str = "\n## ";

/// The tests that ARCHITECTURE.md names and the code does not have, a sentence each.
pub(crate) fn problems(workspace: &Path) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(workspace.join("ARCHITECTURE.md"))?;
    let named = named(&text).context("ARCHITECTURE.md has no table of invariants")?;
    let mut problems = Vec::new();
    if named.is_empty() {
        problems.push("ARCHITECTURE.md names no tests".to_owned());
    }
    for (krate, module, test) in named {
        if !exists(&workspace.join("crates").join(krate), module, test)? {
            problems.push(format!("ARCHITECTURE.md names `{krate} {module}::{test}`, which is not there"));
        }
    }
    Ok(problems)
}

/// Crate, module and function of each `` `crate module::test` `` in the table.
fn named(text: &str) -> Option<Vec<(&str, &str, &str)>> {
    let table = text.split_once(FROM)?.1;
    let table = table.split_once(TO).map_or(table, |(table, _)| table);
    let test = |quoted: &'_ str| -> bool { quoted.contains(' ') && quoted.contains("::") };
    let quoted = table.split('`').skip(1).step_by(2).filter(|quoted| test(quoted));
    let parts = quoted.filter_map(|quoted| {
        let (krate, path) = quoted.split_once(' ')?;
        let (module, test) = path.rsplit_once("::")?;
        let is_name =
            |name: &str| name.chars().all(|character| character.is_ascii_lowercase() || character == '_');
        (is_name(krate) && is_name(module)).then_some((krate, module, test))
    });
    Some(parts.collect())
}

/// Whether a file of that module holds a function of that name.
fn exists(folder: &Path, module: &str, test: &str) -> Result<bool> {
    for place in ["src", "tests"] {
        let folder = folder.join(place);
        if folder.is_dir() && in_folder(&folder, module, test)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn in_folder(folder: &Path, module: &str, test: &str) -> Result<bool> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if in_folder(&path, module, test)? {
                return Ok(true);
            }
        } else if path.file_stem().is_some_and(|stem| stem == module) {
            let text = std::fs::read_to_string(&path)?;
            if text.contains(&format!("fn {test}(")) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_that_is_named_is_there() {
        assert_eq!(problems(&crate::workspace().unwrap()).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn tests_are_told_from_other_words() {
        let text = "## Invariants\n| `a < b` | `db.write` | `order qr::paid_once` |\n## Else\n`x y::z`";
        assert_eq!(named(text).unwrap(), [("order", "qr", "paid_once")]);
    }
}
