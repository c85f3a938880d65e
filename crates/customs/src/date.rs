//! The date of a rule is the date in the importing country, not in UTC and not at the seller's.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

/// The calendar date that it is in `zone` at `instant`: the date by which rules apply.
///
/// A quote at 17:00 UTC on 31 December is already one of 1 January in Bangkok.
#[must_use]
pub fn local_date(instant: DateTime<Utc>, zone: Tz) -> NaiveDate {
    instant.with_timezone(&zone).date_naive()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_changes_with_the_importing_zone() {
        let before: DateTime<Utc> = "2025-12-31T16:59:59Z".parse().unwrap();
        let after: DateTime<Utc> = "2025-12-31T17:00:00Z".parse().unwrap();
        let day = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).unwrap();
        assert_eq!(local_date(before, Tz::Asia__Bangkok), day(2025, 12, 31));
        assert_eq!(local_date(after, Tz::Asia__Bangkok), day(2026, 1, 1));
        // Kuala Lumpur is an hour ahead of Bangkok.
        assert_eq!(local_date(before, Tz::Asia__Kuala_Lumpur), day(2026, 1, 1));
    }
}
