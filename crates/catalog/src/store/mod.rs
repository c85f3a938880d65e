//! The only SQL of this service, one file per aggregate.

pub(crate) mod audit;
pub(crate) mod history;
pub(crate) mod locations;
pub(crate) mod offers;
pub(crate) mod products;
pub(crate) mod reservations;
pub(crate) mod search;
pub(crate) mod sellers;
pub(crate) mod stock;
pub(crate) mod usage;
pub(crate) mod variants;

use money::Money;

/// An amount as a row keeps it.
pub(crate) fn money(minor: i64, currency: &str) -> Result<Money, db::Error> {
    Money::new(minor, parsed(currency)?).map_err(broken)
}

/// A text that was valid when it was written.
pub(crate) fn parsed<T: std::str::FromStr>(text: &str) -> Result<T, db::Error>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text.parse().map_err(broken)
}

pub(crate) fn broken(error: impl std::error::Error + Send + Sync + 'static) -> db::Error {
    db::Error::Other(sqlx::Error::Decode(Box::new(error)))
}
