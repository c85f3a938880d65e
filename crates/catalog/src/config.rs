//! The section `[catalog]` of the configuration.

use std::path::PathBuf;

use anyhow::Context as _;
use money::rates::RateTable;
use serde::Deserialize;
use settings::{Holds, PATH, Setting};

use crate::domain::allowance::Allowance;

/// How many products.
const PRODUCTS: Holds = Holds::Whole { least: 1, most: 1_000_000_000, unit: "products" };
/// How long the texts of all of them.
const LETTERS: Holds = Holds::Whole { least: 1_000, most: 1_000_000_000_000, unit: "letters" };

/// The service's own settings.
pub(crate) const SETTINGS: &[Setting] = &[
    Setting::new(
        "catalog.ecb_rates_file",
        PATH,
        "The file of reference rates that payment has: goods are listed only in currencies that it can exchange.",
    )
    .example("rates.csv"),
    Setting::new("catalog.products_max", PRODUCTS, "How many products a verified seller may have, and ten times as many variants.")
        .default("1000000"),
    Setting::new(
        "catalog.letters_max",
        LETTERS,
        "How many letters the texts of all goods of a verified seller may have.",
    )
    .default("4000000000"),
    Setting::new(
        "catalog.unverified_products_max",
        PRODUCTS,
        "How many products a seller may have that is not verified, and ten times as many variants.",
    )
    .default("10000"),
    Setting::new(
        "catalog.unverified_letters_max",
        LETTERS,
        "How many letters the texts of all goods of a seller may have that is not verified.",
    )
    .default("40000000"),
];

/// What they hold.
#[derive(Debug, Deserialize)]
pub(crate) struct Config {
    ecb_rates_file: Option<PathBuf>,
    /// What the goods of a seller may take.
    #[serde(flatten)]
    pub(crate) allowance: Allowance,
}

impl Config {
    /// The reference rates by which a quote can be made.
    pub(crate) fn rates(&self) -> anyhow::Result<RateTable> {
        hub::reference_rates(self.ecb_rates_file.as_deref()).context("ecb_rates_file")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let told = "ecb_rates_file = '/nowhere.csv'".parse().unwrap();
        let section = settings::section(SETTINGS, "catalog", &told, false).unwrap();
        let config: Config = runtime::parse_section(&section).unwrap();
        let error = format!("{:#}", config.rates().unwrap_err());
        assert!(error.starts_with("ecb_rates_file: ") && error.contains("/nowhere.csv"), "{error}");
    }
}
