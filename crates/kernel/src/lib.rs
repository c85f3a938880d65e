//! What every crate here names things and tells time by: typed ids ([`Id`]), the [`Clock`] and [`Country`]; and how it
//! reads people's words ([`text`]).
//!
//! Pure: no database, no network. To add a kind of id, add a line to the table in `kind.rs`.

mod base32;
mod bounded;
mod clock;
mod country;
mod day;
mod id;
mod kind;
mod refusal;
mod replica;
pub mod text;
mod words;

pub use bounded::read_text;
pub use clock::{Clock, Error as ClockError};
pub use country::{Country, Error as CountryError};
pub use day::{Error as DayError, day};
pub use id::{Error as IdError, Id};
pub use kind::*;
pub use refusal::Refusal;
pub use replica::{OrderIds, OrderReplica, Replica};
pub use text::{Text, excerpt};
