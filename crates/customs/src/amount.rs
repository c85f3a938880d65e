//! Spreading a total over lines so that nothing is lost.

use money::{Currency, Money, Rounding};
use rust_decimal::Decimal;

/// Rounds half away from zero to the currency's minor unit, as customs amounts are.
pub(crate) fn rounded(amount: Decimal, currency: Currency) -> Result<Money, money::Error> {
    Money::from_decimal(amount, currency, Rounding::HalfAwayFromZero)
}

/// Shares of `total` in proportion to `shares` (none below zero): each rounded, the remainder to the largest.
pub(crate) fn spread(total: Money, shares: &[Decimal]) -> Result<Vec<Money>, money::Error> {
    let sum: Decimal = shares.iter().sum();
    if sum.is_zero() {
        return total.allocate_to_largest(&vec![1; shares.len()]);
    }
    let mut parts = Vec::with_capacity(shares.len());
    for share in shares {
        let exact = total.to_decimal().checked_mul(*share).and_then(|product| product.checked_div(sum));
        parts.push(rounded(exact.ok_or(money::Error::Overflow)?, total.currency())?);
    }
    let remainder = total.checked_sub(Money::sum(parts.iter().copied(), total.currency())?)?;
    // The first of the largest: the same input is always spread alike.
    let largest = shares.iter().enumerate().rev().max_by_key(|(_, share)| **share).map(|(place, _)| place);
    if let Some(part) = largest.and_then(|place| parts.get_mut(place)) {
        *part = part.checked_add(remainder)?;
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remainder_goes_to_the_first_of_the_largest() {
        let total = Money::new(100, Currency::MYR).unwrap();
        let shares = [Decimal::ONE, Decimal::ONE, Decimal::ONE];
        let parts: Vec<i64> = spread(total, &shares).unwrap().iter().map(|part| part.minor()).collect();
        assert_eq!(parts, [34, 33, 33]);
        let parts: Vec<i64> =
            spread(total, &[Decimal::ONE, Decimal::TWO]).unwrap().iter().map(|part| part.minor()).collect();
        assert_eq!(parts, [33, 67]);
    }

    #[test]
    fn nothing_is_spread_evenly() {
        let total = Money::new(3, Currency::MYR).unwrap();
        let parts = spread(total, &[Decimal::ZERO, Decimal::ZERO]).unwrap();
        assert_eq!(Money::sum(parts, Currency::MYR).unwrap(), total);
    }
}
