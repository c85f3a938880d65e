//! The rules behind an amount.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// A rule that shaped an amount, for those who ask why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedRule {
    /// The rule's version: its name and first day.
    pub rule_id: String,
    /// What a buyer reads.
    pub title: String,
    /// The law, announcement or reading.
    pub source: String,
    /// First day, in the importing country's zone.
    #[serde(with = "day_or_empty")]
    pub valid_from: Option<NaiveDate>,
    /// Last day; none: open.
    #[serde(with = "day_or_empty")]
    pub valid_to: Option<NaiveDate>,
    /// Nobody has confirmed it yet.
    pub assumed: bool,
    /// What it did here, in a sentence.
    pub explanation: String,
}

/// Days as quotes and orders have always kept them: a missing one is an empty text.
mod day_or_empty {
    use chrono::NaiveDate;
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(
        day: &Option<NaiveDate>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match day {
            Some(day) => serializer.collect_str(day),
            None => serializer.serialize_str(""),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<NaiveDate>, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "" => Ok(None),
            day => day.parse().map(Some).map_err(de::Error::custom),
        }
    }
}
