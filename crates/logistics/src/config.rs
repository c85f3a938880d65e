//! The section `[logistics]` of the configuration.

use std::path::PathBuf;

use anyhow::Context as _;
use money::rates::RateTable;
use serde::Deserialize;
use settings::{PATH, Setting};

/// The service's own settings.
pub(crate) const SETTINGS: &[Setting] = &[Setting::new(
    "logistics.ecb_rates_file",
    PATH,
    "A file of reference rates in the ECB's CSV format for customs values, before those that come with the program.",
)
.example("rates.csv")];

/// What they hold.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    ecb_rates_file: Option<PathBuf>,
}

impl Config {
    /// The reference rates, which stand in for those of customs.
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
        let section = settings::section(SETTINGS, "logistics", &told, false).unwrap();
        let config: Config = runtime::parse_section(&section).unwrap();
        let error = format!("{:#}", config.rates().unwrap_err());
        assert!(error.starts_with("ecb_rates_file: ") && error.contains("/nowhere.csv"), "{error}");
    }
}
