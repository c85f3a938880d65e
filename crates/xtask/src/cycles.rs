//! Modules of one crate that use each other in a circle. A module is a file. What it re-exports counts as used from where
//! it is defined, and a file may use the modules that it is part of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result};

/// The only circle that may be, with its crate: these two are one state machine.
const ALLOWED: (&str, &str) = ("events", "crate::kafka::lane, crate::kafka::member");
/// How many steps a path is followed: an import such as `anyhow::anyhow` leads back to itself.
const STEPS_MAX: usize = 30;

/// The modules of a crate.
#[derive(Default)]
struct Modules {
    /// The paths that each module uses.
    paths: BTreeMap<String, Vec<String>>,
    /// What modules import and re-export: `crate::a::Name`, and the path that it has in `crate::a`.
    imports: BTreeMap<String, String>,
}

/// What is wrong with a crate's modules, if anything is.
pub(crate) fn problem(krate: &str, folder: &Path) -> Result<Option<String>> {
    let mut modules = Modules::default();
    modules.read(&folder.join("src"), "crate")?;
    let circle = modules.in_circles().join(", ");
    let is_wrong = !circle.is_empty() && (krate, circle.as_str()) != ALLOWED;
    Ok(is_wrong.then(|| format!("{krate}: modules use each other in a circle: {circle}")))
}

impl Modules {
    fn read(&mut self, folder: &Path, at: &str) -> Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            match path.file_stem().and_then(|stem| stem.to_str()).context("a module's name")? {
                "tests" => {}
                name if path.is_dir() => self.read(&path, &format!("{at}::{name}"))?,
                _ if path.extension().is_none_or(|extension| extension != "rs") => {}
                "lib" | "main" | "mod" => self.add(at, &std::fs::read_to_string(&path)?),
                name => self.add(&format!("{at}::{name}"), &std::fs::read_to_string(&path)?),
            }
        }
        Ok(())
    }

    fn add(&mut self, at: &str, text: &str) {
        let used = self.paths.entry(at.to_owned()).or_default();
        let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default().lines();
        let code = code.map(|line| line.split("//").next().unwrap_or_default().trim());
        let code = code.flat_map(|line| ["\n", line]).collect::<String>();
        let code = code.replace("\npub(crate) use ", "\npub use ").replace("\npub(super) use ", "\npub use ");
        for statement in code.split(';') {
            let (import, reexport) = (statement.split_once("\nuse "), statement.split_once("\npub use "));
            let (body, tree) = import.or(reexport).unwrap_or((statement, ""));
            for (name, path) in expand(tree) {
                used.extend(import.map(|_| path.clone()));
                self.imports.insert(format!("{at}::{name}"), path);
            }
            let words = body.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
            let paths = words.map(|word| word.trim_end_matches(':')).filter(|word| word.contains("::"));
            used.extend(paths.map(str::to_owned));
        }
    }

    /// The module that defines what a path names in the module `at`; `at` for what is another crate's.
    fn defining(&self, at: &str, path: &str) -> String {
        let (mut at, mut path) = (at.to_owned(), path.to_owned());
        for _ in 0..STEPS_MAX {
            let (first, rest) = path.split_once("::").unwrap_or((&path, ""));
            let (child, mut next) = (format!("{at}::{first}"), rest.to_owned());
            match first {
                "crate" => "crate".clone_into(&mut at),
                "self" => {}
                "super" => at.truncate(at.rfind("::").unwrap_or(at.len())),
                _ if self.paths.contains_key(&child) => at = child,
                _ => match self.imports.get(&child) {
                    Some(named) => next = format!("{named}::{rest}"),
                    None => break,
                },
            }
            path = next;
        }
        at
    }

    /// The modules on circles, and those between two circles.
    fn in_circles(&self) -> Vec<String> {
        let uses = self.paths.iter().map(|(at, paths)| {
            let used = paths.iter().map(|path| self.defining(at, path));
            (at.clone(), used.filter(|used| !format!("{at}::").starts_with(&format!("{used}::"))).collect())
        });
        let mut left: BTreeMap<String, BTreeSet<String>> = uses.collect();
        loop {
            let known: BTreeSet<String> = left.keys().cloned().collect();
            let used: BTreeSet<String> = left.values().flatten().cloned().collect();
            left.retain(|at, uses| used.contains(at) && !uses.is_disjoint(&known));
            if left.len() == known.len() {
                return known.into_iter().collect();
            }
        }
    }
}

/// The names that a `use` brings in, each with its path.
fn expand(tree: &str) -> Vec<(String, String)> {
    let (mut names, mut prefix, mut open) = (Vec::new(), String::new(), Vec::new());
    for piece in format!("{tree},").split_inclusive(['{', ',', '}']) {
        let (part, end) = piece.split_at(piece.len() - 1);
        if end == "{" {
            open.push(prefix.clone());
            prefix += part.trim();
        } else if !part.trim().is_empty() {
            let path = format!("{prefix}{} ", part.trim()).replace("::self ", " ");
            let (path, name) = path.trim().split_once(" as ").unwrap_or((path.trim(), path.trim()));
            names.push((name.rsplit("::").next().unwrap_or_default().to_owned(), path.trim().to_owned()));
        }
        if end == "}" {
            prefix = open.pop().unwrap_or_default();
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_circles(files: &[(&str, &str)]) -> Vec<String> {
        let mut modules = Modules::default();
        files.iter().for_each(|(at, text)| modules.add(at, text));
        modules.in_circles()
    }

    #[test]
    fn a_circle_is_found_through_what_is_reexported() {
        let root = ("crate", "mod a;\nmod b;\npub(crate) use b::{Two as Deux, three::Three};");
        let (a, b) = (("crate::a", "use crate::{c, Deux};"), ("crate::b", "struct Two(super::a::One);"));
        assert_eq!(in_circles(&[root, a, b]), ["crate::a", "crate::b"]);
        let (a, b) = (("crate::a", "fn a() -> crate::Three {}"), ("crate::b", "mod three;"));
        let three = ("crate::b::three", "use super::super::a::{self};");
        assert_eq!(in_circles(&[root, a, b, three]), ["crate::a", "crate::b::three"]);
    }

    #[test]
    fn a_part_may_use_its_whole() {
        let a = "mod part;\nuse self::part::Part;\n\n#[cfg(test)]\nmod tests {\n    use crate::b;\n}";
        let part = ("crate::a::part", "use kernel::Id;\nuse super::A; // not crate::b::B");
        let files = [("crate", "mod a;\nmod b;"), ("crate::a", a), part, ("crate::b", "use crate::a::A;")];
        assert_eq!(in_circles(&files), Vec::<String>::new());
    }
}
