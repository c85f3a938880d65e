//! `chargeable_weight`: what a service charges for.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    weight_grams: u64,
    length_mm: u64,
    width_mm: u64,
    height_mm: u64,
    divisor: u64,
    break_grams: u64,
}

pub(super) fn run(input: &Input) -> Result<BTreeMap<&'static str, Value>, String> {
    let grams = customs::chargeable_weight(
        input.weight_grams,
        input.length_mm,
        input.width_mm,
        input.height_mm,
        input.divisor,
        input.break_grams,
    );
    Ok(BTreeMap::from([("chargeable_grams", Value::from(grams.map_err(|error| error.to_string())?))]))
}
