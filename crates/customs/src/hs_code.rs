//! Codes of the Harmonized System: two digits of chapter, two of heading, two of subheading, then
//! up to six national digits. The first six are the same in all countries and stand in the edition of
//! 2022, which comes with the program.

use std::{fmt, str::FromStr, sync::LazyLock};

use kernel::excerpt;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The chapter that the Harmonized System keeps free for future use.
const RESERVED_CHAPTER: &str = "77";
const LAST_CHAPTER: &str = "97";
const MIN_DIGITS: usize = 6;
/// Thailand's lines have 11, Indonesia's and China's up to 10, those of some customs unions 12.
const MAX_DIGITS: usize = 12;
/// How many codes are named where one is wanted that is not there.
const NEAR_MAX: usize = 4;

/// A heading a line, then the last two digits of its subheadings.
const EDITION: &str = include_str!("../data/hs2022.txt");

/// All six-digit codes of the edition, sorted.
static SUBHEADINGS: LazyLock<Vec<u32>> = LazyLock::new(|| {
    let lines = EDITION.lines().filter(|line| !line.starts_with('#'));
    let codes = lines.flat_map(|line| {
        let (heading, ends) = line.split_once(' ').unwrap_or((line, ""));
        ends.split(' ').filter_map(move |end| format!("{heading}{end}").parse().ok())
    });
    let mut codes: Vec<u32> = codes.collect();
    codes.sort_unstable();
    codes
});

/// Why a text is no HS code. What was found is cut off.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Something else than digits (dots and spaces between them are dropped).
    #[error("HS code `{0}` contains something other than digits")]
    NotDigits(String),
    /// Too few or too many digits.
    #[error("HS code `{found}` needs {allowed} digits")]
    Length {
        /// The text.
        found: String,
        /// How many digits there may be.
        allowed: &'static str,
    },
    /// What a number may have become of: as many digits as no country's codes have, fewer than there were, or a fraction.
    #[error(
        "HS code `{found}`: was a leading zero lost, or a fraction added? Write it with dots to settle this: {readings}"
    )]
    Spreadsheet {
        /// The text.
        found: String,
        /// What it may have been.
        readings: String,
    },
    /// A chapter outside of 01 to 97, or the reserved 77.
    #[error("HS code `{0}` is in no chapter of the Harmonized System (01 to 97 except 77)")]
    Chapter(String),
    /// Its first six digits stand for nothing.
    #[error("HS code `{found}`: the Harmonized System of 2022 has no {subheading}; similar codes are {near}")]
    Unknown {
        /// The text.
        found: String,
        /// The six digits.
        subheading: String,
        /// Codes that there are.
        near: String,
    },
}

/// A commodity code of 6 to 12 digits, whose first six are a subheading of the Harmonized System.
///
/// `6109.10` and `6109 10 00` are read as `610910` and `61091000`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HsCode(String);

impl HsCode {
    /// The digits, without dots.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first two digits.
    #[must_use]
    pub fn chapter(&self) -> &str {
        &self.0[..2]
    }

    /// Whether the code lies under `prefix` (2, 4, 6 or more digits).
    #[must_use]
    pub fn is_under(&self, prefix: &HsPrefix) -> bool {
        self.0.starts_with(prefix.as_str())
    }
}

impl HsCode {
    /// A code that was taken before the program knew the edition: of any digits within a chapter.
    ///
    /// # Errors
    /// [`Error`] unless it has 6 to 12 digits within a chapter.
    pub fn kept(text: &str) -> Result<Self, Error> {
        let digits = digits(text)?;
        if !(MIN_DIGITS..=MAX_DIGITS).contains(&digits.len()) {
            return Err(Error::Length { found: excerpt(text).to_string(), allowed: "6 to 12" });
        }
        check_chapter(&digits, text)?;
        Ok(Self(digits))
    }
}

impl FromStr for HsCode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        check_whole(text)?;
        let code = Self::kept(text)?;
        let subheading = &code.0[..MIN_DIGITS];
        if is_subheading(subheading) {
            return Ok(code);
        }
        Err(Error::Unknown {
            found: excerpt(text).to_string(),
            subheading: subheading.to_owned(),
            near: near(subheading),
        })
    }
}

/// Six digits that the edition has.
fn is_subheading(digits: &str) -> bool {
    digits.parse().is_ok_and(|wanted: u32| SUBHEADINGS.binary_search(&wanted).is_ok())
}

/// A spreadsheet takes a code for a number: the zero in front is gone, or there is a fraction.
fn check_whole(text: &str) -> Result<(), Error> {
    let digits = digits(text)?;
    let had_zero = || digits.get(..MIN_DIGITS - 1).is_some_and(|rest| is_subheading(&format!("0{rest}")));
    let lost_zero = matches!(digits.len(), 5 | 9) && !is_parted(text) && had_zero();
    let number = number(text);
    if number.is_none() && digits.len() != 7 && !lost_zero {
        return Ok(());
    }
    let readings = readings(number.unwrap_or(&digits), &digits);
    Err(Error::Spreadsheet { found: excerpt(text).to_string(), readings })
}

/// Whether a dot or a space stands where codes are parted: no zero is missing before it.
fn is_parted(text: &str) -> bool {
    text.trim().find(['.', ' ']).is_some_and(|place| matches!(place, 2 | 4 | 6 | 8))
}

/// The digits before a fraction of zeros. `6911.10` and `6911.1000` have none: no number has lost digits there.
fn number(text: &str) -> Option<&str> {
    let (number, zeros) = text.trim().split_once('.')?;
    let is_number = number.len() >= MIN_DIGITS - 1 && number.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0')).then_some(number)
}

/// The codes that may have become this number, or these digits, as they are written with dots.
fn readings(number: &str, digits: &str) -> String {
    let is_code =
        |code: &&str| matches!(code.len(), MIN_DIGITS | 8..=MAX_DIGITS) && is_subheading(&code[..MIN_DIGITS]);
    let whole = format!("0{number}");
    let mut codes = vec![whole.as_str(), number, digits];
    codes.dedup();
    let dotted = |code: &str| {
        let dot = |place: usize| if place >= 4 && place.is_multiple_of(2) { "." } else { "" };
        code.chars().enumerate().map(|(place, digit)| format!("{}{digit}", dot(place))).collect::<String>()
    };
    let codes: Vec<String> = codes.into_iter().filter(is_code).map(dotted).collect();
    if codes.is_empty() { "all its digits, such as 0901.11.00".to_owned() } else { codes.join(", or ") }
}

/// Codes of the same heading, or else of the same chapter, that are next to one that is not there.
fn near(subheading: &str) -> String {
    let wanted: u32 = subheading.parse().unwrap_or_default();
    let within = |of: u32| -> Vec<u32> {
        SUBHEADINGS.iter().copied().filter(|known| known / of == wanted / of).collect()
    };
    let mut found = within(100);
    if found.is_empty() {
        found = within(10_000);
    }
    found.sort_by_key(|known| (known.abs_diff(wanted), *known));
    found.truncate(NEAR_MAX);
    found.sort_unstable();
    found.iter().map(|code| format!("{code:06}")).collect::<Vec<_>>().join(", ")
}

/// The beginning of HS codes: a chapter (2 digits), heading (4), subheading (6) or a national line
/// (up to 12). What rules and tariffs are keyed by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HsPrefix(String);

impl HsPrefix {
    /// The digits, without dots.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HsPrefix {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let digits = digits(text)?;
        // Others would cut a chapter, heading or subheading in two.
        if !matches!(digits.len(), 2 | 4 | MIN_DIGITS..=MAX_DIGITS) {
            return Err(Error::Length { found: excerpt(text).to_string(), allowed: "2, 4 or 6 to 12" });
        }
        check_chapter(&digits, text)?;
        Ok(Self(digits))
    }
}

fn digits(text: &str) -> Result<String, Error> {
    let digits: String = text.trim().chars().filter(|c| !matches!(c, '.' | ' ')).collect();
    if digits.chars().all(|c| c.is_ascii_digit()) {
        Ok(digits)
    } else {
        Err(Error::NotDigits(excerpt(text).to_string()))
    }
}

fn check_chapter(digits: &str, text: &str) -> Result<(), Error> {
    let chapter = &digits[..2];
    if chapter == "00" || chapter > LAST_CHAPTER || chapter == RESERVED_CHAPTER {
        return Err(Error::Chapter(excerpt(text).to_string()));
    }
    Ok(())
}

macro_rules! text_form {
    ($name:ident, $read:expr) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $read(&String::deserialize(deserializer)?).map_err(de::Error::custom)
            }
        }
    };
}

// What was written down may be of an earlier edition: only who lists goods is held to this one.
text_form!(HsCode, HsCode::kept);
text_form!(HsPrefix, HsPrefix::from_str);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_to_twelve_digits_of_a_subheading_that_there_is() {
        let thai = ["61091010000", "6109.10.10.000", "6109 10 10 000"];
        for good in ["010121", "6109.10.00", "9706 10", "4202210000", "970690123456", "1006.30.90"]
            .iter()
            .chain(&thai)
        {
            assert!(good.parse::<HsCode>().is_ok(), "{good}");
        }
        assert_eq!("6109.10".parse::<HsCode>().unwrap().as_str(), "610910");
        let length = |found: &str| Err(Error::Length { found: found.into(), allowed: "6 to 12" });
        assert_eq!("61091".parse::<HsCode>(), length("61091"));
        assert_eq!("6109100000000".parse::<HsCode>(), length("6109100000000"));
        assert_eq!("6109AB".parse::<HsCode>(), Err(Error::NotDigits("6109AB".into())));
        for chapter in ["001234", "981234", "991234", "999999", "771234"] {
            assert_eq!(chapter.parse::<HsCode>(), Err(Error::Chapter(chapter.into())));
        }
    }

    #[test]
    fn a_code_that_there_is_not_is_refused_and_near_ones_named() {
        let told = |text: &str| text.parse::<HsCode>().unwrap_err().to_string();
        assert_eq!(
            told("6109.55.00"),
            "HS code `6109.55.00`: the Harmonized System of 2022 has no 610955; similar codes are 610910, 610990"
        );
        // No heading of that number: the nearest of its chapter.
        assert!(
            told("019999").ends_with("similar codes are 010639, 010641, 010649, 010690"),
            "{}",
            told("019999")
        );
        assert!(told("010100").contains("010121"));
        assert_eq!(HsCode::kept("610955").unwrap().as_str(), "610955");
        assert!(told(&"6".repeat(500_000)).len() < 200);
    }

    #[test]
    fn a_code_that_was_taken_for_a_number_is_refused() {
        for (wrong, readings) in [
            ("9011100", "0901.11.00"),
            ("901110000", "0901.11.00.00, or 9011.10.00.0"),
            ("901.11.0000", "0901.11.00.00, or 9011.10.00.0"),
            ("90111", "0901.11"),
            ("90111.0", "0901.11, or 9011.10"),
            ("9011100.0", "0901.11.00, or 9011.10.00"),
            ("460219.0", "4602.19"),
            ("691110.00", "6911.10, or 6911.10.00"),
            (" 691110.0000 ", "6911.10, or 6911.10.00.00"),
            ("61091000.0", "6109.10.00, or 6109.10.00.0"),
            ("4602.19.0", "all its digits, such as 0901.11.00"),
            ("6109100", "all its digits, such as 0901.11.00"),
        ] {
            let error = wrong.parse::<HsCode>().unwrap_err().to_string();
            assert!(error.contains("was a leading zero lost") && error.ends_with(readings), "{error}");
            assert!(matches!(HsCode::kept(wrong), Ok(_) | Err(Error::Length { .. })), "{wrong}");
            for reading in readings.split([' ', ',']).filter(|reading| reading.contains('.')) {
                assert!(reading.parse::<HsCode>().is_ok(), "{reading}");
            }
        }
        assert!(format!("{}.0", "6".repeat(500_000)).parse::<HsCode>().unwrap_err().to_string().len() < 200);
        // Coffee and T-shirts of the countries round about; nine digits that can be nothing else; zeros that are digits.
        for good in ["090111", "09011100", "0901110000", "09011120000", "610910001", "0901.11.20.000"] {
            assert!(good.parse::<HsCode>().is_ok(), "{good}");
        }
        for good in ["6911.10", "6911.1000", "6911.10.00", "6911 10.00", "691110.01", "0901.11.20.0"] {
            assert!(good.parse::<HsCode>().is_ok(), "{good}");
        }
    }

    #[test]
    fn dots_settle_that_no_zero_is_missing() {
        let ambiguous = |code: &&u32| is_subheading(&format!("0{}", *code / 10));
        let codes: Vec<String> =
            SUBHEADINGS.iter().filter(ambiguous).map(|code| format!("{code:06}000")).collect();
        assert_eq!(codes.len(), 21);
        for code in codes {
            assert!(matches!(code.parse::<HsCode>(), Err(Error::Spreadsheet { .. })), "{code}");
            let (heading, rest) = code.split_at(4);
            for parted in [format!("{heading}.{rest}"), format!("{heading} {} {}", &rest[..2], &rest[2..])] {
                assert_eq!(parted.parse::<HsCode>().unwrap().as_str(), code, "{parted}");
            }
        }
    }

    #[test]
    fn the_edition_is_whole() {
        assert_eq!(SUBHEADINGS.len(), 5_612);
        assert!(SUBHEADINGS.windows(2).all(|pair| pair[0] < pair[1]));
        for code in SUBHEADINGS.iter() {
            let text = format!("{code:06}");
            assert_eq!(text.parse::<HsCode>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn a_prefix_cuts_no_subheading() {
        for fine in ["61", "6109", "610910", "6109101", "61091010", "61091010000"] {
            assert!(fine.parse::<HsPrefix>().is_ok(), "{fine}");
        }
        for wrong in ["", "6", "610", "61091", "6109101000000"] {
            assert!(matches!(wrong.parse::<HsPrefix>(), Err(Error::Length { .. })), "{wrong}");
        }
        let shirt: HsCode = "610910".parse().unwrap();
        assert!(shirt.is_under(&"61".parse().unwrap()));
        assert!(!shirt.is_under(&"6110".parse().unwrap()));
    }
}
