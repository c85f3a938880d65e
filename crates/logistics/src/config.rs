//! The section `[logistics]` of the configuration.

use std::path::PathBuf;

use anyhow::Context as _;
use money::rates::RateTable;
use serde::Deserialize;

/// The service's own settings.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// A file of reference rates in the ECB's format; it goes before the rates that come with the program.
    #[serde(default)]
    pub(crate) ecb_rates_file: Option<PathBuf>,
}

impl Config {
    /// The reference rates, which stand in for those of customs.
    pub(crate) fn rates(&self) -> anyhow::Result<RateTable> {
        hub::reference_rates(self.ecb_rates_file.as_deref()).context("ecb_rates_file")
    }
}
