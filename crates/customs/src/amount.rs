//! Amounts between money and decimals: rounded as customs rounds, and never beyond what a decimal holds.

use money::{Currency, Error, Money, Rounding};
use rust_decimal::Decimal;

/// Rounds half away from zero to the currency's minor unit, as customs amounts are.
pub(crate) fn rounded(amount: Decimal, currency: Currency) -> Result<Money, Error> {
    Money::from_decimal(amount, currency, Rounding::HalfAwayFromZero)
}

/// An amount at a rate, not rounded.
pub(crate) fn times(amount: Decimal, rate: Decimal) -> Result<Decimal, Error> {
    amount.checked_mul(rate).ok_or(Error::Overflow)
}

/// The sum of amounts, not rounded.
pub(crate) fn sum(amounts: impl IntoIterator<Item = Decimal>) -> Result<Decimal, Error> {
    amounts.into_iter().try_fold(Decimal::ZERO, Decimal::checked_add).ok_or(Error::Overflow)
}
