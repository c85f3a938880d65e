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

pub use read::{ROWS_MAX, ReadError};

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
        let known = |currency| {
            currency == Currency::EUR || self.days.values().any(|day| day.contains_key(&currency))
        };
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
