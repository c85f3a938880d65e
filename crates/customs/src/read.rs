//! How a profile writes rates, amounts, dates and codes. Decimals are always quoted: `0.1` without
//! quotes is a binary fraction before we see it, so it is refused with a sentence that says so.

use std::{fmt, marker::PhantomData};

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserializer, de};

/// Decimal places that a rate may have. Ad valorem duties have at most four; six leave room.
const MAX_RATE_SCALE: u32 = 6;
/// 1000%: the highest rate believed. Above it somebody wrote percents.
const MAX_RATE: Decimal = Decimal::TEN;

/// A fraction from 0 to 10, such as `"0.075"` for 7.5%.
pub(crate) fn parse_rate(text: &str) -> Result<Decimal, String> {
    let rate = Decimal::from_str_exact(text).map_err(|_| {
        format!("`{text}` is not a rate; write a decimal fraction such as \"0.075\" for 7.5%")
    })?;
    if rate < Decimal::ZERO || rate > MAX_RATE {
        return Err(format!("rate `{text}` is outside 0 to {MAX_RATE} (1 is 100%)"));
    }
    if rate.scale() > MAX_RATE_SCALE {
        return Err(format!("rate `{text}` has more than {MAX_RATE_SCALE} decimal places"));
    }
    Ok(rate)
}

fn parse_amount(text: &str) -> Result<Decimal, String> {
    let amount = Decimal::from_str_exact(text)
        .map_err(|_| format!("`{text}` is not an amount; write it like \"500.00\""))?;
    if amount < Decimal::ZERO { Err(format!("amount `{text}` is below zero")) } else { Ok(amount) }
}

struct Text<T, P> {
    expected: &'static str,
    parse: P,
    of: PhantomData<T>,
}

impl<T, P: Fn(&str) -> Result<T, String>> de::Visitor<'_> for Text<T, P> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in quotes", self.expected)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).map_err(E::custom)
    }
}

fn text<'de, D, T>(
    deserializer: D,
    expected: &'static str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
{
    deserializer.deserialize_str(Text { expected, parse, of: PhantomData })
}

/// A rate that must stand there.
pub(crate) fn rate<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    text(deserializer, "a decimal fraction such as \"0.075\"", parse_rate)
}

/// A rate that may be left out (with `#[serde(default)]`).
pub(crate) fn optional_rate<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decimal>, D::Error> {
    rate(deserializer).map(Some)
}

/// A number of units of one currency for a unit of another, above zero.
pub(crate) fn exchange_rate<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    text(deserializer, "an exchange rate such as \"32.4567\"", |text| match Decimal::from_str_exact(text) {
        Ok(rate) if rate > Decimal::ZERO => Ok(rate),
        _ => Err(format!("`{text}` is not an exchange rate above zero")),
    })
}

/// An amount in major units, not below zero.
pub(crate) fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    text(deserializer, "an amount such as \"500.00\"", parse_amount)
}

/// An amount that may be left out (with `#[serde(default)]`).
pub(crate) fn optional_amount<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Decimal>, D::Error> {
    amount(deserializer).map(Some)
}

/// A date that may be left out (with `#[serde(default)]`).
pub(crate) fn optional_date<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<NaiveDate>, D::Error> {
    text(deserializer, "a date such as \"2026-01-01\"", |text| {
        kernel::day(text).map_err(|error| format!("`{text}` {error}"))
    })
    .map(Some)
}

/// A currency's three letters.
pub(crate) fn optional_currency<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<money::Currency>, D::Error> {
    currency(deserializer).map(Some)
}

/// A currency's three letters.
pub(crate) fn currency<'de, D: Deserializer<'de>>(deserializer: D) -> Result<money::Currency, D::Error> {
    text(deserializer, "a currency such as \"MYR\"", |text| {
        text.parse().map_err(|_| format!("`{text}` is not a currency of ISO 4217, such as \"MYR\""))
    })
}

/// Countries' two letters.
pub(crate) fn countries<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<kernel::Country>, D::Error> {
    let texts: Vec<String> = serde::Deserialize::deserialize(deserializer)?;
    texts
        .iter()
        .map(|text| {
            text.parse().map_err(|_| {
                de::Error::custom(format!("`{text}` is not a country of ISO 3166-1, such as \"MY\""))
            })
        })
        .collect()
}
