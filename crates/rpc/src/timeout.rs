//! The `grpc-timeout` header: at most eight digits and a unit, H M S m u n.
//! Source: <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>.

use std::time::Duration;

/// The header's name.
pub(crate) const HEADER: &str = "grpc-timeout";
const DIGITS_MAX: usize = 8;
/// The greatest number that the header holds.
const NUMBER_MAX: u128 = 99_999_999;

/// The duration that the header names; `None` when it is malformed.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let digits = text.strip_suffix(unit)?;
    if digits.is_empty() || digits.len() > DIGITS_MAX || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    match unit {
        'H' => Some(Duration::from_secs(number * 3600)),
        'M' => Some(Duration::from_secs(number * 60)),
        'S' => Some(Duration::from_secs(number)),
        'm' => Some(Duration::from_millis(number)),
        'u' => Some(Duration::from_micros(number)),
        'n' => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

/// The header for a duration, in milliseconds (whole seconds when that is too many), never more than it, and at most
/// the three years that the header holds in seconds.
pub(crate) fn format(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    if milliseconds <= NUMBER_MAX {
        return format!("{milliseconds}m");
    }
    let seconds = u128::from(duration.as_secs()).min(NUMBER_MAX);
    format!("{seconds}S")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_each_unit_and_refuses_the_rest() {
        assert_eq!(parse("5S"), Some(Duration::from_secs(5)));
        assert_eq!(parse("250m"), Some(Duration::from_millis(250)));
        assert_eq!(parse("2M"), Some(Duration::from_secs(120)));
        assert_eq!(parse("99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
        for wrong in ["", "S", "5", "5x", "123456789S", "-5S", "+5S", "5é"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back_without_growing(milliseconds in 0u64..99_999_999_000) {
            let duration = Duration::from_millis(milliseconds);
            let read = parse(&format(duration)).unwrap();
            proptest::prop_assert!(read <= duration);
            proptest::prop_assert!(duration - read < Duration::from_secs(1));
        }
    }
}
