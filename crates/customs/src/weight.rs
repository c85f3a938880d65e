//! Chargeable weight: a light and bulky parcel pays for the room it takes.

/// Why there is no chargeable weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The divisor (cubic centimetres per kilogram) is zero.
    #[error("the volumetric divisor must not be 0")]
    Divisor,
    /// The break (the step of the service's rate table, in grams) is zero.
    #[error("the weight break must not be 0 grams")]
    Break,
    /// Larger than 64 bits of grams.
    #[error("the parcel's chargeable weight is too large")]
    Overflow,
}

/// The weight in grams that a service charges: the greater of actual and volumetric weight, rounded
/// up to the service's next break.
///
/// `divisor` is in cubic centimetres per kilogram (5000 for most couriers), so a volume in cubic
/// millimetres divided by it is grams. All in integers: a parcel of exactly a break pays that
/// break, and the fraction of a gram above it pays the next.
///
/// # Errors
/// A zero divisor or break, or dimensions that overflow.
pub fn chargeable_weight(
    weight_grams: u64,
    length_mm: u64,
    width_mm: u64,
    height_mm: u64,
    divisor: u64,
    break_grams: u64,
) -> Result<u64, Error> {
    if divisor == 0 {
        return Err(Error::Divisor);
    }
    if break_grams == 0 {
        return Err(Error::Break);
    }
    let volume = u128::from(length_mm)
        .checked_mul(u128::from(width_mm))
        .and_then(|area| area.checked_mul(u128::from(height_mm)))
        .ok_or(Error::Overflow)?;
    // Rounding up to a break after rounding up to a gram is rounding up to the break.
    let volumetric_grams = volume.div_ceil(u128::from(divisor));
    let grams = volumetric_grams.max(u128::from(weight_grams));
    let charged = grams.div_ceil(u128::from(break_grams)) * u128::from(break_grams);
    u64::try_from(charged).map_err(|_| Error::Overflow)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Vectors volume-5000, volume-6000, actual-wins.
    #[test]
    fn known_weights() {
        assert_eq!(chargeable_weight(4100, 400, 300, 250, 5000, 500), Ok(6000));
        assert_eq!(chargeable_weight(4100, 400, 300, 250, 6000, 500), Ok(5000));
        assert_eq!(chargeable_weight(6001, 400, 300, 250, 5000, 500), Ok(6500));
    }

    #[test]
    fn a_fraction_of_a_gram_above_a_break_pays_the_next() {
        // 100 x 100 x 250 mm / 5000 = 500 g exactly; a millimetre more is 502 g.
        assert_eq!(chargeable_weight(1, 100, 100, 250, 5000, 500), Ok(500));
        assert_eq!(chargeable_weight(1, 100, 100, 251, 5000, 500), Ok(1000));
        // 2_500_001 mm3 / 5000 = 500.0002 g
        assert_eq!(chargeable_weight(1, 2_500_001, 1, 1, 5000, 500), Ok(1000));
    }

    #[test]
    fn nothing_weighs_nothing_and_bad_services_are_refused() {
        assert_eq!(chargeable_weight(0, 0, 0, 0, 5000, 500), Ok(0));
        assert_eq!(chargeable_weight(1, 1, 1, 1, 0, 500), Err(Error::Divisor));
        assert_eq!(chargeable_weight(1, 1, 1, 1, 5000, 0), Err(Error::Break));
        assert_eq!(chargeable_weight(1, u64::MAX, u64::MAX, u64::MAX, 1, 1), Err(Error::Overflow));
        assert_eq!(chargeable_weight(u64::MAX, 1, 1, 1, 1, 2), Err(Error::Overflow));
    }

    proptest! {
        #[test]
        fn at_least_the_weight_and_less_than_a_break_above(
            weight in 0_u64..1_000_000, l in 0_u64..3000, w in 0_u64..3000, h in 0_u64..3000,
            divisor in 1_u64..10_000, step in 1_u64..5000,
        ) {
            let charged = chargeable_weight(weight, l, w, h, divisor, step).unwrap();
            let volumetric = (l * w * h).div_ceil(divisor);
            prop_assert_eq!(charged % step, 0);
            prop_assert!(charged >= weight.max(volumetric));
            prop_assert!(charged < weight.max(volumetric) + step);
        }
    }
}
