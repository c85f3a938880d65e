//! Codes of the Harmonized System: two digits of chapter, two of heading, two of subheading, then
//! up to four national digits.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The chapter that the Harmonized System keeps free for future use.
const RESERVED_CHAPTER: &str = "77";
const LAST_CHAPTER: &str = "97";
const MIN_DIGITS: usize = 6;
const MAX_DIGITS: usize = 10;

/// Why a text is no HS code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Something else than digits (dots and spaces between them are dropped).
    #[error("HS code `{0}` has something else than digits in it")]
    NotDigits(String),
    /// Fewer than 6 or more than 10 digits.
    #[error("HS code `{0}` needs {MIN_DIGITS} to {MAX_DIGITS} digits")]
    Length(String),
    /// A chapter outside of 01 to 97, or the reserved 77.
    #[error("HS code `{0}` is in no chapter of the Harmonized System (01 to 97 without 77)")]
    Chapter(String),
}

/// A commodity code of 6 to 10 digits in a chapter of the Harmonized System.
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

impl FromStr for HsCode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let digits = digits(text)?;
        if !(MIN_DIGITS..=MAX_DIGITS).contains(&digits.len()) {
            return Err(Error::Length(text.to_owned()));
        }
        check_chapter(&digits, text)?;
        Ok(Self(digits))
    }
}

/// The beginning of HS codes: a chapter (2 digits), heading (4), subheading (6) or a national line
/// (up to 10). What rules and tariffs are keyed by.
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
        // Odd lengths would cut a chapter, heading or subheading in two.
        if digits.len() < 2 || digits.len() > MAX_DIGITS || !digits.len().is_multiple_of(2) {
            return Err(Error::Length(text.to_owned()));
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
        Err(Error::NotDigits(text.to_owned()))
    }
}

fn check_chapter(digits: &str, text: &str) -> Result<(), Error> {
    let chapter = &digits[..2];
    if chapter == "00" || chapter > LAST_CHAPTER || chapter == RESERVED_CHAPTER {
        return Err(Error::Chapter(text.to_owned()));
    }
    Ok(())
}

macro_rules! text_form {
    ($name:ident) => {
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
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

text_form!(HsCode);
text_form!(HsPrefix);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_to_ten_digits_in_a_real_chapter() {
        for good in ["010121", "6109.10.00", "9706 10", "4202210000"] {
            assert!(good.parse::<HsCode>().is_ok(), "{good}");
        }
        assert_eq!("6109.10".parse::<HsCode>().unwrap().as_str(), "610910");
        assert_eq!("61091".parse::<HsCode>(), Err(Error::Length("61091".into())));
        assert_eq!("61091000000".parse::<HsCode>(), Err(Error::Length("61091000000".into())));
        assert_eq!("6109AB".parse::<HsCode>(), Err(Error::NotDigits("6109AB".into())));
        for chapter in ["001234", "981234", "991234", "771234"] {
            assert_eq!(chapter.parse::<HsCode>(), Err(Error::Chapter(chapter.into())));
        }
    }

    #[test]
    fn a_prefix_has_an_even_length() {
        assert!("61".parse::<HsPrefix>().is_ok());
        assert!("6109".parse::<HsPrefix>().is_ok());
        assert_eq!("610".parse::<HsPrefix>(), Err(Error::Length("610".into())));
        assert_eq!("".parse::<HsPrefix>(), Err(Error::Length(String::new())));
        let shirt: HsCode = "610910".parse().unwrap();
        assert!(shirt.is_under(&"61".parse().unwrap()));
        assert!(!shirt.is_under(&"6110".parse().unwrap()));
    }
}
