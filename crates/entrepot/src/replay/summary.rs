//! What came of a replay, in tables.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use proof::invariants::Report;

use super::plan::{BAD_ROWS_SHOWN, Plan};

/// How an invoice ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OrderResult {
    /// The whole journey, now.
    Completed,
    /// The whole journey, in a run before.
    CompletedBefore,
    /// Refused or cancelled, by its reason.
    Rejected(String),
}

/// Counts while a replay runs.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    by_country: BTreeMap<String, Country>,
    rejected: BTreeMap<String, u64>,
    /// Returns refunded now.
    pub(crate) returned: u64,
    /// Returns refunded in a run before.
    pub(crate) returned_before: u64,
    /// Returns of goods that were not bought before, or not in that number, by reason.
    pub(crate) unmatched: BTreeMap<String, u64>,
    /// Goods whose kind no word told.
    pub(crate) unnamed_goods: u64,
    /// Goods listed now.
    pub(crate) goods_listed: u64,
    /// Goods that the hub refused, with the reason.
    pub(crate) goods_rejected: Vec<String>,
}

#[derive(Debug, Default)]
struct Country {
    completed: u64,
    before: u64,
    rejected: u64,
}

impl Tally {
    /// Counts an invoice.
    pub(crate) fn count(&mut self, country: &str, outcome: &OrderResult) {
        let entry = self.by_country.entry(country.to_owned()).or_default();
        match outcome {
            OrderResult::Completed => entry.completed += 1,
            OrderResult::CompletedBefore => entry.before += 1,
            OrderResult::Rejected(reason) => {
                entry.rejected += 1;
                *self.rejected.entry(reason.clone()).or_default() += 1;
            }
        }
    }

    /// Orders that went the whole journey now.
    pub(crate) fn completed(&self) -> u64 {
        self.by_country.values().map(|country| country.completed).sum()
    }
}

/// The rows that could not be read: the first ones each, all by reason; `written_to` has each.
pub(crate) fn bad_rows(plan: &Plan, written_to: &Path) -> String {
    let mut text = String::new();
    let mut more = plan.bad_rows.count;
    for bad in &plan.bad_rows.first {
        let _ = writeln!(text, "  {bad}");
        more -= 1;
    }
    if more > 0 {
        let _ = writeln!(
            text,
            "  … and {more} more: each is listed with its line and reason in {}",
            written_to.display()
        );
    }
    for ((column, reason), count) in &plan.bad_rows.reasons {
        let _ = writeln!(text, "  {count:>8}  {column} {reason}");
    }
    text
}

/// The closing summary.
pub(crate) fn closing(plan: &Plan, tally: &Tally, report: &Report, work: &Work) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "\nOrders by the buyers' original country");
    let _ = writeln!(text, "  {:<24} {:>10} {:>12} {:>10}", "country", "completed", "before", "rejected");
    let mut total = Country::default();
    for (name, country) in &tally.by_country {
        let _ = writeln!(
            text,
            "  {name:<24} {:>10} {:>12} {:>10}",
            country.completed, country.before, country.rejected
        );
        total.completed += country.completed;
        total.before += country.before;
        total.rejected += country.rejected;
    }
    let _ =
        writeln!(text, "  {:<24} {:>10} {:>12} {:>10}", "all", total.completed, total.before, total.rejected);
    for (reason, count) in &tally.rejected {
        let _ = writeln!(text, "  rejected: {count:>6}  {reason}");
    }
    let unmatched: u64 = tally.unmatched.values().sum();
    let _ = writeln!(
        text,
        "\nReturns: {} refunded, {} refunded before, {unmatched} unmatched",
        tally.returned, tally.returned_before
    );
    for (reason, count) in &tally.unmatched {
        let _ = writeln!(text, "  unmatched: {count:>6}  {reason}");
    }
    let _ = writeln!(
        text,
        "Goods: {} listed now, {} refused; no word told the kind of {} (taken as 3926.40)",
        tally.goods_listed,
        tally.goods_rejected.len(),
        tally.unnamed_goods
    );
    for refused in tally.goods_rejected.iter().take(BAD_ROWS_SHOWN) {
        let _ = writeln!(text, "  refused: {refused}");
    }
    let _ = writeln!(text, "Rows: {} read, {} bad", plan.rows_count, plan.bad_rows.count);
    let _ = write!(text, "{}", crate::trial_balance::money_by_account(&report.balance));
    let _ = writeln!(text, "\nInvariants\n{report}");
    let _ = writeln!(text, "{}", speed(tally.completed(), work));
    text
}

/// What the orders cost.
pub(crate) struct Work {
    pub(crate) time: Duration,
    /// Of all databases.
    pub(crate) commits: u64,
    /// Of all databases.
    pub(crate) statements: u64,
}

fn speed(orders: u64, work: &Work) -> String {
    let millis = u64::try_from(work.time.as_millis()).unwrap_or(u64::MAX).max(1);
    let tenths = orders.saturating_mul(10_000) / millis;
    let each = |count: u64| count / orders.max(1);
    format!(
        "{orders} orders completed in {}.{} s: {}.{} orders per second, {} commits and {} statements each",
        millis / 1_000,
        millis % 1_000 / 100,
        tenths / 10,
        tenths % 10,
        each(work.commits),
        each(work.statements)
    )
}
