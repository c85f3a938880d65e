//! An amount of a currency, in minor units.

use std::cmp::Ordering;
use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::error::shown;
use crate::{Currency, Error, Rounding};

/// The most minor units of an amount, either way: ten trillion ringgit. A thousand times less than
/// what a database's 64 bits hold, as SQLite turns a larger sum into a float without a word.
pub const MINOR_MAX: i64 = 1_000_000_000_000_000;

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

    /// What is left of this amount after another of its currency.
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
