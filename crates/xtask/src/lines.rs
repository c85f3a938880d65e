//! `cargo xtask lines`: how much there is, by crate.

use std::path::Path;

use anyhow::Result;

/// Lines of one crate.
#[derive(Debug, Default, Clone, Copy)]
struct Lines {
    source: usize,
    unit_tests: usize,
    tests: usize,
}

/// Runs the command.
pub(crate) fn run() -> Result<()> {
    let mut crates: Vec<_> =
        std::fs::read_dir(crate::workspace()?.join("crates"))?.collect::<Result<_, _>>()?;
    crates.sort_by_key(std::fs::DirEntry::file_name);
    println!("{:<10} {:>8} {:>12} {:>8}", "crate", "source", "unit tests", "tests");
    let mut all = Lines::default();
    for folder in crates.iter().map(std::fs::DirEntry::path) {
        let mut lines = Lines::default();
        count(&folder.join("src"), false, &mut lines)?;
        count(&folder.join("tests"), true, &mut lines)?;
        all.source += lines.source;
        all.unit_tests += lines.unit_tests;
        all.tests += lines.tests;
        line(&folder.file_name().unwrap_or_default().to_string_lossy(), lines);
    }
    line("all", all);
    Ok(())
}

fn line(name: &str, lines: Lines) {
    println!("{name:<10} {:>8} {:>12} {:>8}", lines.source, lines.unit_tests, lines.tests);
}

fn count(folder: &Path, tests: bool, lines: &mut Lines) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            count(&path, tests, lines)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path)?;
            let whole = text.lines().count();
            let source = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count();
            if tests {
                lines.tests += whole;
            } else {
                lines.source += source;
                lines.unit_tests += whole - source;
            }
        }
    }
    Ok(())
}
