//! Item numbers of the post after the UPU's standard S10: two letters of service, eight digits of
//! serial, a check digit, the country of posting. A hub owns a range of serials of an indicator, so
//! that two hubs that ship from one country never make the same number.

use std::{fmt, str::FromStr};

use kernel::{Country, excerpt};

const WEIGHTS: [u32; 8] = [8, 6, 4, 2, 3, 5, 9, 7];
/// The serial has eight digits.
pub const MAX_SERIAL: u32 = 99_999_999;
const LENGTH: usize = 13;

/// Why a text is no item number, or a part does not fit into one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The indicator is not two upper-case letters.
    #[error("the service indicator `{0}` is not two letters A to Z")]
    Indicator(String),
    /// The serial has more than eight digits.
    #[error("the serial number {0} has more than eight digits")]
    Serial(u32),
    /// Not of the form LLDDDDDDDDDLL.
    #[error("`{0}` is not two letters, nine digits and a country")]
    Format(String),
    /// The ninth digit is not the one that the serial gives.
    #[error("`{number}` has check digit {found}, but its serial number requires {expected}")]
    CheckDigit {
        /// The number as it was read.
        number: String,
        /// The digit that the serial gives.
        expected: u32,
        /// The digit that was read.
        found: u32,
    },
    /// No such country.
    #[error("`{0}` is not a country's two letters")]
    Country(String),
}

/// An S10 item number, such as `RR473124829MY`. Always valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct S10 {
    indicator: [char; 2],
    serial: u32,
    country: Country,
}

impl S10 {
    /// The number of `serial` (at most eight digits) of a service, posted in `country`.
    ///
    /// # Errors
    /// [`Error::Indicator`] unless it is two letters A to Z, [`Error::Serial`] above eight digits.
    pub fn new(indicator: &str, serial: u32, country: Country) -> Result<Self, Error> {
        let mut letters = indicator.chars();
        let (Some(first), Some(second), None) = (letters.next(), letters.next(), letters.next()) else {
            return Err(Error::Indicator(excerpt(indicator).to_string()));
        };
        if !first.is_ascii_uppercase() || !second.is_ascii_uppercase() {
            return Err(Error::Indicator(excerpt(indicator).to_string()));
        }
        if serial > MAX_SERIAL {
            return Err(Error::Serial(serial));
        }
        Ok(Self { indicator: [first, second], serial, country })
    }

    /// The two letters of the service.
    #[must_use]
    pub fn indicator(&self) -> String {
        self.indicator.iter().collect()
    }

    /// The serial number, without its check digit.
    #[must_use]
    pub fn serial(&self) -> u32 {
        self.serial
    }

    /// Where the item was posted.
    #[must_use]
    pub fn country(&self) -> Country {
        self.country
    }

    /// 11 - (weighted sum mod 11), where 10 gives 0 and 11 gives 5.
    #[must_use]
    pub fn check_digit(&self) -> u32 {
        let mut rest = self.serial;
        let mut sum = 0;
        for weight in WEIGHTS.iter().rev() {
            sum += (rest % 10) * weight;
            rest /= 10;
        }
        match 11 - sum % 11 {
            10 => 0,
            11 => 5,
            digit => digit,
        }
    }
}

impl fmt::Display for S10 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.indicator;
        write!(f, "{first}{second}{:08}{}{}", self.serial, self.check_digit(), self.country)
    }
}

impl FromStr for S10 {
    type Err = Error;

    /// Reads and verifies a number; spaces between its groups are dropped.
    fn from_str(text: &str) -> Result<Self, Error> {
        let format = || Error::Format(excerpt(text).to_string());
        let number: String = text.chars().filter(|c| *c != ' ').collect();
        if number.len() != LENGTH || !number.is_ascii() {
            return Err(format());
        }
        let digits = &number[2..11];
        if !digits.chars().all(|c| c.is_ascii_digit()) {
            return Err(format());
        }
        let serial: u32 = digits[..8].parse().map_err(|_| format())?;
        let found: u32 = digits[8..].parse().map_err(|_| format())?;
        let country = number[11..].parse().map_err(|_| Error::Country(number[11..].to_owned()))?;
        let item = Self::new(&number[..2], serial, country)?;
        let expected = item.check_digit();
        if found != expected {
            return Err(Error::CheckDigit { number, expected, found });
        }
        Ok(item)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(indicator: &str, serial: u32, country: &str) -> String {
        S10::new(indicator, serial, country.parse().unwrap()).unwrap().to_string()
    }

    /// Vectors s10-rr, s10-zero, s10-ten, s10-eleven.
    #[test]
    fn known_numbers() {
        assert_eq!(number("RR", 47_312_482, "MY"), "RR473124829MY");
        assert_eq!(number("EE", 0, "TH"), "EE000000005TH");
        assert_eq!(number("EE", 8, "TH"), "EE000000080TH");
        assert_eq!(number("LX", 12_345_678, "MY"), "LX123456785MY");
    }

    #[test]
    fn a_number_is_read_back_or_refused() {
        let item: S10 = "RR 4731 2482 9 MY".parse().unwrap();
        assert_eq!((item.indicator().as_str(), item.serial()), ("RR", 47_312_482));
        assert!(matches!(
            "RR473124828MY".parse::<S10>(),
            Err(Error::CheckDigit { expected: 9, found: 8, .. })
        ));
        for bad in ["RR47312482MY", "RR4731248290MY", "R1473124829MY", "rr473124829MY", "RR47312A829MY", ""] {
            assert!(bad.parse::<S10>().is_err(), "{bad}");
        }
        assert!("RR473124829M1".parse::<S10>().is_err());
    }

    #[test]
    fn parts_are_bounded() {
        let my = "MY".parse().unwrap();
        assert_eq!(S10::new("RR", 100_000_000, my), Err(Error::Serial(100_000_000)));
        assert_eq!(S10::new("R", 1, my), Err(Error::Indicator("R".into())));
        assert_eq!(S10::new("RRR", 1, my), Err(Error::Indicator("RRR".into())));
        assert_eq!(S10::new("É1", 1, my), Err(Error::Indicator("É1".into())));
    }

    proptest! {
        #[test]
        fn each_number_reads_back(serial in 0..=MAX_SERIAL) {
            let item = S10::new("CP", serial, "TH".parse().unwrap()).unwrap();
            prop_assert_eq!(item.to_string().parse::<S10>().unwrap(), item);
        }

        #[test]
        fn a_wrong_check_digit_is_refused(serial in 0..=MAX_SERIAL, wrong in 1_u32..10) {
            let item = S10::new("CP", serial, "TH".parse().unwrap()).unwrap();
            let digit = (item.check_digit() + wrong) % 10;
            let text = format!("CP{serial:08}{digit}TH");
            let refused = matches!(text.parse::<S10>(), Err(Error::CheckDigit { .. }));
            prop_assert!(refused);
        }
    }
}
