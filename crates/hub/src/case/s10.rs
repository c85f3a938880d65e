//! `s10`: item numbers of the post.

use std::collections::BTreeMap;

use customs::S10;
use kernel::Country;
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    indicator: String,
    serial: String,
    country: Country,
}

pub(super) fn run(input: &Input) -> Result<BTreeMap<&'static str, Value>, String> {
    let serial = &input.serial;
    let digits = serial.len() == 8 && serial.bytes().all(|byte| byte.is_ascii_digit());
    let number = serial.parse::<u32>().ok().filter(|_| digits);
    let number = number.ok_or_else(|| format!("serial: `{serial}` must be 8 digits"))?;
    let s10 = S10::new(&input.indicator, number, input.country).map_err(|error| error.to_string())?;
    Ok(BTreeMap::from([
        ("number", Value::String(s10.to_string())),
        ("check_digit", Value::String(s10.check_digit().to_string())),
    ]))
}
