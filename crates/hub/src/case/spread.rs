//! `spread`: an amount over shares, by largest remainder.

use std::collections::BTreeMap;

use money::{Currency, Money};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    total: String,
    currency: Currency,
    shares: Vec<String>,
}

pub(super) fn run(input: &Input) -> Result<BTreeMap<&'static str, Value>, String> {
    let total = Money::parse(&input.total, input.currency).map_err(|error| format!("total: {error}"))?;
    let shares = input.shares.iter().enumerate().map(share).collect::<Result<Vec<_>, _>>()?;
    let parts = total.allocate(&shares).map_err(|error| format!("shares: {error}"))?;
    let parts = parts.into_iter().map(|part| Value::String(part.amount())).collect();
    Ok(BTreeMap::from([("parts", Value::Array(parts))]))
}

fn share((place, text): (usize, &String)) -> Result<Decimal, String> {
    Decimal::from_str_exact(text).map_err(|error| {
        format!("shares[{place}]: `{text}` must be a decimal number of at most 28 digits: {error}")
    })
}
