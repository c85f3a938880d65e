//! Rates by HS code. A profile carries a short illustrative schedule; an operator imports the
//! official one. The longest prefix that has the wanted rate wins.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Deserialize;

use crate::{
    hs_code::{HsCode, HsPrefix},
    read,
};

/// The rates of everything under an HS prefix. A rate that an entry leaves out comes from the
/// next shorter prefix that has it, then from the schedule's default.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Chapter, heading, subheading or national line.
    pub hs: HsPrefix,
    /// The rates.
    #[serde(default, deserialize_with = "read::optional_rate")]
    pub duty_rate: Option<Decimal>,
    /// Rate of the sales tax or VAT, where that depends on the goods.
    #[serde(default, deserialize_with = "read::optional_rate")]
    pub tax_rate: Option<Decimal>,
    /// Rate of excise duty.
    #[serde(default, deserialize_with = "read::optional_rate")]
    pub excise_rate: Option<Decimal>,
    /// Duty under a preference, by the preference's code.
    #[serde(default)]
    pub preference_rates: BTreeMap<String, PreferenceRate>,
    /// The schedule that the rates were taken from. Needed unless `illustrative`.
    #[serde(default)]
    pub source: Option<String>,
    /// The rates show how the hub works; they are nobody's law.
    #[serde(default)]
    pub illustrative: bool,
}

/// A duty rate under a preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct PreferenceRate(#[serde(deserialize_with = "read::rate")] pub Decimal);

/// The rate for goods that no entry covers. Always illustrative: no law has such a rate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Default {
    /// Duty rate.
    #[serde(default, deserialize_with = "read::optional_rate")]
    pub duty_rate: Option<Decimal>,
    /// Rate of the sales tax or VAT.
    #[serde(default, deserialize_with = "read::optional_rate")]
    pub tax_rate: Option<Decimal>,
}

/// A schedule of rates by HS prefix.
#[derive(Debug, Clone, PartialEq, Eq, std::default::Default)]
pub struct Tariff {
    entries: BTreeMap<HsPrefix, Entry>,
    default: Option<Default>,
}

/// Which of an entry's rates is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// The most favoured nation's duty.
    Duty,
    /// Sales tax or VAT.
    Tax,
    /// Excise duty.
    Excise,
}

/// A rate found in the schedule, and how far to trust it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TariffMatch {
    /// The rate, as a fraction.
    pub rate: Decimal,
    /// The entry's prefix; none for the default.
    pub prefix: Option<HsPrefix>,
    /// The entry's source.
    pub source: Option<String>,
    /// Whether it is nobody's law.
    pub illustrative: bool,
}

/// Two entries for one prefix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("HS prefix {0} has two entries")]
pub struct Duplicate(pub HsPrefix);

impl Tariff {
    /// A schedule of entries, with what stands in for goods that none covers.
    ///
    /// # Errors
    /// [`Duplicate`] if two entries have one prefix.
    pub fn new(
        entries: impl IntoIterator<Item = Entry>,
        default: Option<Default>,
    ) -> Result<Self, Duplicate> {
        let mut by_prefix = BTreeMap::new();
        for entry in entries {
            let prefix = entry.hs.clone();
            if by_prefix.insert(prefix.clone(), entry).is_some() {
                return Err(Duplicate(prefix));
            }
        }
        Ok(Self { entries: by_prefix, default })
    }

    /// How many prefixes have an entry.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no prefix has an entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The rate of the longest prefix of `hs_code` that has one in `column`, else the default's.
    #[must_use]
    pub fn find(&self, hs_code: Option<&HsCode>, column: Column) -> Option<TariffMatch> {
        let of_entry = |entry: &Entry| match column {
            Column::Duty => entry.duty_rate,
            Column::Tax => entry.tax_rate,
            Column::Excise => entry.excise_rate,
        };
        if let Some(found) = self.longest(hs_code, of_entry) {
            return Some(found);
        }
        let default = self.default.as_ref()?;
        let rate = match column {
            Column::Duty => default.duty_rate,
            Column::Tax => default.tax_rate,
            Column::Excise => None,
        }?;
        Some(TariffMatch { rate, prefix: None, source: None, illustrative: true })
    }

    /// The duty rate of the longest prefix of `hs_code` that has one under the preference.
    #[must_use]
    pub fn find_preference(&self, hs_code: Option<&HsCode>, preference: &str) -> Option<TariffMatch> {
        self.longest(hs_code, |entry| entry.preference_rates.get(preference).map(|rate| rate.0))
    }

    fn longest(
        &self,
        hs_code: Option<&HsCode>,
        rate_of: impl Fn(&Entry) -> Option<Decimal>,
    ) -> Option<TariffMatch> {
        let code = hs_code?.as_str();
        // Of lengths that are no prefix's, there is no entry.
        (2..=code.len())
            .rev()
            .filter_map(|length| self.entries.get(&code[..length].parse::<HsPrefix>().ok()?))
            .find_map(|entry| {
                Some(TariffMatch {
                    rate: rate_of(entry)?,
                    prefix: Some(entry.hs.clone()),
                    source: entry.source.clone(),
                    illustrative: entry.illustrative,
                })
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(hs: &str, duty: Option<&str>, tax: Option<&str>) -> Entry {
        Entry {
            hs: hs.parse().unwrap(),
            duty_rate: duty.map(|rate| rate.parse().unwrap()),
            tax_rate: tax.map(|rate| rate.parse().unwrap()),
            excise_rate: None,
            preference_rates: BTreeMap::new(),
            source: None,
            illustrative: true,
        }
    }

    fn rate(tariff: &Tariff, hs: &str, column: Column) -> Option<String> {
        tariff.find(Some(&hs.parse().unwrap()), column).map(|found| found.rate.to_string())
    }

    #[test]
    fn the_longest_prefix_that_has_the_rate_wins() {
        let mut special = entry("61091000", Some("0.20"), None);
        special.preference_rates.insert("ATIGA".into(), PreferenceRate(Decimal::ZERO));
        let entries = [
            entry("61", Some("0.05"), Some("0.10")),
            entry("6109", Some("0.15"), None),
            entry("610910", None, Some("0.05")),
            special,
        ];
        let tariff = Tariff::new(entries, None).unwrap();
        assert_eq!(rate(&tariff, "610990", Column::Duty).as_deref(), Some("0.15"));
        assert_eq!(rate(&tariff, "610910", Column::Duty).as_deref(), Some("0.15"));
        assert_eq!(rate(&tariff, "610910", Column::Tax).as_deref(), Some("0.05"));
        assert_eq!(rate(&tariff, "6109100010", Column::Duty).as_deref(), Some("0.20"));
        assert_eq!(rate(&tariff, "611011", Column::Tax).as_deref(), Some("0.10"));
        assert_eq!(rate(&tariff, "621010", Column::Duty), None);
        let shirt = "61091000".parse().unwrap();
        assert_eq!(
            tariff.find_preference(Some(&shirt), "ATIGA").map(|found| found.rate),
            Some(Decimal::ZERO)
        );
        assert_eq!(tariff.find_preference(Some(&shirt), "ACFTA"), None);
    }

    #[test]
    fn the_default_stands_in_and_is_illustrative() {
        let default = Default { duty_rate: Some("0.05".parse().unwrap()), tax_rate: None };
        let tariff = Tariff::new([], Some(default)).unwrap();
        let found = tariff.find(None, Column::Duty).unwrap();
        assert!(found.illustrative && found.prefix.is_none());
        assert_eq!(tariff.find(None, Column::Tax), None);
        assert_eq!(tariff.find(None, Column::Excise), None);
    }

    #[test]
    fn a_prefix_stands_once() {
        let twice = [entry("61", None, None), entry("61", None, None)];
        assert_eq!(Tariff::new(twice, None), Err(Duplicate("61".parse().unwrap())));
    }
}
