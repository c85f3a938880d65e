//! `check`: runs worked cases with known answers against the hubs' rules.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use anyhow::{Context as _, Result, anyhow, bail};
use hub::Profile;
use hub::case::{self, Case};
use kernel::text::shortened;

use crate::profiles;
use crate::table::{Lines, TextLine};

/// Run cases with known answers (JSON lines) against the hubs' rules.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The cases, one JSON object per line.
    file: PathBuf,
    /// A profile in addition to the built-in ones, by the path of its .toml file; it replaces a built-in one with the
    /// same code.
    #[arg(long = "hub", value_name = "FILE")]
    hubs: Vec<String>,
}

/// How much of a case's name is shown, in characters.
const NAME_CHARACTERS_MAX: usize = 100;

/// Counts of one kind of case.
#[derive(Default)]
struct Tally {
    right: u64,
    wrong: u64,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<()> {
    let profiles = profiles(&args.hubs)?;
    let file = File::open(&args.file).with_context(|| format!("cannot open {}", args.file.display()))?;
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    let mut lines = Lines::new(BufReader::new(file));
    let cannot = || format!("cannot read {}", args.file.display());
    while let Some(line) = lines.next_line().with_context(cannot)? {
        if line.bytes.trim_ascii().is_empty() {
            continue;
        }
        let (kind, problems) = judge(&line, &profiles);
        let tally = tallies.entry(kind).or_default();
        if problems.is_empty() {
            tally.right += 1;
        } else {
            tally.wrong += 1;
            problems.iter().for_each(|problem| println!("{problem}"));
        }
    }
    summary(&tallies)
}

fn profiles(more: &[String]) -> Result<BTreeMap<String, Profile>> {
    let builtin = hub::BUILTIN.iter().map(|(code, ..)| (*code).to_owned());
    let mut profiles = BTreeMap::new();
    for name in builtin.chain(more.iter().cloned()) {
        let profile = profiles::profile(&name)?;
        profiles.insert(profile.code().to_owned(), Profile::clone(&profile));
    }
    Ok(profiles)
}

/// The case's kind, and what is wrong, a sentence each.
fn judge(line: &TextLine, profiles: &BTreeMap<String, Profile>) -> (String, Vec<String>) {
    let number = line.number;
    let unreadable = |problem: &str| ("unreadable".to_owned(), vec![format!("line {number}: {problem}")]);
    if line.cut {
        return unreadable("is longer than 512 KiB");
    }
    // A byte-order mark begins the file, not its first case.
    let bytes = match line.bytes.strip_prefix("\u{feff}".as_bytes()) {
        Some(rest) if number == 1 => rest,
        _ => &line.bytes,
    };
    let case: Case = match serde_json::from_slice(bytes) {
        Ok(case) => case,
        Err(error) => return unreadable(&error.to_string()),
    };
    let name = |name: &str| shortened(name, NAME_CHARACTERS_MAX).to_string();
    let id = name(&case.id);
    let problems = match case::run(&case, profiles) {
        Ok(differences) => {
            differences.iter().map(|difference| format!("{id} (line {number}): {difference}")).collect()
        }
        Err(problem) => vec![format!("{id} (line {number}): cannot be run: {problem}")],
    };
    (name(&case.kind), problems)
}

fn summary(tallies: &BTreeMap<String, Tally>) -> Result<()> {
    let (mut right, mut wrong) = (0, 0);
    for (kind, tally) in tallies {
        println!("{kind:<20} {:>6} right {:>6} wrong", tally.right, tally.wrong);
        right += tally.right;
        wrong += tally.wrong;
    }
    println!("{:<20} {right:>6} right {wrong:>6} wrong", "all");
    match (right, wrong) {
        (0, 0) => Err(anyhow!("the file contains no cases")),
        (_, 0) => Ok(()),
        _ => bail!("{wrong} of {} cases differ", right + wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASE: &str = r#"{"id":"x","kind":"spread","total":"0.01","currency":"MYR","shares":["1"],"expect":{"parts":["0.01"]}}"#;

    fn judged(text: &[u8]) -> Vec<(String, Vec<String>)> {
        let profiles = profiles(&[]).unwrap();
        let mut lines = Lines::new(text);
        let mut judged = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            judged.push(judge(&line, &profiles));
        }
        judged
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_case() {
        let text = format!("\u{feff}{CASE}\r\n\u{feff}{CASE}\n");
        let judged = judged(text.as_bytes());
        assert_eq!(judged[0], ("spread".to_owned(), Vec::new()));
        assert_eq!(judged[1].0, "unreadable", "nowhere else");
    }

    #[test]
    fn a_line_without_end_is_unreadable_and_the_next_one_is_judged() {
        let text = format!("{}\n{CASE}", " ".repeat(512 * 1024) + CASE);
        let judged = judged(text.as_bytes());
        assert_eq!(judged[0].1, ["line 1: is longer than 512 KiB"]);
        assert_eq!(judged[1], ("spread".to_owned(), Vec::new()));
    }

    #[test]
    fn what_a_case_is_called_is_shown_harmless() {
        let case = CASE.replace("\"x\"", r#""\u001b[31m""#).replace("spread", r"\u202e");
        let (kind, problems) = &judged(case.as_bytes())[0];
        assert!(
            kind.starts_with("\\u{202e}") && problems[0].starts_with("\\u{1b}[31m (line 1)"),
            "{problems:?}"
        );
    }
}
