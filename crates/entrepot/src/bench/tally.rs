//! What was measured: how many, how long, and what went wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use hdrhistogram::Histogram;
use tokio::time::Instant;
use tonic::Status;

/// From a microsecond to two minutes, to three digits.
const LONGEST_US: u64 = 120_000_000;
const DIGITS: u8 = 3;

/// Times in microseconds.
pub(super) struct Tally {
    /// From the intended start of a purchase to its order.
    pub(super) purchases: Histogram<u64>,
    /// Of its landed price.
    pub(super) quotes: Histogram<u64>,
    /// Of its order.
    pub(super) orders: Histogram<u64>,
    /// What failed, by gRPC code.
    pub(super) failures: BTreeMap<String, u64>,
    /// Purchases that were due and were not begun: too many were under way.
    pub(super) not_begun: u64,
}

impl Tally {
    pub(super) fn new() -> Result<Self> {
        let histogram = || Histogram::new_with_max(LONGEST_US, DIGITS).context("a histogram");
        Ok(Self {
            purchases: histogram()?,
            quotes: histogram()?,
            orders: histogram()?,
            failures: BTreeMap::new(),
            not_begun: 0,
        })
    }

    /// An order was placed now.
    pub(super) fn bought(&mut self, intended: Instant, quoted: Duration, placed: Duration) {
        self.purchases.saturating_record(micros(intended.elapsed()));
        self.quotes.saturating_record(micros(quoted));
        self.orders.saturating_record(micros(placed));
    }

    pub(super) fn failed(&mut self, status: &Status) {
        *self.failures.entry(format!("{:?}", status.code())).or_default() += 1;
    }

    pub(super) fn add(&mut self, other: &Self) -> Result<()> {
        self.purchases.add(&other.purchases).context("adding times")?;
        self.quotes.add(&other.quotes).context("adding times")?;
        self.orders.add(&other.orders).context("adding times")?;
        for (code, count) in &other.failures {
            *self.failures.entry(code.clone()).or_default() += count;
        }
        self.not_begun += other.not_begun;
        Ok(())
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
