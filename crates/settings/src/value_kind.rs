//! What a setting may hold.

use std::net::SocketAddr;
use std::time::Duration;

use toml::Value;

/// What a setting may hold, with its bounds.
#[derive(Debug, Clone, Copy)]
pub enum ValueKind {
    /// A whole number.
    Whole {
        /// The least that it may be.
        least: i64,
        /// The most; `i64::MAX` is no bound.
        most: i64,
        /// What is counted, such as `partitions`; may be empty.
        unit: &'static str,
    },
    /// A time such as `1s` or `24h`.
    Duration {
        /// The shortest.
        least: Duration,
        /// The longest.
        most: Duration,
    },
    /// `true` or `false`.
    Switch,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Text.
    Text {
        /// What it must be, such as `an address such as 127.0.0.1:50051`.
        must_be: &'static str,
        /// Whether it is.
        is: fn(&str) -> bool,
    },
    /// Several: with commas between where they are text, a list in the file.
    List(&'static ValueKind),
}

/// Where a listener is.
pub const ADDRESS: ValueKind = ValueKind::Text {
    must_be: "an address such as 127.0.0.1:50051 (port 0: a free one)",
    is: |text| text.parse::<SocketAddr>().is_ok(),
};

/// A file or folder.
pub const PATH: ValueKind = ValueKind::Text { must_be: "a path", is: |text| !text.is_empty() };

impl ValueKind {
    /// The value that a text stands for; `None` when it must not be so.
    pub fn read(&self, text: &str) -> Option<Value> {
        match self {
            Self::Whole { .. } => self.take(&Value::Integer(text.parse().ok()?)),
            Self::Switch => Some(Value::Boolean(text.parse().ok()?)),
            Self::List(one) => {
                let values = text.split(',').map(|text| one.read(text.trim()));
                values.collect::<Option<Vec<_>>>().map(Value::Array)
            }
            Self::Duration { .. } | Self::Choice(_) | Self::Text { .. } => {
                self.take(&Value::String(text.to_owned()))
            }
        }
    }

    /// The value that stands in a file; `None` when it must not be so.
    pub fn take(&self, value: &Value) -> Option<Value> {
        let is_fine = match (self, value) {
            (Self::Whole { least, most, .. }, Value::Integer(number)) => (least..=most).contains(&number),
            (Self::Duration { least, most }, Value::String(text)) => {
                humantime::parse_duration(text).is_ok_and(|time| (*least..=*most).contains(&time))
            }
            (Self::Switch, Value::Boolean(_)) => true,
            (Self::Choice(words), Value::String(text)) => words.contains(&text.as_str()),
            (Self::Text { is, .. }, Value::String(text)) => is(text),
            (Self::List(one), Value::Array(values)) if !values.is_empty() => {
                let values = values.iter().map(|value| one.take(value));
                return values.collect::<Option<Vec<_>>>().map(Value::Array);
            }
            (Self::List(_), Value::String(text)) => return self.read(text),
            _ => false,
        };
        is_fine.then(|| value.clone())
    }

    /// What is allowed, to follow "must be".
    pub fn allowed(&self) -> String {
        match self {
            Self::Whole { least, most: i64::MAX, unit } => format!("{least} or more{}", spaced(unit)),
            Self::Whole { least, most, unit } => format!("{least} to {most}{}", spaced(unit)),
            Self::Duration { least, most } => format!(
                "{} to {}, such as 90s or 24h",
                humantime::format_duration(*least),
                humantime::format_duration(*most)
            ),
            Self::Switch => "true or false".to_owned(),
            Self::Choice([words @ .., last]) if !words.is_empty() => {
                format!("{} or {last}", words.join(", "))
            }
            Self::Choice(words) => words.join(""),
            Self::Text { must_be, .. } => (*must_be).to_owned(),
            Self::List(one) => format!("{}; several with commas between", one.allowed()),
        }
    }
}

fn spaced(unit: &str) -> String {
    if unit.is_empty() { String::new() } else { format!(" {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIES: ValueKind = ValueKind::Whole { least: 1, most: 100, unit: "tries" };
    const DAY: ValueKind = ValueKind::Duration { least: Duration::ZERO, most: Duration::from_secs(86_400) };
    const SHAPE: ValueKind = ValueKind::Choice(&["embedded", "production"]);

    #[test]
    fn bounds_are_held_on_both_sides() {
        for (holds, good, bad) in [
            (TRIES, ["1", "100"], ["0", "101"]),
            (DAY, ["0s", "1day"], ["25h", "soon"]),
            (SHAPE, ["embedded", "production"], ["Embedded", ""]),
            (ValueKind::Switch, ["true", "false"], ["1", "yes"]),
            (ADDRESS, ["127.0.0.1:0", "[::1]:50051"], ["localhost", "127.0.0.1"]),
            (ValueKind::List(&TRIES), ["1", "1, 2"], ["1,", "1,200"]),
        ] {
            assert!(good.iter().all(|text| holds.read(text).is_some()), "{good:?}");
            assert!(bad.iter().all(|text| holds.read(text).is_none()), "{bad:?}");
        }
    }

    #[test]
    fn a_file_says_numbers_and_switches_as_such_and_lists_either_way() {
        assert_eq!(TRIES.take(&Value::String("7".to_owned())), None);
        assert_eq!(ValueKind::Switch.take(&Value::String("true".to_owned())), None);
        assert_eq!(SHAPE.take(&Value::Integer(1)), None);
        let two = Value::Array(vec![Value::Integer(1), Value::Integer(2)]);
        assert_eq!(ValueKind::List(&TRIES).take(&two), Some(two.clone()));
        assert_eq!(ValueKind::List(&TRIES).take(&Value::String("1,2".to_owned())), Some(two));
        assert_eq!(ValueKind::List(&TRIES).take(&Value::Array(Vec::new())), None);
    }

    #[test]
    fn what_is_allowed_is_told_with_its_unit() {
        assert_eq!(TRIES.allowed(), "1 to 100 tries");
        assert_eq!(ValueKind::Whole { least: 0, most: i64::MAX, unit: "" }.allowed(), "0 or more");
        assert_eq!(DAY.allowed(), "0s to 1day, such as 90s or 24h");
        assert_eq!(SHAPE.allowed(), "embedded or production");
    }
}
