//! The currencies of ISO 4217, complete, with their minor units.

mod parse;
mod table;

use std::fmt;

use serde::{Deserialize, Serialize};

use table::TABLE;

/// The most digits after the point that a currency has.
pub const MINOR_DIGITS_MAX: u8 = 4;

/// A currency that ISO 4217 lists with minor units. Ordered by code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub struct Currency(u8);

impl Currency {
    /// Chinese yuan.
    pub const CNY: Self = Self::known("CNY");
    /// Euro.
    pub const EUR: Self = Self::known("EUR");
    /// Pound sterling.
    pub const GBP: Self = Self::known("GBP");
    /// Indonesian rupiah.
    pub const IDR: Self = Self::known("IDR");
    /// Japanese yen.
    pub const JPY: Self = Self::known("JPY");
    /// Malaysian ringgit.
    pub const MYR: Self = Self::known("MYR");
    /// Singapore dollar.
    pub const SGD: Self = Self::known("SGD");
    /// Thai baht.
    pub const THB: Self = Self::known("THB");
    /// United States dollar.
    pub const USD: Self = Self::known("USD");

    /// For the constants above: a code that the table lacks does not compile.
    const fn known(code: &str) -> Self {
        let (mut index, mut place) = (0, 0);
        loop {
            let (listed, wanted) = (TABLE[place].0.as_bytes(), code.as_bytes());
            if listed[0] == wanted[0] && listed[1] == wanted[1] && listed[2] == wanted[2] {
                return Self(index);
            }
            index += 1;
            place += 1;
        }
    }

    /// The one of this code.
    fn of_code(text: &str) -> Option<Self> {
        let index = TABLE.binary_search_by(|(code, ..)| (*code).cmp(text)).ok()?;
        u8::try_from(index).ok().map(Self)
    }

    /// All, by code.
    pub fn all() -> impl Iterator<Item = Self> {
        (0_u8..).zip(TABLE).map(|(index, _)| Self(index))
    }

    /// The three letters.
    pub fn code(self) -> &'static str {
        TABLE[usize::from(self.0)].0
    }

    /// Digits after the point: 2 for MYR, 0 for JPY, 3 for KWD, 4 for CLF.
    pub fn minor_digits(self) -> u8 {
        TABLE[usize::from(self.0)].1
    }

    /// The code as a number, which payment QR codes carry: 458 for MYR.
    pub fn numeric(self) -> u16 {
        TABLE[usize::from(self.0)].2
    }
}

impl From<Currency> for &'static str {
    fn from(currency: Currency) -> Self {
        currency.code()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_within_bounds() {
        assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
        let numbers: std::collections::BTreeSet<_> = TABLE.iter().map(|(.., number)| number).collect();
        assert_eq!(numbers.len(), TABLE.len());
        for (code, digits, number) in TABLE {
            assert!(code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()), "{code}");
            assert!(*digits <= MINOR_DIGITS_MAX && (1..=999).contains(number), "{code}");
        }
    }

    #[test]
    fn minor_digits_are_those_of_the_standard() {
        for (code, digits, number) in
            [("MYR", 2, 458), ("THB", 2, 764), ("JPY", 0, 392), ("KWD", 3, 414), ("CLF", 4, 990)]
        {
            let currency: Currency = code.parse().unwrap();
            assert_eq!((currency.minor_digits(), currency.numeric()), (digits, number), "{code}");
        }
    }

    #[test]
    fn each_code_reads_back() {
        assert_eq!(Currency::all().count(), TABLE.len());
        for currency in Currency::all() {
            assert_eq!(currency.code().parse(), Ok(currency));
        }
        assert_eq!(Currency::MYR.to_string(), "MYR");
    }

    #[test]
    fn what_is_no_currency_is_refused() {
        for text in ["", "XYZ", "myr", "MY", "MYRR", "XAU", "XXX", " MYR"] {
            let error = text.parse::<Currency>().unwrap_err();
            assert!(error.to_string().contains(&format!("`{text}` is not an ISO 4217 currency")), "{error}");
        }
    }

    #[test]
    fn it_is_text_in_json() {
        assert_eq!(serde_json::to_string(&Currency::THB).unwrap(), "\"THB\"");
        assert_eq!(serde_json::from_str::<Currency>("\"SGD\"").unwrap(), Currency::SGD);
        assert!(serde_json::from_str::<Currency>("\"ABC\"").is_err());
    }
}
