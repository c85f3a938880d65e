//! Rates of exchange.

use chrono::NaiveDate;
use money::Currency;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A rate at which one currency was or will be exchanged into another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExchangeRate {
    /// What is given.
    pub from: Currency,
    /// What is received.
    pub to: Currency,
    /// Units of `to` for one of `from`, with the hub's spread.
    pub rate: Decimal,
    /// The same without the spread.
    pub reference_rate: Decimal,
    /// The day of the reference rate.
    pub as_of: NaiveDate,
    /// Who publishes the reference rate.
    pub source: String,
    /// Its id, as payment locked it; empty for a customs rate.
    pub rate_id: String,
}
