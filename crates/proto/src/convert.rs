//! Shared messages to the types of the domain and back.
//!
//! Decoding takes the field's path, so that an error names it: `price.currency: …`.

use std::fmt::Display;
use std::str::FromStr;

use chrono::{DateTime, SubsecRound as _, Utc};
use kernel::{Text, text};
use money::{Currency, Money};

use crate::types::v1 as types;

mod trade;

pub use trade::{
    address, applied_rule, certificate, discount, exchange_rate, part, permit, price, transport,
};

/// A field that could not be decoded: which, and what was wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The field's proto path, such as `lines[2].unit_price.currency`.
    pub field: String,
    /// What was wrong and what is allowed.
    pub problem: String,
}

impl Invalid {
    /// A problem of a field.
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }
}

impl Display for Invalid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.field, self.problem)
    }
}

impl std::error::Error for Invalid {}

impl From<Money> for types::Money {
    fn from(money: Money) -> Self {
        Self { currency: money.currency().code().to_owned(), minor_units: money.minor() }
    }
}

/// A line of text, without the blanks at its ends; of at least no characters, it may be empty.
pub fn text<'a>(field: &str, text: &'a str, least: usize, most: usize) -> Result<&'a str, Invalid> {
    let rule = if least == 0 { Text::optional(most) } else { Text::required(most) };
    read(field, rule.check(text))
}

/// Text of several lines; of at least no characters, it may be empty.
pub fn lines(field: &str, text: &str, least: usize, most: usize) -> Result<String, Invalid> {
    let rule = if least == 0 { Text::optional(most) } else { Text::required(most) };
    read(field, rule.lines().read(text))
}

/// A postcode; of at least no characters, it may be empty.
pub fn postcode(field: &str, text: &str, least: usize, most: usize) -> Result<String, Invalid> {
    let rule = if least == 0 { Text::optional(most) } else { Text::required(most) };
    read(field, rule.read_postcode(text))
}

/// A language tag of BCP 47.
pub fn language(field: &str, tag: &str) -> Result<String, Invalid> {
    read(field, text::language(tag))
}

fn read<T>(field: &str, read: Result<T, text::Error>) -> Result<T, Invalid> {
    read.map_err(|error| Invalid::new(field, error.to_string()))
}

/// An id, a country or another value that has one way to be written.
pub fn parse<T: FromStr<Err: Display>>(field: &str, text: &str) -> Result<T, Invalid> {
    text.parse().map_err(|error: T::Err| Invalid::new(field, error.to_string()))
}

/// The same, where none is an empty text.
pub fn parse_optional<T: FromStr<Err: Display>>(field: &str, text: &str) -> Result<Option<T>, Invalid> {
    if text.is_empty() { Ok(None) } else { parse(field, text).map(Some) }
}

/// A required amount.
pub fn money(field: &str, message: Option<&types::Money>) -> Result<Money, Invalid> {
    let message = message.ok_or_else(|| Invalid::new(field, "is required"))?;
    let currency = currency(&format!("{field}.currency"), &message.currency)?;
    Money::new(message.minor_units, currency)
        .map_err(|error| Invalid::new(format!("{field}.minor_units"), error.to_string()))
}

/// An amount, if there is one.
pub fn optional_money(field: &str, message: Option<&types::Money>) -> Result<Option<Money>, Invalid> {
    message.map(|message| money(field, Some(message))).transpose()
}

/// A required amount of more than zero.
pub fn positive_money(field: &str, message: Option<&types::Money>) -> Result<Money, Invalid> {
    let money = money(field, message)?;
    if money.is_positive() {
        return Ok(money);
    }
    Err(Invalid::new(format!("{field}.minor_units"), format!("{} must be more than 0", money.minor())))
}

/// A required ISO 4217 code.
pub fn currency(field: &str, code: &str) -> Result<Currency, Invalid> {
    code.parse().map_err(|error: money::Error| Invalid::new(field, error.to_string()))
}

/// A point in time as the protos carry it.
pub fn timestamp(at: DateTime<Utc>) -> prost_types::Timestamp {
    let nanos = i32::try_from(at.timestamp_subsec_nanos()).unwrap_or_default();
    prost_types::Timestamp { seconds: at.timestamp(), nanos }
}

/// A point in time, to the microsecond.
pub fn datetime(field: &str, at: Option<&prost_types::Timestamp>) -> Result<DateTime<Utc>, Invalid> {
    let at = at.ok_or_else(|| Invalid::new(field, "is required"))?;
    u32::try_from(at.nanos)
        .ok()
        .and_then(|nanos| DateTime::from_timestamp(at.seconds, nanos))
        .map(|at| at.trunc_subsecs(6))
        .ok_or_else(|| Invalid::new(field, "is not a point in time"))
}

/// A number of the API that the domain keeps unsigned.
pub fn quantity(field: &str, value: i64, most: i64) -> Result<i64, Invalid> {
    if (1..=most).contains(&value) {
        return Ok(value);
    }
    Err(Invalid::new(field, format!("{value} must be 1 to {most}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_keeps_its_currency() {
        let amount = Money::new(1234, Currency::MYR).unwrap();
        let message = types::Money::from(amount);
        assert_eq!(message.currency, "MYR");
        assert_eq!(money("price", Some(&message)), Ok(amount));
    }

    #[test]
    fn a_wrong_field_is_named() {
        let message = types::Money { currency: "XYZ".to_owned(), minor_units: 1 };
        assert_eq!(money("price", Some(&message)).unwrap_err().field, "price.currency");
        assert_eq!(money("price", None).unwrap_err().problem, "is required");
        let message = types::Money { currency: "MYR".to_owned(), minor_units: 0 };
        assert_eq!(positive_money("price", Some(&message)).unwrap_err().field, "price.minor_units");
    }

    #[test]
    fn time_is_kept_to_the_microsecond() {
        let at = DateTime::from_timestamp(1_750_000_000, 123_456_789).unwrap();
        let back = datetime("at", Some(&timestamp(at))).unwrap();
        assert_eq!(back, at.trunc_subsecs(6));
        assert!(datetime("at", Some(&prost_types::Timestamp { seconds: 0, nanos: -1 })).is_err());
    }
}
