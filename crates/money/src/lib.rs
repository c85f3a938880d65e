//! Money without floats: amounts in minor units, the currencies of ISO 4217, named rounding, shares
//! that lose no cent, and dated reference rates. Pure: no database, no clock, no network.
//!
//! - A currency that ISO adds or withdraws: a line in `currency/table.rs`.
//! - Another way to round: a variant of [`Rounding`] and its arm in `Rounding::goes_up`.
//! - Another format of rates: a `parse_…` in `rates/read.rs` that fills a [`rates::RateTable`].

mod allocate;
mod amount;
pub mod currency;
mod error;
pub mod rates;
mod rounding;

pub use amount::Money;
pub use currency::Currency;
pub use error::{Error, MINOR_MAX};
pub use rounding::Rounding;
