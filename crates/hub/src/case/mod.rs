//! Worked cases with known answers, as an operator gets them from an authority: a JSON object each, with `id`, `kind`,
//! what goes in, and `expect`. To add a kind, write its file and name it in [`run`].

mod landed_cost;
mod qr;
mod s10;
mod spread;
mod weight;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::Profile;

/// The kinds of cases.
pub const KINDS: [&str; 6] = ["landed_cost", "spread", "qr_encode", "qr_decode", "s10", "chargeable_weight"];

/// A case as written.
#[derive(Debug, Clone, Deserialize)]
pub struct Case {
    /// Its name.
    pub id: String,
    /// What it is of; one of [`KINDS`].
    pub kind: String,
    /// What is compared.
    pub expect: Map<String, Value>,
    /// What goes in.
    #[serde(flatten)]
    input: Map<String, Value>,
}

/// A field that came out otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which field.
    pub field: String,
    /// What the case expects.
    pub expected: String,
    /// What came out.
    pub actual: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: expected {}, got {}", self.field, self.expected, self.actual)
    }
}

/// Runs a case against the profiles, by their codes. `Ok` holds what differs; `Err` says why it cannot be run.
pub fn run(case: &Case, profiles: &BTreeMap<String, Profile>) -> Result<Vec<Difference>, String> {
    let outcome = match case.kind.as_str() {
        "landed_cost" => landed_cost::run(&input(case)?, profiles)?,
        "spread" => spread::run(&input(case)?)?,
        "qr_encode" => qr::encode(&input(case)?)?,
        "qr_decode" => qr::decode(&input::<qr::ToDecode>(case)?),
        "s10" => s10::run(&input(case)?)?,
        "chargeable_weight" => weight::run(&input(case)?)?,
        other => return Err(format!("kind: `{other}` is not one of {}", KINDS.join(", "))),
    };
    Ok(differences(&case.expect, &outcome))
}

fn input<T: DeserializeOwned>(case: &Case) -> Result<T, String> {
    serde_path_to_error::deserialize(Value::Object(case.input.clone()))
        .map_err(|error| format!("{}: {}", error.path(), error.inner()))
}

fn differences(expected: &Map<String, Value>, actual: &BTreeMap<&'static str, Value>) -> Vec<Difference> {
    let differs = |(field, expected): (&String, &Value)| {
        let actual = actual.get(field.as_str());
        (actual != Some(expected)).then(|| Difference {
            field: field.clone(),
            expected: expected.to_string(),
            actual: actual.map_or_else(|| "nothing".to_owned(), Value::to_string),
        })
    };
    expected.iter().filter_map(differs).collect()
}
