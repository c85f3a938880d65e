//! What can be wrong with an amount or a currency.

use crate::Currency;

/// The most minor units of an amount, either way: ten trillion ringgit. A thousand times less than
/// what a database's 64 bits hold, as SQLite turns a larger sum into a float without a word.
pub const MINOR_MAX: i64 = 1_000_000_000_000_000;

/// How much of a wrong text an error repeats, in characters.
pub(crate) const SHOWN_CHARACTERS_MAX: usize = 40;

/// Why an amount or a currency is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A code that ISO 4217 does not list, or lists without minor units.
    #[error("`{found}` is not an ISO 4217 currency: expected three capital letters, such as `MYR`")]
    UnknownCurrency {
        /// What was found, cut off.
        found: String,
    },
    /// Two currencies where one is wanted.
    #[error("{left} and {right} are different currencies; convert one first")]
    CurrencyMismatch {
        /// The currency that was there.
        left: Currency,
        /// The currency that came.
        right: Currency,
    },
    /// Beyond [`MINOR_MAX`].
    #[error("the amount is beyond {MINOR_MAX} minor units")]
    Overflow,
    /// Not a plain decimal number.
    #[error("`{found}` is not an amount: expected digits with a point, such as `12.34` or `-3`")]
    NotAnAmount {
        /// What was found, cut off.
        found: String,
    },
    /// More digits after the point than the currency has.
    #[error("`{found}` has {digits} digits after the point; {currency} has at most {}", .currency.minor_digits())]
    TooPrecise {
        /// What was found, cut off.
        found: String,
        /// How many digits follow the point.
        digits: usize,
        /// The currency.
        currency: Currency,
    },
    /// A rate of zero or less.
    #[error("{rate} is not an exchange rate: it must be more than 0")]
    RateNotPositive {
        /// The rate.
        rate: rust_decimal::Decimal,
    },
    /// Nothing to spread an amount over.
    #[error("there is nothing to allocate the amount to")]
    NoShares,
    /// A share that weighs less than nothing.
    #[error("weight {weight} of share {index} must be 0 or more")]
    NegativeWeight {
        /// Which share, from 0.
        index: usize,
        /// Its weight.
        weight: rust_decimal::Decimal,
    },
}

pub(crate) fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARACTERS_MAX).collect()
}
