//! Dated reference rates, kept as units of each currency for one euro and crossed through it.
//!
//! A rate is looked up by day and says of which day and from where it is; whether it is too old is
//! for who asks to say. The customs rate of an authority and the hub's quoted rate are other rates
//! than these.

mod read;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use rust_decimal::{Decimal, RoundingStrategy};

pub use read::{BYTES_MAX, ReadError};

use crate::Currency;

/// Significant digits of a rate that was crossed.
pub const CROSS_DIGITS: u32 = 10;

/// Rates by day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RateTable {
    days: BTreeMap<NaiveDate, BTreeMap<Currency, PerEuro>>,
}

/// Units of a currency for one euro, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
struct PerEuro {
    rate: Decimal,
    source: Arc<str>,
}

/// A rate that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceRate {
    /// Units of the one currency for a unit of the other.
    pub rate: Decimal,
    /// The day that it is of, which may be before the day that was asked for.
    pub as_of: NaiveDate,
    /// Who says so.
    pub source: String,
}

/// Why there is no rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No day has a rate of the currency.
    #[error("there are no reference rates for {currency}")]
    UnknownCurrency {
        /// The currency.
        currency: Currency,
    },
    /// No day up to the one asked for has a rate of both.
    #[error("there is no reference rate from {from} to {to} on {on} or before")]
    NoneBefore {
        /// The currency to change.
        from: Currency,
        /// The currency wanted.
        to: Currency,
        /// The day asked for.
        on: NaiveDate,
    },
}

impl RateTable {
    /// Units of `to` for a unit of `from`, of the newest day up to `on` that has both. A rate that
    /// is crossed has [`CROSS_DIGITS`] significant digits; one from the euro is as published.
    pub fn rate(&self, from: Currency, to: Currency, on: NaiveDate) -> Result<ReferenceRate, Error> {
        if from == to {
            return Ok(ReferenceRate { rate: Decimal::ONE, as_of: on, source: "same currency".to_owned() });
        }
        self.days
            .range(..=on)
            .rev()
            .find_map(|(as_of, day)| cross(day, from, to).map(|(rate, source)| (as_of, rate, source)))
            .map(|(as_of, rate, source)| ReferenceRate { rate, as_of: *as_of, source })
            .ok_or_else(|| self.missing(from, to, on))
    }

    /// The currencies that have a rate to `to` on a day or before, by their codes; `to` itself is one.
    pub fn currencies_to(&self, to: Currency, on: NaiveDate) -> Vec<Currency> {
        let mut found: Vec<Currency> =
            Currency::all().filter(|from| self.rate(*from, to, on).is_ok()).collect();
        found.sort_unstable_by_key(|currency| currency.code());
        found
    }

    /// The newest day that has a rate.
    pub fn newest(&self) -> Option<NaiveDate> {
        self.days.last_key_value().map(|(day, _)| *day)
    }

    /// Adds the rates of `other`, which win where both have one.
    pub fn merge(&mut self, other: Self) {
        for (day, rates) in other.days {
            self.days.entry(day).or_default().extend(rates);
        }
    }

    fn missing(&self, from: Currency, to: Currency, on: NaiveDate) -> Error {
        let known =
            |currency| currency == Currency::EUR || self.days.values().any(|day| day.contains_key(&currency));
        [from, to]
            .into_iter()
            .find(|currency| !known(*currency))
            .map_or(Error::NoneBefore { from, to, on }, |currency| Error::UnknownCurrency { currency })
    }
}

/// The rate of two different currencies on one day.
fn cross(day: &BTreeMap<Currency, PerEuro>, from: Currency, to: Currency) -> Option<(Decimal, String)> {
    if from == Currency::EUR {
        let to = day.get(&to)?;
        return Some((to.rate, to.source.to_string()));
    }
    let from = day.get(&from)?;
    let (wanted, source) = match day.get(&to) {
        _ if to == Currency::EUR => (Decimal::ONE, from.source.to_string()),
        Some(to) if to.source == from.source => (to.rate, from.source.to_string()),
        Some(to) => (to.rate, format!("{}; {}", from.source, to.source)),
        None => return None,
    };
    let rate = wanted
        .checked_div(from.rate)?
        .round_sf_with_strategy(CROSS_DIGITS, RoundingStrategy::MidpointAwayFromZero)?;
    Some((rate.normalize(), source))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ECB: &str = "Date,USD,HRK,MYR,THB,IDR\n\
        2024-12-31,1.0389,N/A,4.6454,35.676,16820.88\n\
        2024-12-30,1.0444,N/A,4.6632,35.64,N/A\n\
        2024-12-27,1.0435,7.5,4.666,N/A,16922.75\n";

    fn ecb() -> RateTable {
        RateTable::parse_ecb(ECB.as_bytes(), "ECB").unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn found(rate: &str, as_of: &str, source: &str) -> Result<ReferenceRate, Error> {
        Ok(ReferenceRate { rate: rate.parse().unwrap(), as_of: day(as_of), source: source.to_owned() })
    }

    #[test]
    fn a_rate_is_crossed_through_the_euro() {
        let (table, on) = (ecb(), day("2024-12-31"));
        let rate = |from, to| table.rate(from, to, on);
        assert_eq!(rate(Currency::EUR, Currency::MYR), found("4.6454", "2024-12-31", "ECB"));
        assert_eq!(rate(Currency::MYR, Currency::EUR), found("0.2152667155", "2024-12-31", "ECB"));
        assert_eq!(rate(Currency::THB, Currency::MYR), found("0.1302107860", "2024-12-31", "ECB"));
        assert_eq!(rate(Currency::MYR, Currency::THB), found("7.679855341", "2024-12-31", "ECB"));
        // Ten digits that matter, not ten after the point.
        assert_eq!(rate(Currency::IDR, Currency::MYR), found("0.0002761686666", "2024-12-31", "ECB"));
    }

    #[test]
    fn a_weekend_has_the_rate_of_the_day_before() {
        let table = ecb();
        let sunday = table.rate(Currency::EUR, Currency::USD, day("2024-12-29"));
        assert_eq!(sunday, found("1.0435", "2024-12-27", "ECB"));
        let later = table.rate(Currency::EUR, Currency::USD, day("2026-01-01"));
        assert_eq!(later, found("1.0389", "2024-12-31", "ECB"));
        assert_eq!(table.newest(), Some(day("2024-12-31")));
    }

    #[test]
    fn both_currencies_are_of_one_day() {
        let table = ecb();
        let on = day("2024-12-30");
        assert_eq!(table.rate(Currency::EUR, Currency::IDR, on), found("16922.75", "2024-12-27", "ECB"));
        let rate = table.rate(Currency::USD, Currency::IDR, on).unwrap();
        assert_eq!((rate.as_of, rate.rate.to_string()), (day("2024-12-27"), "16217.29756".to_owned()));
        let none = Error::NoneBefore { from: Currency::THB, to: Currency::IDR, on };
        assert_eq!(table.rate(Currency::THB, Currency::IDR, on), Err(none));
    }

    #[test]
    fn a_currency_without_rates_is_named() {
        let (table, on) = (ecb(), day("2024-12-31"));
        let unknown = Err(Error::UnknownCurrency { currency: Currency::SGD });
        assert_eq!(table.rate(Currency::SGD, Currency::MYR, on), unknown);
        assert_eq!(table.rate(Currency::MYR, Currency::SGD, on), unknown);
        let on = day("2024-12-26");
        let none = Error::NoneBefore { from: Currency::EUR, to: Currency::MYR, on };
        assert_eq!(none.to_string(), "there is no reference rate from EUR to MYR on 2024-12-26 or before");
        assert_eq!(table.rate(Currency::EUR, Currency::MYR, on), Err(none));
    }

    #[test]
    fn a_currency_is_worth_itself() {
        let on = day("1990-01-01");
        let rate = ecb().rate(Currency::SGD, Currency::SGD, on).unwrap();
        assert_eq!((rate.rate, rate.as_of), (Decimal::ONE, on));
    }

    #[test]
    fn the_currencies_with_a_rate_are_named() {
        let codes =
            |to, on| ecb().currencies_to(to, day(on)).iter().map(|found| found.code()).collect::<Vec<_>>();
        assert_eq!(codes(Currency::THB, "2024-12-30"), ["EUR", "MYR", "THB", "USD"]);
        assert_eq!(codes(Currency::IDR, "2024-12-30"), ["EUR", "IDR", "MYR", "USD"]);
        assert_eq!(codes(Currency::SGD, "2024-12-31"), ["SGD"]);
    }

    #[test]
    fn the_later_loaded_wins() {
        let mut table = ecb();
        let own = "date,base,currency,rate,source\n2024-12-31,EUR,MYR,5,own\n2025-01-01,EUR,SGD,1.4,own\n";
        table.merge(RateTable::parse_dated(own.as_bytes()).unwrap());
        let on = day("2024-12-31");
        assert_eq!(table.rate(Currency::EUR, Currency::MYR, on), found("5", "2024-12-31", "own"));
        assert_eq!(table.rate(Currency::EUR, Currency::USD, on), found("1.0389", "2024-12-31", "ECB"));
        assert_eq!(table.rate(Currency::USD, Currency::MYR, on).unwrap().source, "ECB; own");
        assert_eq!(table.newest(), Some(day("2025-01-01")));
    }

    #[test]
    fn the_seed_says_what_is_illustrative() {
        let seed = include_str!("../../../seed/rates.csv");
        let table = RateTable::parse_dated(seed.as_bytes()).unwrap();
        let real = table.rate(Currency::EUR, Currency::MYR, day("2025-01-01"));
        assert_eq!(real, found("4.6454", "2024-12-31", "ECB reference rates, 2024-12-31"));
        for (date, rates) in &table.days {
            assert_eq!(rates.len(), 9, "{date}");
            let illustrative = *date > day("2024-12-31");
            assert!(
                rates.values().all(|rate| rate.source.contains("illustrative") == illustrative),
                "{date}"
            );
        }
    }
}
