//! The only SQL of this service, one file per aggregate.

pub(crate) mod audit;
pub(crate) mod escrows;
pub(crate) mod history;
pub(crate) mod holds;
pub(crate) mod measures;
pub(crate) mod receipts;
pub(crate) mod refunds;
pub(crate) mod snapshots;
pub(crate) mod transfers;
pub(crate) mod wallets;

use money::Money;
use rust_decimal::Decimal;

/// An amount as a row keeps it. What a row holds was money when it was written.
pub(crate) fn money(minor: i64, currency: &str) -> Result<Money, db::Error> {
    let broken = |error: money::Error| db::Error::Other(sqlx::Error::Decode(Box::new(error)));
    Money::new(minor, currency.parse().map_err(broken)?).map_err(broken)
}

/// A rate as a row keeps it.
fn rate(text: Option<&str>) -> Result<Option<Decimal>, db::Error> {
    let read = text.map(str::parse).transpose();
    read.map_err(|error: rust_decimal::Error| db::Error::Other(sqlx::Error::Decode(Box::new(error))))
}

/// A row holds a word that none of this program's writes.
pub(crate) fn unknown(what: &str, word: &str) -> db::Error {
    db::Error::Other(sqlx::Error::Decode(format!("`{word}` is not a {what}").into()))
}

/// What two parts of a sum divide an amount by.
const PART: i128 = 1_000_000_000;

/// A sum that 64 bits may not hold, of what `sum(amount / 1000000000)` and `sum(amount % 1000000000)` are: SQLite refuses
/// to add further, and PostgreSQL to hand it over.
pub(crate) fn wide(high: i64, low: i64) -> i128 {
    i128::from(high) * PART + i128::from(low)
}

/// As 64 bits show it: what is beyond them is their bound.
pub(crate) fn narrow(sum: i128) -> i64 {
    i64::try_from(sum).unwrap_or(if sum < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_of_parts_is_the_sum() {
        for amounts in [vec![i64::MAX; 3], vec![i64::MIN; 3], vec![-1_999_999_999, 5], vec![999_999_999, 1]] {
            let high = amounts.iter().map(|amount| amount / 1_000_000_000).sum();
            let low = amounts.iter().map(|amount| amount % 1_000_000_000).sum();
            assert_eq!(wide(high, low), amounts.iter().map(|amount| i128::from(*amount)).sum());
        }
        assert_eq!((narrow(i128::MAX), narrow(i128::MIN), narrow(-7)), (i64::MAX, i64::MIN, -7));
    }
}
