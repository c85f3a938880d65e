//! Days as requests and files write them.

use chrono::{Datelike as _, NaiveDate};

/// The years that a day of trade can have.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2999;

/// Not a day, or none of these centuries; to stand behind the field's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a day such as 2026-11-26")]
pub struct Error;

/// A day, written YYYY-MM-DD and no other way, of the years 1900 to 2999.
pub fn day(text: &str) -> Result<NaiveDate, Error> {
    let is_right = |(place, byte): (usize, u8)| match place {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    if text.len() != 10 || !text.bytes().enumerate().all(is_right) {
        return Err(Error);
    }
    text.parse().ok().filter(|day: &NaiveDate| YEARS.contains(&day.year())).ok_or(Error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_one_way_to_be_written() {
        for text in ["2026-11-26", "1900-01-01", "2999-12-31", "2024-02-29"] {
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
            "0000-01-01",
            "1899-12-31",
            "3000-01-01",
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
            assert_eq!(day(wrong), Err(Error), "{wrong:?}");
        }
        assert_eq!(Error.to_string(), "must be a day such as 2026-11-26");
    }
}
