//! `check`: runs worked cases with known answers against the hubs' rules.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use anyhow::{Context as _, Result, anyhow, bail};
use hub::Profile;
use hub::case::{self, Case};

use crate::hubs;
use crate::table::{Line, Lines};

/// Run cases with known answers (JSON lines) against the hubs' rules.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The cases: a JSON object a line.
    file: PathBuf,
    /// A profile beside those that come with the program, by the path of its .toml file; takes the place of one with
    /// the same code.
    #[arg(long = "hub", value_name = "FILE")]
    hubs: Vec<String>,
}

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
        let profile = hubs::profile(&name)?;
        profiles.insert(profile.code().to_owned(), Profile::clone(&profile));
    }
    Ok(profiles)
}

/// The case's kind, and what is wrong, a sentence each.
fn judge(line: &Line, profiles: &BTreeMap<String, Profile>) -> (String, Vec<String>) {
    let number = line.number;
    let unreadable = |problem: &str| ("unreadable".to_owned(), vec![format!("line {number}: {problem}")]);
    if line.cut {
        return unreadable("is longer than 512 KiB");
    }
    let case: Case = match serde_json::from_slice(&line.bytes) {
        Ok(case) => case,
        Err(error) => return unreadable(&error.to_string()),
    };
    let problems = match case::run(&case, profiles) {
        Ok(differences) => differences
            .iter()
            .map(|difference| format!("{} (line {number}): {difference}", case.id))
            .collect(),
        Err(problem) => vec![format!("{} (line {number}): cannot be run: {problem}", case.id)],
    };
    (case.kind, problems)
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
        (0, 0) => Err(anyhow!("the file holds no case")),
        (_, 0) => Ok(()),
        _ => bail!("{wrong} of {} cases differ", right + wrong),
    }
}
