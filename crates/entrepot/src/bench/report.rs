//! What was measured, for people: a column for each load.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::counters::Counters;
use super::figure::Figure;
use super::load::Load;
use super::table::Table;
use super::tally::{Tally, micros};
use super::work::Unit;
use crate::fleet::Usage;

const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

/// One measurement.
pub(super) struct Measured {
    /// What was asked.
    pub(super) load: Load,
    pub(super) took: Duration,
    pub(super) tally: Tally,
    /// What the hub's processes used, if it was a whole one; and this one.
    pub(super) hub: Option<Usage>,
    pub(super) own: Usage,
    /// What the whole machine used.
    pub(super) machine: Duration,
    pub(super) counted: Counters,
    /// How long the subject had to do afterwards.
    pub(super) settled_in: Duration,
}

/// The table.
pub(super) fn table(unit: &Unit, measured: &[Measured]) -> Table {
    let columns = measured.iter().map(|one| one.load.to_string()).collect();
    let mut rows = Rows { table: Table::new(columns), measured };
    let Unit { many, whole, .. } = unit;
    rows.add(*many, |one| one.tally.done().to_string());
    rows.add(format!("{many} per second"), |one| per_second(one).to_string());
    for (name, quantile) in QUANTILES {
        rows.add(format!("{whole} {name}, ms"), |one| at(&one.tally.whole, quantile));
    }
    rows.add(format!("{whole} longest, ms"), |one| millis(one.tally.whole.max()));
    for (name, quantile) in [QUANTILES[0], QUANTILES[2]] {
        for (place, part) in unit.parts.iter().enumerate() {
            rows.add(format!("  {part} {name}, ms"), |one| at(&one.tally.parts[place], quantile));
        }
    }
    costs(&mut rows, unit.one);
    rows.add("settled after, ms", |one| one.settled_in.as_millis().to_string());
    rows.add("failed", failures);
    rows.add("not started in time", |one| one.tally.not_begun.to_string());
    rows.table
}

fn costs(rows: &mut Rows<'_>, unit: &str) {
    let each = |thousandths: u64, one: &Measured| Figure::per(thousandths, one.tally.done()).to_string();
    let cpu = |time: Duration, one: &Measured| each(micros(time), one);
    rows.add(format!("commits per {unit}"), |one| each(one.counted.commits.saturating_mul(1_000), one));
    rows.add(format!("statements per {unit}"), |one| each(one.counted.statements.saturating_mul(1_000), one));
    let is_a_hub = rows.measured.iter().any(|one| one.hub.is_some());
    if is_a_hub {
        rows.add(format!("CPU per {unit}: hub, ms"), |one| cpu(one.hub.unwrap_or_default().cpu, one));
        rows.add("  this client, ms", |one| cpu(one.own.cpu, one));
    } else {
        rows.add(format!("CPU per {unit}: this process, ms"), |one| cpu(one.own.cpu, one));
    }
    rows.add("  everything else (engines), ms", |one| {
        let ours = one.hub.unwrap_or_default().cpu + one.own.cpu;
        cpu(one.machine.saturating_sub(ours), one)
    });
    let whose = if is_a_hub { "the hub" } else { "this process" };
    rows.add(format!("memory of {whose}, MiB"), |one| {
        (one.hub.unwrap_or(one.own).memory_kib / 1_024).to_string()
    });
}

struct Rows<'a> {
    table: Table,
    measured: &'a [Measured],
}

impl Rows<'_> {
    fn add(&mut self, name: impl Into<String>, cell: impl Fn(&Measured) -> String) {
        self.table.row(name, self.measured.iter().map(cell));
    }
}

fn failures(one: &Measured) -> String {
    let failures = one.tally.failures.iter().map(|(code, count)| format!("{count} {code}"));
    let failures: Vec<String> = failures.collect();
    if failures.is_empty() { "0".to_owned() } else { failures.join(", ") }
}

fn per_second(one: &Measured) -> Figure {
    const THOUSANDTHS_BY_MICROSECOND: u64 = 1_000_000_000;
    Figure::per(one.tally.done().saturating_mul(THOUSANDTHS_BY_MICROSECOND), micros(one.took))
}

/// In milliseconds.
fn at(times: &Histogram<u64>, quantile: f64) -> String {
    millis(times.value_at_quantile(quantile))
}

/// Microseconds are thousandths of a millisecond.
fn millis(micros: u64) -> String {
    Figure::of_thousandths(micros).to_string()
}
