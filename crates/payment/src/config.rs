//! The service's own settings.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use money::rates::RateTable;
use serde::Deserialize;

/// Our own small dated rates, with their sources.
const SEED: &str = include_str!("../../../seed/rates.csv");

/// The section `[payment]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// A file of reference rates in the ECB's format; it goes before the rates that come with the program.
    #[serde(default)]
    pub(crate) ecb_rates_file: Option<PathBuf>,
}

impl Config {
    /// The reference rates.
    pub(crate) fn rates(&self) -> Result<RateTable> {
        let mut rates =
            RateTable::parse_dated(SEED.as_bytes()).context("the rates that come with the program")?;
        if let Some(path) = &self.ecb_rates_file {
            let file = std::fs::File::open(path);
            let file = file.with_context(|| format!("ecb_rates_file: cannot open {}", path.display()))?;
            let read = RateTable::parse_ecb(std::io::BufReader::new(file), "ECB reference rates");
            rates.merge(read.with_context(|| format!("ecb_rates_file: {}", path.display()))?);
        }
        Ok(rates)
    }
}
