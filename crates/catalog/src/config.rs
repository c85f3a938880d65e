//! The section `[catalog]` of the configuration.

use std::path::PathBuf;

use anyhow::Context as _;
use money::rates::RateTable;
use serde::Deserialize;
use settings::{PATH, Setting};

/// The service's own settings.
pub(crate) const SETTINGS: &[Setting] = &[Setting::new(
    "catalog.ecb_rates_file",
    PATH,
    "The file of reference rates that payment has: goods are listed only in currencies that it can exchange.",
)
.example("rates.csv")];

/// What they hold.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    ecb_rates_file: Option<PathBuf>,
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
