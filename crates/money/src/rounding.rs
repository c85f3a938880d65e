//! How a fraction of a minor unit is rounded. Exact: a product is never shortened before it is
//! rounded, so no amount is rounded twice.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

/// Which minor unit an amount between two becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// To the nearest; a half goes away from zero. What customs and tax amounts use.
    HalfAwayFromZero,
    /// To the nearest; a half goes to the even neighbour.
    HalfEven,
    /// Away from zero.
    Up,
    /// Towards zero.
    Down,
    /// Towards more.
    Ceiling,
    /// Towards less.
    Floor,
}

/// Bits of the multiplicand that are taken at a time.
const CHUNK_BITS: u32 = 16;

impl Rounding {
    /// `units * numerator / denominator`, rounded, with the sign of `negative`. None when it does
    /// not fit.
    ///
    /// The numerator is a decimal's mantissa (under 2^96) and the denominator at most 10^32 (under
    /// 2^107), so a step of the long division stays under 2^124.
    pub(crate) fn product(
        self,
        negative: bool,
        units: u64,
        numerator: u128,
        denominator: u128,
    ) -> Option<i64> {
        let (mut quotient, mut remainder) = (0_u128, 0_u128);
        for chunk in (0..u64::BITS / CHUNK_BITS).rev() {
            let digit = u128::from((units >> (chunk * CHUNK_BITS)) & ((1 << CHUNK_BITS) - 1));
            let step = (remainder << CHUNK_BITS).checked_add(digit.checked_mul(numerator)?)?;
            quotient = quotient.checked_mul(1 << CHUNK_BITS)?.checked_add(step / denominator)?;
            remainder = step % denominator;
        }
        if self.goes_up(negative, quotient, remainder, denominator) {
            quotient = quotient.checked_add(1)?;
        }
        let magnitude = i64::try_from(quotient).ok()?;
        Some(if negative { -magnitude } else { magnitude })
    }

    /// Whether the magnitude grows by one.
    fn goes_up(self, negative: bool, quotient: u128, remainder: u128, denominator: u128) -> bool {
        if remainder == 0 {
            return false;
        }
        let to_half = remainder.cmp(&(denominator - remainder));
        match self {
            Self::HalfAwayFromZero => to_half != Ordering::Less,
            Self::HalfEven => {
                to_half == Ordering::Greater || (to_half == Ordering::Equal && quotient % 2 == 1)
            }
            Self::Up => true,
            Self::Down => false,
            Self::Ceiling => !negative,
            Self::Floor => negative,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Quarters of a unit, from -7/4 to 7/4.
    fn quarters(rounding: Rounding) -> Vec<i64> {
        (-7_i64..=7)
            .map(|quarters| rounding.product(quarters < 0, quarters.unsigned_abs(), 1, 4).unwrap())
            .collect()
    }

    #[test]
    fn each_way_to_round_does_what_its_name_says() {
        let expected = [
            (Rounding::HalfAwayFromZero, [-2, -2, -1, -1, -1, -1, 0, 0, 0, 1, 1, 1, 1, 2, 2]),
            (Rounding::HalfEven, [-2, -2, -1, -1, -1, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2]),
            (Rounding::Up, [-2, -2, -2, -1, -1, -1, -1, 0, 1, 1, 1, 1, 2, 2, 2]),
            (Rounding::Down, [-1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1]),
            (Rounding::Ceiling, [-1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2]),
            (Rounding::Floor, [-2, -2, -2, -1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1]),
        ];
        for (rounding, expected) in expected {
            assert_eq!(quarters(rounding), expected, "{rounding:?}");
        }
        assert_eq!(Rounding::HalfEven.product(false, 5, 1, 2), Some(2));
        assert_eq!(Rounding::HalfEven.product(false, 7, 1, 2), Some(4));
    }

    #[test]
    fn the_longest_factors_are_exact() {
        let (mantissa, scale) = ((1_u128 << 96) - 1, 10_u128.pow(28));
        assert_eq!(
            Rounding::Floor.product(false, 1_000_000_000_000_000, mantissa, scale),
            Some(7_922_816_251_426_433)
        );
        assert_eq!(Rounding::Up.product(false, u64::MAX, mantissa, 1), None);
        // 3 units of 0.1666…67 are a hair over a half.
        let sixth = 1_666_666_666_666_666_666_666_666_667;
        assert_eq!(Rounding::HalfEven.product(false, 3, sixth, scale), Some(1));
        assert_eq!(Rounding::HalfEven.product(false, 3, sixth - 1, scale), Some(0));
    }

    #[test]
    fn it_is_named_in_snake_case() {
        assert_eq!(serde_json::to_string(&Rounding::HalfAwayFromZero).unwrap(), "\"half_away_from_zero\"");
    }
}
