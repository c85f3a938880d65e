//! The shapes of a lane's dated rules, as a hub profile declares them.
//!
//! A ruleset has levies (duty, excise, taxes) in the order in which they are worked out. A levy
//! has rules, and **for each line the first rule that matches is the one that applies**: write the
//! exceptions first (a low-value tax, a relief) and the general rule last. So one line bears each
//! levy once: an item taxed at the sale bears no second tax at import, because both are rules of
//! the same levy.
//!
//! Versions of one rule share its `rule` name; their dates may neither overlap nor leave a gap.

use std::{collections::BTreeMap, fmt, sync::Arc};

use chrono::NaiveDate;
use money::{Currency, Money};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Deserializer, de};
use trade::Transport;

use crate::{amount::times, goods::Classes, preference::Preference, read, tariff::Tariff};

/// What customs values goods at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Valuation {
    /// Goods, insurance and freight.
    #[default]
    Cif,
    /// Goods alone.
    Fob,
}

/// What freight is spread over the lines by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FreightSpread {
    /// By the goods' value.
    #[default]
    Value,
    /// By weight.
    Weight,
}

/// Where a levy's amount is rounded first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RoundedPer {
    /// The total is rounded and then spread over the lines by largest remainder.
    #[default]
    Consignment,
    /// Each line is rounded, and the total is their sum.
    Line,
}

/// The rules of a lane as written in a profile.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// What they are for, in words.
    pub title: String,
    /// What customs values goods at.
    #[serde(default)]
    pub valuation: Valuation,
    /// What freight is spread over lines by.
    #[serde(default)]
    pub freight_spread: FreightSpread,
    /// Where amounts are rounded first.
    #[serde(default)]
    pub rounded_per: RoundedPer,
    /// Fees at the border, by consignment.
    #[serde(default)]
    pub fees: Vec<Fee>,
    /// Duty, excise and taxes, in the order in which they are worked out.
    #[serde(default)]
    pub levies: Vec<Levy>,
}

/// What kind of amount a levy adds to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LevyKind {
    /// Import duty.
    Duty,
    /// Excise duty.
    Excise,
    /// Sales tax, VAT, GST.
    Tax,
}

/// A duty, an excise or a tax, with the rules that say what it comes to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Levy {
    /// Short name, unique in the ruleset, such as `sales-tax`.
    pub code: String,
    /// What it adds to.
    pub kind: LevyKind,
    /// What a buyer reads.
    pub title: String,
    /// In the order in which they are tried.
    pub rules: Vec<Rule>,
}

/// Which sellers a rule speaks of. A marketplace that is registered itself counts as the seller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Seller {
    /// Registered for the tax in the importing country.
    Registered,
    /// Not registered.
    Unregistered,
}

/// Who takes the money.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Collected {
    /// Customs, when the goods come in.
    #[default]
    Import,
    /// The seller, with the price.
    Seller,
}

/// An amount that a rate is taken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Base {
    /// The sale price of the goods, without carriage: what the buyer is charged for them, at the rate with the hub's
    /// spread.
    Price,
    /// The customs value.
    Cif,
    /// Import duty.
    Duty,
    /// Excise duty.
    Excise,
    /// Fees at the border.
    Fees,
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Price => "sale price",
            Self::Cif => "customs value",
            Self::Duty => "duty",
            Self::Excise => "excise",
            Self::Fees => "fees",
        })
    }
}

/// A rule of a levy: when it applies, and at what rate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Name that the versions of this rule share, such as `vat`.
    pub rule: String,
    /// What a buyer reads.
    pub title: String,
    /// The law, announcement or reading that it rests on.
    pub source: String,
    /// First day, in the importing country's time zone. None: no start date.
    #[serde(default, deserialize_with = "read::optional_date")]
    pub valid_from: Option<NaiveDate>,
    /// Last day, in the importing country's zone. None: until further notice.
    #[serde(default, deserialize_with = "read::optional_date")]
    pub valid_to: Option<NaiveDate>,
    /// Nobody has confirmed the rule yet: the hub warns.
    #[serde(default)]
    pub assumed: bool,
    /// What an operator should know; needed where `assumed`.
    #[serde(default)]
    pub note: Option<String>,
    /// By which transports. Empty: by any.
    #[serde(default)]
    pub transports: Vec<Transport>,
    /// Of which sellers. None: of any.
    #[serde(default)]
    pub seller: Option<Seller>,
    /// Of which value. None: of any.
    #[serde(default)]
    pub value: Option<Band>,
    /// Only goods of these classes. Empty: of any.
    #[serde(default)]
    pub only: Vec<String>,
    /// Not goods of these classes.
    #[serde(default)]
    pub except: Vec<String>,
    /// What it comes to.
    pub rate: Rate,
    /// Other rates for classes of goods, where `rate` is a number.
    #[serde(default)]
    pub class_rates: BTreeMap<String, ClassRate>,
    /// What the rate is taken of. Empty: the customs value.
    #[serde(default)]
    pub base: Vec<Base>,
    /// Who takes it.
    #[serde(default)]
    pub collected: Collected,
}

impl Rule {
    /// The rule's version: its name, and its first day where it has one.
    #[must_use]
    pub fn id(&self) -> String {
        match self.valid_from {
            Some(day) => format!("{}@{day}", self.rule),
            None => self.rule.clone(),
        }
    }

    /// Whether `date` is one of the rule's days; the first and the last are.
    #[must_use]
    pub fn is_valid_on(&self, date: NaiveDate) -> bool {
        is_within(self.valid_from, self.valid_to, date)
    }

    /// Whether the rule applies to every line on its days.
    #[must_use]
    pub fn is_general(&self) -> bool {
        self.transports.is_empty()
            && self.seller.is_none()
            && self.value.is_none()
            && self.only.is_empty()
            && self.except.is_empty()
    }

    /// What the rate is taken of.
    #[must_use]
    pub fn base(&self) -> &[Base] {
        if self.base.is_empty() { &[Base::Cif] } else { &self.base }
    }
}

/// Whether a value is an item's or the consignment's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Per {
    /// One unit of a line: three shirts at 200 are three items of 200.
    Item,
    /// All lines together.
    Consignment,
}

/// What a band measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// The sale price without carriage: what the buyer is charged, at the rate with the hub's spread.
    Price,
    /// The goods' value at export: their price at the customs rate.
    Fob,
    /// Goods, insurance and freight.
    Cif,
}

/// A range of values. Each bound says itself whether it belongs to the range.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// Of an item or of the consignment.
    pub per: Per,
    /// What is measured.
    pub basis: Basis,
    /// Currency of the bounds. None: the importing country's.
    #[serde(default, deserialize_with = "read::optional_currency")]
    pub currency: Option<Currency>,
    /// Exclusive lower bound.
    #[serde(default, deserialize_with = "read::optional_amount")]
    pub more_than: Option<Decimal>,
    /// Inclusive lower bound.
    #[serde(default, deserialize_with = "read::optional_amount")]
    pub at_least: Option<Decimal>,
    /// Inclusive upper bound.
    #[serde(default, deserialize_with = "read::optional_amount")]
    pub at_most: Option<Decimal>,
    /// Exclusive upper bound.
    #[serde(default, deserialize_with = "read::optional_amount")]
    pub less_than: Option<Decimal>,
}

impl Band {
    /// Whether `value` lies in the band, where a unit of the bounds' currency is `rate` units of the value's. Money has
    /// no part of a minor unit, so a bound of another currency is rounded as the value was: three dollars are at a
    /// bound of three dollars, whatever the rate.
    ///
    /// # Errors
    /// A bound at that rate is larger than a decimal.
    pub fn holds(&self, value: Money, rate: Decimal) -> Result<bool, money::Error> {
        let digits = u32::from(value.currency().minor_digits());
        let value = value.to_decimal();
        let bound = |bound: Option<Decimal>| {
            let bound = bound.map(|bound| times(bound, rate)).transpose()?;
            Ok(bound
                .map(|bound| bound.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero)))
        };
        Ok(bound(self.more_than)?.is_none_or(|bound| value > bound)
            && bound(self.at_least)?.is_none_or(|bound| value >= bound)
            && bound(self.at_most)?.is_none_or(|bound| value <= bound)
            && bound(self.less_than)?.is_none_or(|bound| value < bound))
    }
}

/// What a rule comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// Nothing: a relief.
    None,
    /// By HS code.
    Tariff,
    /// One rate for all goods, apart from `class_rates`.
    Flat(Decimal),
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "none" => Ok(Self::None),
            "tariff" => Ok(Self::Tariff),
            text => read::parse_rate(text)
                .map(Self::Flat)
                .map_err(|why| de::Error::custom(format!("{why}; or \"none\", or \"tariff\""))),
        }
    }
}

/// The rate of a class of goods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct ClassRate(#[serde(deserialize_with = "read::rate")] pub Decimal);

/// A fixed fee at the border, such as a handling fee.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fee {
    /// Name that the versions of this fee share.
    pub rule: String,
    /// What a buyer reads.
    pub title: String,
    /// Who asks it, or that it is illustrative.
    pub source: String,
    /// First day, in the importing country's zone.
    #[serde(default, deserialize_with = "read::optional_date")]
    pub valid_from: Option<NaiveDate>,
    /// Last day, in the importing country's zone.
    #[serde(default, deserialize_with = "read::optional_date")]
    pub valid_to: Option<NaiveDate>,
    /// By which transports. Empty: by any.
    #[serde(default)]
    pub transports: Vec<Transport>,
    /// A consignment of which value. None: of any.
    #[serde(default)]
    pub value: Option<Band>,
    /// What it costs a consignment, in the importing country's currency.
    #[serde(deserialize_with = "read::amount")]
    pub amount: Decimal,
}

impl Fee {
    /// Whether `date` is one of the fee's days.
    #[must_use]
    pub fn is_valid_on(&self, date: NaiveDate) -> bool {
        is_within(self.valid_from, self.valid_to, date)
    }
}

fn is_within(from: Option<NaiveDate>, to: Option<NaiveDate>, date: NaiveDate) -> bool {
    from.is_none_or(|from| from <= date) && to.is_none_or(|to| date <= to)
}

/// What a unit of another currency is worth, for bounds in a currency that is neither the goods'
/// nor the importing country's.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReferenceRate {
    /// The other currency.
    #[serde(deserialize_with = "read::currency")]
    pub currency: Currency,
    /// Units of the importing country's currency for a unit of the other.
    #[serde(deserialize_with = "read::exchange_rate")]
    pub rate: Decimal,
    /// Where the rate was taken from, or that it is illustrative.
    pub source: String,
}

/// What all rulesets of a profile refer to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reference {
    /// Classes of goods by name.
    pub classes: Classes,
    /// Preferences that the importing country grants.
    pub preferences: Vec<Preference>,
    /// Rates by HS code.
    pub tariff: Tariff,
    /// Rates for bounds in other currencies.
    pub rates: Vec<ReferenceRate>,
}

/// A lane's rules with everything that they refer to: what [`crate::landed_cost()`] works by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruleset {
    /// Its name in the profile.
    pub name: String,
    /// The importing country's currency.
    pub currency: Currency,
    /// The rules.
    pub rules: Rules,
    /// Classes, preferences, tariff, reference rates.
    pub reference: Arc<Reference>,
}
