//! Days as requests and files write them.

use chrono::{Datelike as _, NaiveDate};

/// The years that a day of trade can have.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2999;

/// How certificates and permits say that they do not end.
const NO_END: &str = "9999-12-31";

/// Why a text is not a day; to follow the field's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Written another way, or a day that no month has.
    #[error("must be a day such as 2026-11-26")]
    NoDay,
    /// A day of other centuries.
    #[error("must be a day in the years {} to {}, or {NO_END} for no end", YEARS.start(), YEARS.end())]
    Year,
}

/// A day, written YYYY-MM-DD and no other way, of the years 1900 to 2999; or 9999-12-31, which stands for no end and
/// is a day as others are, after all of them.
pub fn day(text: &str) -> Result<NaiveDate, Error> {
    let is_right = |(place, byte): (usize, u8)| match place {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    if text.len() != 10 || !text.bytes().enumerate().all(is_right) {
        return Err(Error::NoDay);
    }
    let day: NaiveDate = text.parse().map_err(|_| Error::NoDay)?;
    if YEARS.contains(&day.year()) || text == NO_END { Ok(day) } else { Err(Error::Year) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_one_way_to_be_written() {
        for text in ["2026-11-26", "1900-01-01", "2999-12-31", "2024-02-29", "9999-12-31"] {
            assert_eq!(day(text).unwrap().to_string(), text);
        }
        for wrong in [
            "",
            "2027-1-5",
            "2027-1-05",
            "2027-01-5 ",
            "27-01-0005",
            "+262026-01-01",
            "+02026-1-1",
            "-2026-1-01",
            "2026-02-29",
            "2026-13-01",
            "2026/11/26",
            "2026-11-26T",
            " 2026-11-26",
            "26-11-2026",
            "２０２６-11-26",
            "2026‐11‐26",
            "tomorrow",
        ] {
            assert_eq!(day(wrong), Err(Error::NoDay), "{wrong:?}");
        }
        for wrong in ["0000-01-01", "1899-12-31", "3000-01-01", "9999-12-30"] {
            assert_eq!(day(wrong), Err(Error::Year), "{wrong:?}");
        }
        assert_eq!(Error::NoDay.to_string(), "must be a day such as 2026-11-26");
        assert_eq!(
            Error::Year.to_string(),
            "must be a day in the years 1900 to 2999, or 9999-12-31 for no end"
        );
    }
}
