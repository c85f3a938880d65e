//! What was done: how much, how long it took, and what went wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use hdrhistogram::Histogram;
use tonic::Status;

/// From a microsecond to two minutes, to three digits.
const LONGEST_US: u64 = 120_000_000;
const DIGITS: u8 = 3;

/// What parts of a unit of work took, by their place among [`super::scenario::Unit::parts`].
pub(super) type Parts = Vec<(usize, Duration)>;

/// Times in microseconds.
pub(super) struct Tally {
    /// From when a unit of work was due to its end.
    pub(super) whole: Histogram<u64>,
    /// Of each of its parts.
    pub(super) parts: Vec<Histogram<u64>>,
    /// What failed, by gRPC code.
    pub(super) failures: BTreeMap<String, u64>,
    /// What was due and was not begun: too much was under way.
    pub(super) not_begun: u64,
}

impl Tally {
    /// Of work in so many parts.
    pub(super) fn new(parts: usize) -> Result<Self> {
        let histogram = || Histogram::new_with_max(LONGEST_US, DIGITS).context("a histogram");
        let parts = (0..parts).map(|_| histogram()).collect::<Result<_>>()?;
        Ok(Self { whole: histogram()?, parts, failures: BTreeMap::new(), not_begun: 0 })
    }

    /// A unit of work ended so long after it was due.
    pub(super) fn ended(&mut self, after: Duration, outcome: Result<Parts, Status>) {
        match outcome {
            Ok(parts) => {
                self.whole.saturating_record(micros(after));
                for (place, took) in parts {
                    self.parts[place].saturating_record(micros(took));
                }
            }
            Err(status) => *self.failures.entry(format!("{:?}", status.code())).or_default() += 1,
        }
    }

    /// Units of work that were done.
    pub(super) fn done(&self) -> u64 {
        self.whole.len()
    }

    pub(super) fn add(&mut self, other: &Self) -> Result<()> {
        self.whole.add(&other.whole).context("adding times")?;
        for (part, others) in self.parts.iter_mut().zip(&other.parts) {
            part.add(others).context("adding times")?;
        }
        for (code, count) in &other.failures {
            *self.failures.entry(code.clone()).or_default() += count;
        }
        self.not_begun += other.not_begun;
        Ok(())
    }
}

/// In microseconds.
pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
