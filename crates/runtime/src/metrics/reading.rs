//! A metric, and what it reads now.

use std::time::Duration;

use chrono::{DateTime, Utc};
use prometheus_client::metrics::histogram::Histogram;
use uuid::Uuid;

/// A metric: its name, what it means and what its series are told apart by, besides the hub.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Such as `entrepot_order_orders`; a counter's without `_total`.
    pub name: &'static str,
    pub(super) help: &'static str,
    pub(super) labels: &'static [&'static str],
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Gauge,
    /// A gauge that was read from a database.
    Sampled,
    Counter,
    Durations,
}

impl Metric {
    /// A value of this process.
    pub const fn gauge(name: &'static str, help: &'static str, labels: &'static [&'static str]) -> Self {
        Self { name, help, labels, kind: Kind::Gauge }
    }

    /// A value that stands in a database, or on the bus, and so is the same in every instance of a service.
    pub const fn sampled(name: &'static str, help: &'static str, labels: &'static [&'static str]) -> Self {
        Self { name, help, labels, kind: Kind::Sampled }
    }

    /// What this process has counted since its start.
    pub const fn counter(name: &'static str, help: &'static str, labels: &'static [&'static str]) -> Self {
        Self { name, help, labels, kind: Kind::Counter }
    }

    /// How long things took that this process saw end.
    pub const fn durations(name: &'static str, help: &'static str) -> Self {
        Self { name, help, labels: &[], kind: Kind::Durations }
    }

    /// A whole number, with a value for each of the labels.
    pub fn is(&'static self, labels: &[&str], value: i64) -> SampleValue {
        self.reading(labels, Value::Whole(value))
    }

    /// A whole number for each value of its one label; 0 where nothing was counted.
    pub fn of_each(&'static self, labels: &[&str], counts: &[(String, i64)]) -> Vec<SampleValue> {
        let count = |label: &str| counts.iter().find(|(counted, _)| counted == label).map_or(0, |(_, n)| *n);
        labels.iter().map(|label| self.is(&[label], count(label))).collect()
    }

    /// What was counted.
    pub fn counted(&'static self, labels: &[&str], value: u64) -> SampleValue {
        self.reading(labels, Value::Counted(value))
    }

    /// A time, in seconds.
    pub fn lasts(&'static self, labels: &[&str], value: Duration) -> SampleValue {
        self.reading(labels, Value::Seconds(value))
    }

    /// How long before `now`, by the machine's time, an id was made; 0 when there is none.
    pub fn since(&'static self, labels: &[&str], id: Option<Uuid>, now: DateTime<Utc>) -> SampleValue {
        self.lasts(
            labels,
            id.and_then(made_at).and_then(|made| (now - made).to_std().ok()).unwrap_or_default(),
        )
    }

    /// Durations as they are when they are shown.
    pub fn took(&'static self, value: &Durations) -> SampleValue {
        self.reading(&[], Value::Durations(value.clone()))
    }

    fn reading(&'static self, labels: &[&str], value: Value) -> SampleValue {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        SampleValue { metric: self, labels, value }
    }
}

/// Ids begin with when they were made (UUIDv7).
fn made_at(id: Uuid) -> Option<DateTime<Utc>> {
    let (seconds, nanoseconds) = id.get_timestamp()?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanoseconds)
}

/// What one series of a metric reads.
#[derive(Debug, Clone)]
pub struct SampleValue {
    pub(super) metric: &'static Metric,
    pub(super) labels: Vec<String>,
    pub(super) value: Value,
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    Whole(i64),
    Counted(u64),
    Seconds(Duration),
    Durations(Durations),
}

/// Durations by how long they were. Clones count together.
#[derive(Debug, Clone)]
pub struct Durations(pub(super) Histogram);

impl Durations {
    /// With these bounds, in seconds.
    pub fn new(bounds: &[u32]) -> Self {
        Self(Histogram::new(bounds.iter().map(|seconds| f64::from(*seconds))))
    }

    /// Counts one.
    pub fn observe(&self, duration: Duration) {
        self.0.observe(duration.as_secs_f64());
    }
}
