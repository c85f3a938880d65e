//! What ran on which engine, in a table.

use std::collections::BTreeMap;
use std::time::Duration;

/// Which engine a test needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Engine {
    None,
    Sqlite,
    Postgres,
    Kafka,
}

/// How many of them there are.
const ENGINES: usize = 4;

/// How a test ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) package: String,
    pub(crate) engine: Engine,
    pub(crate) failed: bool,
    pub(crate) skipped: bool,
}

/// How tests ended.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl Counts {
    fn add(&mut self, outcome: &Outcome) {
        match (outcome.failed, outcome.skipped) {
            (true, _) => self.failed += 1,
            (false, true) => self.skipped += 1,
            (false, false) => self.passed += 1,
        }
    }

    fn cell(&self) -> String {
        match (self.passed, self.failed, self.skipped) {
            (0, 0, 0) => "–".to_owned(),
            (passed, 0, 0) => format!("{passed}"),
            (passed, 0, skipped) => format!("{passed}, {skipped} skipped"),
            (passed, failed, _) => format!("{passed}, {failed} FAILED"),
        }
    }
}

/// Prints the table; all counts together.
pub(crate) fn print(
    outcomes: &[Outcome],
    times: &BTreeMap<String, Duration>,
    without: &[String],
    whole: Duration,
) -> Counts {
    println!(
        "\n{:<10} {:>14} {:>14} {:>16} {:>14} {:>8}",
        "crate", "no engine", "SQLite", "PostgreSQL", "Kafka", "seconds"
    );
    let mut all = Counts::default();
    let mut by_engine = [Counts::default(); ENGINES];
    for (package, time) in times {
        let mut row = [Counts::default(); ENGINES];
        for outcome in outcomes.iter().filter(|outcome| outcome.package == *package) {
            let place = match outcome.engine {
                Engine::None => 0,
                Engine::Sqlite => 1,
                Engine::Postgres => 2,
                Engine::Kafka => 3,
            };
            row[place].add(outcome);
            by_engine[place].add(outcome);
            all.add(outcome);
        }
        line(package, &row, *time);
    }
    line("all", &by_engine, whole);
    without.iter().for_each(|sentence| println!("{sentence}"));
    all
}

fn line(name: &str, [none, sqlite, postgres, kafka]: &[Counts; ENGINES], time: Duration) {
    println!(
        "{name:<10} {:>14} {:>14} {:>16} {:>14} {:>8}",
        none.cell(),
        sqlite.cell(),
        postgres.cell(),
        kafka.cell(),
        time.as_secs()
    );
}
