//! An amount of a currency, in minor units.

use std::cmp::Ordering;
use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::error::shown;
use crate::{Currency, Error, MINOR_MAX, Rounding};

/// An amount of a currency. It has no order and no `+`: those of two currencies do not compare
/// ([`Money::checked_cmp`]) and do not add up ([`Money::checked_add`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// What JSON keeps of an amount, by the names that the API has too.
#[derive(Serialize, Deserialize)]
struct Parts {
    minor_units: i64,
    currency: Currency,
}

impl Money {
    /// An amount of `minor` units: sen for MYR, yen for JPY.
    pub fn new(minor: i64, currency: Currency) -> Result<Self, Error> {
        if (-MINOR_MAX..=MINOR_MAX).contains(&minor) {
            return Ok(Self { minor, currency });
        }
        Err(Error::Overflow)
    }

    /// Nothing.
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// The minor units.
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Reads `12.34`: digits, with at most as many after the point as the currency has, and a minus
    /// for less than nothing. No plus, spaces, commas or exponent.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, Error> {
        let not_an_amount = || Error::NotAnAmount { found: shown(text) };
        let (negative, number) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = match number.split_once('.') {
            Some((_, "")) => return Err(not_an_amount()),
            Some(parts) => parts,
            None => (number, ""),
        };
        if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
            return Err(not_an_amount());
        }
        let places = usize::from(currency.minor_digits());
        if fraction.len() > places {
            return Err(Error::TooPrecise { found: shown(text), digits: fraction.len(), currency });
        }
        let minor: i64 = format!("{whole}{fraction:0<places$}").parse().map_err(|_| Error::Overflow)?;
        Self::new(if negative { -minor } else { minor }, currency)
    }

    /// The amount nearest to `amount`, by `rounding`.
    pub fn from_decimal(amount: Decimal, currency: Currency, rounding: Rounding) -> Result<Self, Error> {
        let units = 10_u64.pow(u32::from(currency.minor_digits()));
        Self::product(amount.is_sign_negative(), units, amount, 1, currency, rounding)
    }

    /// The amount in whole units, exact.
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.minor, u32::from(self.currency.minor_digits()))
    }

    /// The number without the currency, with all its digits: `12.30`. [`Money::parse`] reads it.
    pub fn amount(self) -> String {
        self.to_decimal().to_string()
    }

    /// Whether it is nothing.
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// Whether it is more than nothing.
    pub const fn is_positive(self) -> bool {
        self.minor > 0
    }

    /// Whether it is less than nothing.
    pub const fn is_negative(self) -> bool {
        self.minor < 0
    }

    /// The sum of two amounts of one currency.
    pub fn checked_add(self, other: Self) -> Result<Self, Error> {
        self.same_currency(other)?;
        Self::new(self.minor.checked_add(other.minor).ok_or(Error::Overflow)?, self.currency)
    }

    /// This amount minus another of its currency.
    pub fn checked_sub(self, other: Self) -> Result<Self, Error> {
        self.same_currency(other)?;
        Self::new(self.minor.checked_sub(other.minor).ok_or(Error::Overflow)?, self.currency)
    }

    /// The amount the other way.
    pub fn checked_neg(self) -> Result<Self, Error> {
        Self::new(self.minor.checked_neg().ok_or(Error::Overflow)?, self.currency)
    }

    /// The amount `times` times, such as a unit price for a quantity.
    pub fn checked_mul(self, times: i64) -> Result<Self, Error> {
        Self::new(self.minor.checked_mul(times).ok_or(Error::Overflow)?, self.currency)
    }

    /// Which of two amounts of one currency is more.
    pub fn checked_cmp(self, other: Self) -> Result<Ordering, Error> {
        self.same_currency(other)?;
        Ok(self.minor.cmp(&other.minor))
    }

    /// The sum of amounts of `currency`; nothing when there are none. Only the end result has to be
    /// within [`MINOR_MAX`].
    pub fn sum(amounts: impl IntoIterator<Item = Self>, currency: Currency) -> Result<Self, Error> {
        let mut total = 0_i128;
        for amount in amounts {
            Self::zero(currency).same_currency(amount)?;
            total = total.checked_add(i128::from(amount.minor)).ok_or(Error::Overflow)?;
        }
        Self::new(i64::try_from(total).map_err(|_| Error::Overflow)?, currency)
    }

    /// What the amount is in another currency, at `rate` units of `to` for a unit of this one.
    pub fn convert(self, rate: Decimal, to: Currency, rounding: Rounding) -> Result<Self, Error> {
        if rate <= Decimal::ZERO {
            return Err(Error::RateNotPositive { rate });
        }
        let (from_digits, to_digits) = (self.currency.minor_digits(), to.minor_digits());
        let more = 10_u64.pow(u32::from(to_digits.saturating_sub(from_digits)));
        let fewer = 10_u128.pow(u32::from(from_digits.saturating_sub(to_digits)));
        let units = self.minor.unsigned_abs().checked_mul(more).ok_or(Error::Overflow)?;
        Self::product(self.is_negative(), units, rate, fewer, to, rounding)
    }

    /// The amount times `rate`, such as a duty of 0.10.
    pub fn times(self, rate: Decimal, rounding: Rounding) -> Result<Self, Error> {
        let negative = self.is_negative() != rate.is_sign_negative();
        Self::product(negative, self.minor.unsigned_abs(), rate, 1, self.currency, rounding)
    }

    fn product(
        negative: bool,
        units: u64,
        rate: Decimal,
        divisor: u128,
        currency: Currency,
        rounding: Rounding,
    ) -> Result<Self, Error> {
        let denominator = 10_u128.pow(rate.scale()).checked_mul(divisor).ok_or(Error::Overflow)?;
        let minor = rounding
            .product(negative, units, rate.mantissa().unsigned_abs(), denominator)
            .ok_or(Error::Overflow)?;
        Self::new(minor, currency)
    }

    fn same_currency(self, other: Self) -> Result<(), Error> {
        if self.currency == other.currency {
            return Ok(());
        }
        Err(Error::CurrencyMismatch { left: self.currency, right: other.currency })
    }
}

impl TryFrom<Parts> for Money {
    type Error = Error;

    fn try_from(parts: Parts) -> Result<Self, Error> {
        Self::new(parts.minor_units, parts.currency)
    }
}

impl From<Money> for Parts {
    fn from(money: Money) -> Self {
        Self { minor_units: money.minor, currency: money.currency }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} {}", self.amount(), self.currency))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn myr(minor: i64) -> Money {
        Money::new(minor, Currency::MYR).unwrap()
    }

    fn of(code: &str) -> Currency {
        code.parse().unwrap()
    }

    fn decimal(text: &str) -> Decimal {
        Decimal::from_str_exact(text).unwrap()
    }

    #[test]
    fn text_has_the_digits_of_the_currency() {
        for (text, code, minor) in [
            ("12.34", "MYR", 1234),
            ("-0.05", "MYR", -5),
            ("0.00", "MYR", 0),
            ("1234", "JPY", 1234),
            ("1.234", "KWD", 1234),
            ("-0.0001", "CLF", -1),
        ] {
            let amount = Money::parse(text, of(code)).unwrap();
            assert_eq!(amount.minor(), minor, "{text}");
            assert_eq!(amount.amount(), text);
            assert_eq!(amount.to_string(), format!("{text} {code}"));
        }
        assert_eq!(Money::parse("3", Currency::MYR), Ok(myr(300)));
        assert_eq!(Money::parse("3.1", Currency::MYR), Ok(myr(310)));
        assert_eq!(Money::parse("-0", Currency::MYR), Ok(myr(0)));
    }

    #[test]
    fn what_is_no_plain_amount_is_refused() {
        for text in
            ["", "-", ".", "1.", ".5", "+1", " 1", "1 ", "1,00", "1e2", "--1", "1.2.3", "1_0", "RM1", "١"]
        {
            let error = Money::parse(text, Currency::MYR).unwrap_err();
            assert_eq!(error, Error::NotAnAmount { found: text.to_owned() });
        }
        let error = Money::parse("1.005", Currency::MYR).unwrap_err();
        assert_eq!(error.to_string(), "`1.005` has 3 digits after the point; MYR has at most 2");
        assert!(matches!(Money::parse("1.0", Currency::JPY), Err(Error::TooPrecise { digits: 1, .. })));
        assert_eq!(Money::parse(&"9".repeat(400), Currency::MYR), Err(Error::Overflow));
        assert_eq!(Money::parse("10000000000000.01", Currency::MYR), Err(Error::Overflow));
    }

    #[test]
    fn amounts_are_bounded() {
        let most = myr(MINOR_MAX);
        assert_eq!(Money::new(MINOR_MAX + 1, Currency::MYR), Err(Error::Overflow));
        assert_eq!(Money::new(i64::MIN, Currency::MYR), Err(Error::Overflow));
        assert_eq!(most.checked_add(myr(1)), Err(Error::Overflow));
        assert_eq!(most.checked_neg().unwrap().checked_sub(myr(1)), Err(Error::Overflow));
        assert_eq!(most.checked_mul(i64::MAX), Err(Error::Overflow));
        assert_eq!(most.times(decimal("1.000000000000001"), Rounding::Down), Err(Error::Overflow));
        assert_eq!(most.convert(Decimal::MAX, Currency::JPY, Rounding::Down), Err(Error::Overflow));
        assert_eq!(Money::from_decimal(Decimal::MAX, Currency::MYR, Rounding::Down), Err(Error::Overflow));
        assert_eq!(Money::sum([most, myr(1)], Currency::MYR), Err(Error::Overflow));
        let back = most.checked_neg().unwrap();
        assert_eq!(Money::sum([most, most, back], Currency::MYR), Ok(most));
    }

    #[test]
    fn currencies_do_not_mix() {
        let baht = Money::new(100, Currency::THB).unwrap();
        let error = Error::CurrencyMismatch { left: Currency::MYR, right: Currency::THB };
        assert_eq!(myr(1).checked_add(baht), Err(error.clone()));
        assert_eq!(myr(1).checked_sub(baht), Err(error.clone()));
        assert_eq!(myr(1).checked_cmp(baht), Err(error.clone()));
        assert_eq!(Money::sum([myr(1), baht], Currency::MYR), Err(error));
        assert_eq!(Money::sum([], Currency::MYR), Ok(Money::zero(Currency::MYR)));
        assert_eq!(myr(2).checked_cmp(myr(1)), Ok(Ordering::Greater));
    }

    #[test]
    fn a_conversion_keeps_each_currency_s_digits() {
        let convert = |minor, from: &str, rate: &str, to: &str| {
            let amount = Money::new(minor, of(from)).unwrap();
            amount.convert(decimal(rate), of(to), Rounding::HalfAwayFromZero).unwrap().minor()
        };
        assert_eq!(convert(10_000, "THB", "0.1302", "MYR"), 1_302);
        assert_eq!(convert(100, "MYR", "35.105", "JPY"), 35);
        assert_eq!(convert(1, "JPY", "0.0285", "MYR"), 3);
        assert_eq!(convert(1, "JPY", "0.00205", "KWD"), 2);
        assert_eq!(convert(1_000, "KWD", "479.5", "JPY"), 480);
        assert_eq!(convert(-1_000, "KWD", "479.5", "JPY"), -480);
        assert_eq!(convert(10_000, "CLF", "38000.4", "JPY"), 38_000);
        assert_eq!(convert(1, "JPY", "0.00003", "CLF"), 0);
        assert_eq!(convert(1, "JPY", "0.00005", "CLF"), 1);
    }

    #[test]
    fn a_rate_is_more_than_nothing() {
        for rate in ["0", "-1"] {
            let rate = decimal(rate);
            let refused = myr(1).convert(rate, Currency::THB, Rounding::Down);
            assert_eq!(refused, Err(Error::RateNotPositive { rate }));
        }
    }

    #[test]
    fn a_part_is_rounded_once() {
        assert_eq!(myr(1005).times(decimal("0.1"), Rounding::HalfAwayFromZero), Ok(myr(101)));
        assert_eq!(myr(1005).times(decimal("0.1"), Rounding::HalfEven), Ok(myr(100)));
        assert_eq!(myr(-1005).times(decimal("0.1"), Rounding::HalfAwayFromZero), Ok(myr(-101)));
        assert_eq!(myr(1005).times(decimal("-0.1"), Rounding::Floor), Ok(myr(-101)));
        assert_eq!(myr(-1005).times(decimal("-0.1"), Rounding::Ceiling), Ok(myr(101)));
        // Shortened to 28 digits first, this would be a half and go up.
        let below = decimal("0.4999999999999999999999999999");
        assert_eq!(myr(1).times(below, Rounding::HalfAwayFromZero), Ok(myr(0)));
    }

    #[test]
    fn a_decimal_reads_back() {
        let amount = Money::from_decimal(decimal("-1.005"), Currency::MYR, Rounding::HalfAwayFromZero);
        assert_eq!(amount, Ok(myr(-101)));
        assert_eq!(myr(-101).to_decimal(), decimal("-1.01"));
        assert_eq!(
            Money::from_decimal(decimal("2.5"), Currency::JPY, Rounding::HalfEven).unwrap().minor(),
            2
        );
    }

    #[test]
    fn json_is_held_to_the_bound() {
        let json = "{\"minor_units\":1234,\"currency\":\"MYR\"}";
        assert_eq!(serde_json::to_string(&myr(1234)).unwrap(), json);
        assert_eq!(serde_json::from_str::<Money>(json).unwrap(), myr(1234));
        let beyond = format!("{{\"minor_units\":{},\"currency\":\"MYR\"}}", MINOR_MAX + 1);
        assert!(serde_json::from_str::<Money>(&beyond).is_err());
    }
}
