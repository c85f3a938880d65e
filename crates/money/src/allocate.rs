//! Spreading an amount over shares: freight over lines, a duty over goods, a refund over consignments. The shares add
//! up to the amount, always; this is the one place that divides one.

use std::cmp::Reverse;
use std::ops::Range;

use rust_decimal::Decimal;

use crate::{Error, Money};

impl Money {
    /// Shares in proportion to `weights`, by largest remainder: each gets its exact part rounded towards zero, and the
    /// minor units that are left go one each to those that lost the largest fraction; of equal fractions the earlier
    /// first. So no share has the other sign, and none is a whole minor unit away from its exact part.
    ///
    /// A share of weight 0 gets nothing, unless all weigh 0: then they count as equal.
    ///
    /// # Errors
    /// No weights, or one below zero.
    pub fn allocate(self, weights: &[Decimal]) -> Result<Vec<Self>, Error> {
        let weights = Weights::new(weights)?;
        let amount = self.minor().unsigned_abs();
        let mut lost = Vec::with_capacity(weights.each.len());
        let mut shares = Vec::with_capacity(weights.each.len());
        for (index, weight) in weights.each.iter().enumerate() {
            let (share, remainder) = part(amount, *weight, weights.total)?;
            shares.push(share);
            lost.push((Reverse(remainder), index));
        }
        let given: u64 = shares.iter().sum();
        let left = usize::try_from(amount - given).map_err(|_| Error::Overflow)?;
        lost.sort_unstable();
        for (_, index) in lost.into_iter().take(left) {
            shares[index] += 1;
        }
        let sign = self.minor().signum();
        let share = |share: u64| {
            let minor = i64::try_from(share).map_err(|_| Error::Overflow)?;
            Self::new(minor * sign, self.currency())
        };
        shares.into_iter().map(share).collect()
    }

    /// What the units in `range` come to together when the amount is divided over `of` equal ones: what
    /// [`allocate`](Self::allocate) gives them, without a share for each.
    ///
    /// # Errors
    /// Units that are not there.
    pub fn of_equal_units(self, range: Range<i64>, of: i64) -> Result<Self, Error> {
        if !(0 <= range.start && range.start <= range.end && range.end <= of && of > 0) {
            return Err(Error::NoShares);
        }
        // Nowhere more than the amount: the minor units that are left over go to the first units.
        let (each, left_over) = (self.minor() / of, self.minor() % of);
        let first = |units: i64| each * units + left_over.signum() * left_over.abs().min(units);
        Self::new(first(range.end) - first(range.start), self.currency())
    }
}

/// `amount * weight / total` and the remainder, by long division in base 2: no step is above twice the total plus the
/// weight, so the product itself, which may be longer than any number here, is never needed.
fn part(amount: u64, weight: Wide, total: Wide) -> Result<(u64, Wide), Error> {
    let (mut quotient, mut remainder) = (0_u64, Wide::ZERO);
    for bit in (0..u64::BITS - amount.leading_zeros()).rev() {
        quotient <<= 1;
        remainder = remainder.plus(remainder)?;
        if amount >> bit & 1 == 1 {
            remainder = remainder.plus(weight)?;
        }
        // At most twice, as a weight is no more than the total.
        while remainder >= total {
            remainder = remainder.minus(total);
            quotient += 1;
        }
    }
    Ok((quotient, remainder))
}

/// Weights as whole numbers of one scale, of which at least one is more than 0.
struct Weights {
    each: Vec<Wide>,
    total: Wide,
}

impl Weights {
    fn new(weights: &[Decimal]) -> Result<Self, Error> {
        if weights.is_empty() {
            return Err(Error::NoShares);
        }
        if let Some((index, weight)) = weights.iter().enumerate().find(|(_, weight)| **weight < Decimal::ZERO)
        {
            return Err(Error::NegativeWeight { index, weight: *weight });
        }
        let scale = weights.iter().map(Decimal::scale).max().unwrap_or(0);
        let mut each =
            weights.iter().map(|weight| Wide::of(*weight, scale)).collect::<Result<Vec<_>, _>>()?;
        if each.iter().all(|weight| *weight == Wide::ZERO) {
            each.fill(Wide { high: 0, low: 1 });
        }
        let total = each.iter().try_fold(Wide::ZERO, |sum, weight| sum.plus(*weight))?;
        Ok(Self { each, total })
    }
}

/// A whole number of 256 bits. A decimal of any scale takes 190 of them, so a sum has room for 2^64 weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Wide {
    high: u128,
    low: u128,
}

impl Wide {
    const ZERO: Self = Self { high: 0, low: 0 };

    /// The weight, not below zero, in units of `scale` decimal places, no fewer than its own.
    fn of(weight: Decimal, scale: u32) -> Result<Self, Error> {
        let mut units = Self { high: 0, low: weight.mantissa().unsigned_abs() };
        for _ in weight.scale()..scale {
            let two = units.plus(units)?;
            let four = two.plus(two)?;
            units = four.plus(four)?.plus(two)?;
        }
        Ok(units)
    }

    fn plus(self, other: Self) -> Result<Self, Error> {
        let (low, carry) = self.low.overflowing_add(other.low);
        let high = self.high.checked_add(other.high).and_then(|high| high.checked_add(u128::from(carry)));
        Ok(Self { high: high.ok_or(Error::Overflow)?, low })
    }

    /// Less `other`, which is no more than this.
    fn minus(self, other: Self) -> Self {
        let (low, borrow) = self.low.overflowing_sub(other.low);
        Self { high: self.high - other.high - u128::from(borrow), low }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Currency;

    fn spread(minor: i64, weights: &[&str]) -> Vec<i64> {
        let weights: Vec<Decimal> =
            weights.iter().map(|weight| Decimal::from_str_exact(weight).unwrap()).collect();
        let shares = Money::new(minor, Currency::MYR).unwrap().allocate(&weights).unwrap();
        shares.into_iter().map(Money::minor).collect()
    }

    #[test]
    fn left_over_units_go_to_the_largest_fractions() {
        assert_eq!(spread(100, &["1", "1", "1"]), [34, 33, 33]);
        assert_eq!(spread(100, &["1", "4", "1"]), [17, 67, 16]);
        assert_eq!(spread(5, &["0", "3", "7"]), [0, 2, 3]);
        assert_eq!(spread(0, &["3", "7"]), [0, 0]);
        assert_eq!(spread(1001, &["33333", "33333", "33334"]), [334, 333, 334]);
        // Halves are a tie: the earlier.
        assert_eq!(spread(2, &["1", "3"]), [1, 1]);
    }

    #[test]
    fn a_few_units_over_many_equal_shares_leave_none_below_zero() {
        assert_eq!(spread(2, &["1"; 4]), [1, 1, 0, 0]);
        assert_eq!(spread(86, &["2500"; 7]), [13, 13, 12, 12, 12, 12, 12]);
        // Each rounded by itself would give away 500 of 253, and take 247 back from one.
        let shares = spread(253, &["9.99"; 500]);
        assert!(shares.iter().all(|share| [0, 1].contains(share)));
        assert_eq!(shares.iter().sum::<i64>(), 253);
    }

    #[test]
    fn less_than_nothing_is_spread_as_its_magnitude() {
        assert_eq!(spread(-100, &["1", "1", "1"]), [-34, -33, -33]);
        assert_eq!(spread(-2, &["1"; 4]), [-1, -1, 0, 0]);
    }

    #[test]
    fn weights_of_nothing_count_as_equal() {
        assert_eq!(spread(5, &["0", "0.00"]), [3, 2]);
    }

    #[test]
    fn weights_are_compared_exactly_whatever_their_scales() {
        assert_eq!(spread(3, &["0.1", "0.10", "0.100"]), [1, 1, 1]);
        // A third cut off after 28 places weighs a hair less than its neighbour.
        let (cut, up) = ("0.3333333333333333333333333333", "0.3333333333333333333333333334");
        assert_eq!(spread(1, &[cut, up]), [0, 1]);
        let (most, least) = ("79228162514264337593543950335", "0.0000000000000000000000000001");
        assert_eq!(spread(crate::MINOR_MAX, &[most, least]), [crate::MINOR_MAX, 0]);
        assert_eq!(spread(crate::MINOR_MAX, &[most, most]), [crate::MINOR_MAX / 2; 2]);
    }

    #[test]
    fn wrong_weights_are_refused() {
        let amount = Money::new(5, Currency::MYR).unwrap();
        assert_eq!(amount.allocate(&[]), Err(Error::NoShares));
        let refused = amount.allocate(&[Decimal::ONE, -Decimal::TWO]).unwrap_err();
        assert_eq!(refused, Error::NegativeWeight { index: 1, weight: -Decimal::TWO });
        assert_eq!(refused.to_string(), "weight -2 of share 1 must be 0 or more");
        assert!(amount.allocate(&[-Decimal::ZERO]).is_ok());
    }
}
