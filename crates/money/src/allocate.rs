//! Spreading an amount over shares by weight: freight over lines, a refund over payments. The shares
//! add up to the amount, always.

use std::cmp::Reverse;

use crate::{Error, Money, Rounding};

impl Money {
    /// Shares by largest remainder: each gets its part rounded towards zero, and the minor units
    /// that are left go one each to those that lost the largest fraction; of equal fractions the
    /// earlier first. So no share is a whole minor unit away from its exact part.
    ///
    /// A share of weight 0 gets nothing, unless all weigh 0: then they count as equal.
    pub fn allocate(self, weights: &[i64]) -> Result<Vec<Self>, Error> {
        let weights = Weights::new(weights)?;
        let amount = u128::from(self.minor().unsigned_abs());
        let mut lost = Vec::with_capacity(weights.each.len());
        let mut shares = Vec::with_capacity(weights.each.len());
        for (index, weight) in weights.each.iter().enumerate() {
            let exact = amount * weight;
            shares.push(i64::try_from(exact / weights.total).map_err(|_| Error::Overflow)?);
            lost.push((Reverse(exact % weights.total), index));
        }
        let given: i64 = shares.iter().sum();
        let left = usize::try_from(self.minor().saturating_abs() - given).map_err(|_| Error::Overflow)?;
        lost.sort_unstable();
        for (_, index) in lost.into_iter().take(left) {
            shares[index] += 1;
        }
        self.with_sign(shares)
    }

    /// Shares as customs wants them: each part is rounded half away from zero, and what that makes
    /// too much or too little is settled with the share of the largest weight; of equal weights the
    /// earlier.
    ///
    /// A share never changes sign: what the largest cannot give, the next largest does. Shares of
    /// weight 0 get nothing, unless all weigh 0: then they count as equal.
    pub fn allocate_to_largest(self, weights: &[i64]) -> Result<Vec<Self>, Error> {
        let weights = Weights::new(weights)?;
        let amount = self.minor().unsigned_abs();
        let mut shares = Vec::with_capacity(weights.each.len());
        for weight in &weights.each {
            let share = Rounding::HalfAwayFromZero.product(false, amount, *weight, weights.total);
            shares.push(share.ok_or(Error::Overflow)?);
        }
        let mut left = self.minor().saturating_abs() - shares.iter().sum::<i64>();
        let mut by_weight: Vec<usize> = (0..shares.len()).collect();
        by_weight.sort_by_key(|index| Reverse(weights.each[*index]));
        for index in by_weight {
            let change = left.max(-shares[index]);
            shares[index] += change;
            left -= change;
        }
        self.with_sign(shares)
    }

    fn with_sign(self, magnitudes: Vec<i64>) -> Result<Vec<Self>, Error> {
        let sign = self.minor().signum();
        magnitudes.into_iter().map(|minor| Self::new(minor * sign, self.currency())).collect()
    }
}

/// Weights of which at least one is more than 0.
struct Weights {
    each: Vec<u128>,
    total: u128,
}

impl Weights {
    fn new(weights: &[i64]) -> Result<Self, Error> {
        if weights.is_empty() {
            return Err(Error::NoShares);
        }
        let mut each = weights
            .iter()
            .enumerate()
            .map(|(index, &weight)| {
                u128::try_from(weight).map_err(|_| Error::NegativeWeight { index, weight })
            })
            .collect::<Result<Vec<_>, _>>()?;
        if each.iter().all(|weight| *weight == 0) {
            each.fill(1);
        }
        let total = each.iter().sum();
        Ok(Self { each, total })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Currency;

    fn minors(shares: Vec<Money>) -> Vec<i64> {
        shares.into_iter().map(Money::minor).collect()
    }

    fn largest_remainder(minor: i64, weights: &[i64]) -> Vec<i64> {
        minors(Money::new(minor, Currency::MYR).unwrap().allocate(weights).unwrap())
    }

    fn to_largest(minor: i64, weights: &[i64]) -> Vec<i64> {
        minors(Money::new(minor, Currency::MYR).unwrap().allocate_to_largest(weights).unwrap())
    }

    #[test]
    fn left_over_units_go_to_the_largest_fractions() {
        assert_eq!(largest_remainder(100, &[1, 1, 1]), [34, 33, 33]);
        assert_eq!(largest_remainder(100, &[1, 4, 1]), [17, 67, 16]);
        assert_eq!(largest_remainder(-100, &[1, 1, 1]), [-34, -33, -33]);
        assert_eq!(largest_remainder(5, &[0, 3, 7]), [0, 2, 3]);
        assert_eq!(largest_remainder(0, &[3, 7]), [0, 0]);
    }

    #[test]
    fn the_rest_of_rounded_shares_goes_to_the_largest() {
        assert_eq!(to_largest(100, &[1, 1, 1]), [34, 33, 33]);
        assert_eq!(to_largest(100, &[1, 4, 1]), [17, 66, 17]);
        assert_eq!(to_largest(1000, &[333, 333, 334]), [333, 333, 334]);
        assert_eq!(to_largest(10, &[1, 1, 1, 4]), [1, 1, 1, 7]);
        assert_eq!(to_largest(-10, &[1, 1, 1, 4]), [-1, -1, -1, -7]);
    }

    #[test]
    fn no_share_changes_sign() {
        // Each half is rounded up to 1: the first can give one back, the second has to give the other.
        assert_eq!(to_largest(2, &[1, 1, 1, 1]), [0, 0, 1, 1]);
        assert_eq!(to_largest(-2, &[1, 1, 1, 1]), [0, 0, -1, -1]);
    }

    #[test]
    fn weights_of_nothing_count_as_equal() {
        assert_eq!(largest_remainder(5, &[0, 0]), [3, 2]);
        assert_eq!(to_largest(5, &[0, 0]), [2, 3]);
    }

    #[test]
    fn wrong_weights_are_refused() {
        let amount = Money::new(5, Currency::MYR).unwrap();
        assert_eq!(amount.allocate(&[]), Err(Error::NoShares));
        assert_eq!(amount.allocate_to_largest(&[]), Err(Error::NoShares));
        let error = Error::NegativeWeight { index: 1, weight: -2 };
        assert_eq!(amount.allocate(&[1, -2]), Err(error.clone()));
        assert_eq!(amount.allocate_to_largest(&[1, -2]), Err(error));
    }

    #[test]
    fn the_largest_weights_do_not_overflow() {
        let amount = Money::new(crate::MINOR_MAX, Currency::MYR).unwrap();
        let half = crate::MINOR_MAX / 2;
        assert_eq!(minors(amount.allocate(&[i64::MAX, i64::MAX]).unwrap()), [half, half]);
        assert_eq!(minors(amount.allocate_to_largest(&[i64::MAX, i64::MAX]).unwrap()), [half, half]);
    }
}
