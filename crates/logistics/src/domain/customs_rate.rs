//! The rate at which customs counts goods priced in another currency.
//!
//! The rates of the authorities (in Malaysia and Thailand published for a period) are not open to programs; until an
//! operator brings them, the reference rate of the day without the hub's spread stands in, and a warning says so.

use chrono::NaiveDate;
use money::Currency;
use money::rates::{RateTable, ReferenceRate};
use trade::ExchangeRate;

/// A customs rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CustomsRate {
    pub(crate) rate: ExchangeRate,
    /// What the buyer should know.
    pub(crate) warnings: Vec<String>,
}

/// The customs rate of a day. A sandbox takes rates of any age and says so; a hub with real money takes none older
/// than `age_days_max`. The error is a sentence.
pub(crate) fn of(
    table: &RateTable,
    from: Currency,
    to: Currency,
    today: NaiveDate,
    age_days_max: u32,
    sandbox: bool,
) -> Result<CustomsRate, String> {
    let reference = table.rate(from, to, today).map_err(|error| error.to_string())?;
    let age_days = today.signed_duration_since(reference.as_of).num_days();
    let mut warnings = vec![format!(
        "the customs rate from {from} to {to} is assumed: the reference rate of {} stands in for the authority's",
        reference.as_of
    )];
    if age_days > i64::from(age_days_max) {
        let problem = format!("the newest rate from {from} to {to} is dated {}", reference.as_of);
        if !sandbox {
            return Err(format!("{problem}: older than the {age_days_max} days that this hub allows"));
        }
        warnings.push(format!("{problem}, which only a sandbox accepts"));
    }
    let ReferenceRate { rate, as_of, source } = reference;
    let rate = rate.normalize();
    let rate = ExchangeRate { from, to, rate, reference_rate: rate, as_of, source, rate_id: String::new() };
    Ok(CustomsRate { rate, warnings })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(day: &str, sandbox: bool) -> Result<CustomsRate, String> {
        let rates =
            "date,base,currency,rate,source\n2026-01-02,EUR,MYR,4.8,test\n2026-01-02,EUR,THB,36.0,test\n";
        let table = RateTable::parse_dated(rates.as_bytes()).unwrap();
        of(&table, Currency::THB, Currency::MYR, day.parse().unwrap(), 7, sandbox)
    }

    #[test]
    fn an_old_rate_is_refused_or_told() {
        assert_eq!(on("2026-01-09", false).unwrap().warnings.len(), 1);
        assert!(on("2026-01-10", false).unwrap_err().contains("7 days"));
        assert_eq!(on("2026-01-10", true).unwrap().warnings.len(), 2);
        assert!(on("2026-01-01", true).is_err());
    }
}
