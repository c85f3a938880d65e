//! The reference rates that a hub counts with.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use money::rates::{RateTable, ReadError};

/// Our own small dated rates, with their sources.
const SEED: &str = include_str!("../../../seed/rates.csv");

/// Why there are no rates.
#[derive(Debug, thiserror::Error)]
pub enum RatesError {
    /// The rates that come with the program cannot be read.
    #[error("the rates that come with the program: {0}")]
    Seed(ReadError),
    /// The operator's file cannot be opened.
    #[error("{path}: {source}")]
    Open {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The operator's file is not in the ECB's format.
    #[error("{path}: {source}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: ReadError,
    },
}

/// The rates that come with the program, and before them those of an operator's file in the ECB's format (CSV, a column
/// a currency, units for one EUR).
pub fn reference_rates(ecb_rates_file: Option<&Path>) -> Result<RateTable, RatesError> {
    let mut rates = RateTable::parse_dated(SEED.as_bytes()).map_err(RatesError::Seed)?;
    if let Some(path) = ecb_rates_file {
        let file = File::open(path).map_err(|source| RatesError::Open { path: path.to_owned(), source })?;
        let read = RateTable::parse_ecb(BufReader::new(file), "ECB reference rates");
        rates.merge(read.map_err(|source| RatesError::Read { path: path.to_owned(), source })?);
    }
    Ok(rates)
}
