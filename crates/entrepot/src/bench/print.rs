//! What was measured, for people: a column for each load.

use std::fmt::Write as _;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::Measured;
use crate::configuration::Shape;

const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

/// What is measured.
pub(super) fn opening(shape: Shape, instances: u32, processes: usize) -> String {
    match shape {
        Shape::Embedded => "Embedded: one process, SQLite files, every commit on the disk.".to_owned(),
        Shape::Production => {
            format!(
                "Production: {processes} processes, {instances} of each service, on PostgreSQL and Kafka."
            )
        }
    }
}

/// The table.
pub(super) fn closing(measured: &[Measured]) -> String {
    let mut table = Table(String::new());
    table.row("", measured, |one| one.load.clone());
    table.row("orders", measured, |one| one.orders().to_string());
    table.row("orders per second", measured, |one| tenths(per(one.orders() * 10_000, millis(one.took))));
    for (name, quantile) in QUANTILES {
        table.row(&format!("purchase {name}, ms"), measured, |one| at(&one.tally.purchases, quantile));
    }
    table.row("purchase longest, ms", measured, |one| tenths(one.tally.purchases.max() / 100));
    for (name, quantile) in [QUANTILES[0], QUANTILES[2]] {
        table.row(&format!("  its price {name}, ms"), measured, |one| at(&one.tally.quotes, quantile));
        table.row(&format!("  its order {name}, ms"), measured, |one| at(&one.tally.orders, quantile));
    }
    costs(&mut table, measured);
    table.row("failed", measured, failures);
    table.row("not started in time", measured, |one| one.tally.not_begun.to_string());
    table.0
}

fn costs(table: &mut Table, measured: &[Measured]) {
    let cpu = |time: Duration, one: &Measured| tenths(per(micros(time), one.orders()) / 100);
    table.row("commits per order", measured, |one| tenths(per(one.counted.commits * 10, one.orders())));
    table.row("statements per order", measured, |one| tenths(per(one.counted.statements * 10, one.orders())));
    table.row("CPU per order: hub, ms", measured, |one| cpu(one.hub.cpu, one));
    table.row("  this client, ms", measured, |one| cpu(one.client.cpu, one));
    table.row("  everything else (engines), ms", measured, |one| {
        cpu(one.machine.saturating_sub(one.hub.cpu).saturating_sub(one.client.cpu), one)
    });
    table.row("memory of the hub, MiB", measured, |one| (one.hub.memory_kib / 1_024).to_string());
    table.row("settled after, ms", measured, |one| millis(one.settled_in).to_string());
}

struct Table(String);

impl Table {
    fn row(&mut self, name: &str, measured: &[Measured], cell: impl Fn(&Measured) -> String) {
        let mut line = format!("{name:<30}");
        for one in measured {
            let _ = write!(line, "{:>14}", cell(one));
        }
        let _ = writeln!(self.0, "{}", line.trim_end());
    }
}

fn failures(one: &Measured) -> String {
    let failures = one.tally.failures.iter().map(|(code, count)| format!("{count} {code}"));
    let failures: Vec<String> = failures.collect();
    if failures.is_empty() { "0".to_owned() } else { failures.join(", ") }
}

/// In milliseconds.
fn at(times: &Histogram<u64>, quantile: f64) -> String {
    tenths(times.value_at_quantile(quantile) / 100)
}

fn per(amount: u64, count: u64) -> u64 {
    amount.checked_div(count).unwrap_or_default()
}

fn tenths(tenths: u64) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_for_people() {
        assert_eq!((tenths(123), tenths(7)), ("12.3".to_owned(), "0.7".to_owned()));
        assert_eq!((per(10, 0), per(10, 3)), (0, 3));
    }
}
