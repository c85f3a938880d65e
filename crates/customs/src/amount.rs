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

/// An amount's exact shares in proportion to the weights, none of which is below zero; all of them zero: equal shares.
pub(crate) fn shares(amount: Decimal, weights: &[Decimal]) -> Result<Vec<Decimal>, Error> {
    let all = sum(weights.iter().copied())?;
    let (weights, all) = match all.is_zero() {
        true => (vec![Decimal::ONE; weights.len()], Decimal::from(weights.len())),
        false => (weights.to_vec(), all),
    };
    // The fraction first: amount times weight may be longer than any decimal.
    weights.into_iter().map(|weight| times(amount, weight.checked_div(all).ok_or(Error::Overflow)?)).collect()
}
