//! The only SQL of this service, one file per aggregate.

pub(crate) mod audit;
pub(crate) mod escrows;
pub(crate) mod holds;
pub(crate) mod measures;
pub(crate) mod receipts;
pub(crate) mod refunds;
pub(crate) mod transfers;
pub(crate) mod wallets;

use money::Money;

/// An amount as a row keeps it. What a row holds was money when it was written.
pub(crate) fn money(minor: i64, currency: &str) -> Result<Money, db::Error> {
    let broken = |error: money::Error| db::Error::Other(sqlx::Error::Decode(Box::new(error)));
    Money::new(minor, currency.parse().map_err(broken)?).map_err(broken)
}
