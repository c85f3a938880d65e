//! What a scenario is made of.

use anyhow::{Result, bail};
use tonic::Status;

use super::Plan;
use super::subject::Subject;
use super::tally::Parts;

/// Work that can be done again and again.
pub(super) trait Work: Sized + Send + Sync + 'static {
    /// What a unit of it is.
    const UNIT: Unit;
    /// To whom it is done.
    type Subject: Subject;

    /// Starts the subject.
    async fn start(plan: &Plan<'_>) -> Result<Self::Subject>;

    /// Makes all that the work needs, for so many callers.
    async fn prepare(subject: &Self::Subject, callers: usize) -> Result<Self>;

    /// Does a unit of it, as this caller; how long the parts took.
    fn once(
        &self,
        caller: usize,
        random: &mut fastrand::Rng,
    ) -> impl Future<Output = Result<Parts, Status>> + Send;

    /// What must hold at the end.
    async fn check(&self, _: &Self::Subject) -> Result<Findings> {
        Ok(Findings::default())
    }
}

/// How a unit of work is called in the table.
pub(super) struct Unit {
    /// One, as in "commits per order".
    pub(super) one: &'static str,
    /// Several, as in "orders per second".
    pub(super) many: &'static str,
    /// What is timed, as in "purchase p50, ms".
    pub(super) whole: &'static str,
    /// Its parts, which are timed as well.
    pub(super) parts: &'static [&'static str],
}

/// What a check at the end found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// What was looked at and holds, a sentence each.
    pub(super) seen: Vec<String>,
    /// What does not hold, a sentence each.
    pub(super) violations: Vec<String>,
}

impl Findings {
    /// Tells what was found; an error when something does not hold.
    pub(super) fn tell(&self) -> Result<()> {
        if !self.violations.is_empty() {
            bail!("the books do not agree after the run: {}", self.violations.join("; "));
        }
        if !self.seen.is_empty() {
            println!("\n{}", self.seen.join("\n"));
        }
        Ok(())
    }
}
