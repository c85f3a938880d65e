//! The shapes of a profile's file.

use std::collections::BTreeMap;

use customs::goods::Class;
use customs::preference::Preference;
use customs::prohibited::Restriction;
use customs::rules::{ReferenceRate, Rules};
use customs::tariff;
use kernel::Country;
use money::Currency;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, de};
use trade::Transport;

use crate::payment_methods::PaymentMethod;

/// A profile as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) hub: HubSection,
    pub(crate) terms: TradeTerms,
    #[serde(default)]
    pub(crate) returns: Returns,
    #[serde(default)]
    pub(crate) payment_methods: Vec<PaymentMethod>,
    #[serde(default)]
    pub(crate) lanes: Vec<LaneSection>,
    #[serde(default)]
    pub(crate) carriers: Vec<Carrier>,
    #[serde(default)]
    pub(crate) classes: BTreeMap<String, Class>,
    #[serde(default)]
    pub(crate) preferences: Vec<Preference>,
    #[serde(default)]
    pub(crate) tariff: Vec<tariff::Entry>,
    #[serde(default)]
    pub(crate) tariff_default: Option<tariff::Default>,
    #[serde(default)]
    pub(crate) reference_rates: Vec<ReferenceRate>,
    #[serde(default)]
    pub(crate) restrictions: Vec<Restriction>,
    #[serde(default)]
    pub(crate) rulesets: BTreeMap<String, Rules>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HubSection {
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) country: Country,
    pub(crate) currency: Currency,
    pub(crate) languages: Vec<String>,
    #[serde(deserialize_with = "time_zone")]
    pub(crate) time_zone: chrono_tz::Tz,
    /// Postcodes of the country have so many digits and nothing else; none: they may have letters.
    #[serde(default)]
    pub(crate) postcode_digits: Option<u8>,
    #[serde(default)]
    pub(crate) marketplace_registered: bool,
}

fn time_zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<chrono_tz::Tz, D::Error> {
    let name = String::deserialize(deserializer)?;
    name.parse()
        .map_err(|_| de::Error::custom(format!("`{name}` is not an IANA time zone, such as Asia/Bangkok")))
}

/// The hub's terms of trade.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TradeTerms {
    /// How long a quote holds, in minutes.
    pub quote_minutes: u32,
    /// What the hub takes of the goods' price, as a fraction.
    #[serde(with = "rust_decimal::serde::str")]
    pub commission_rate: Decimal,
    /// What insurance costs, as a fraction of the goods' price.
    #[serde(with = "rust_decimal::serde::str")]
    pub insurance_rate: Decimal,
    /// Days after delivery when escrow is released without the buyer's word.
    pub escrow_days: u32,
    /// Days after delivery in which goods may be returned.
    pub return_days: u32,
    /// What the hub adds to a reference rate when it exchanges, as a fraction.
    #[serde(with = "rust_decimal::serde::str")]
    pub exchange_spread: Decimal,
    /// The oldest reference rate that a hub with real money uses, in days.
    pub exchange_age_days_max: u32,
}

/// Who bears what goods that go back have cost, by the buyer's cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Returns {
    /// The buyer does not want the goods.
    pub change_of_mind: ReturnTerms,
    /// The goods are not what was sold, or broken.
    pub wrong_or_damaged: ReturnTerms,
}

impl Default for Returns {
    fn default() -> Self {
        let terms = |return_carriage| ReturnTerms {
            outward_carriage: Bearer::Seller,
            return_carriage,
            duty_and_tax: Bearer::Customs,
        };
        Self { change_of_mind: terms(Bearer::Buyer), wrong_or_damaged: terms(Bearer::Seller) }
    }
}

/// Who bears what a return has cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReturnTerms {
    /// Carriage to the buyer with insurance and fees: refunded with the last units of a consignment, unless the buyer
    /// bears it.
    pub outward_carriage: Bearer,
    /// Carriage back, which is paid outside of the hub.
    pub return_carriage: Bearer,
    /// Duty and tax on the units that go back; customs: claimed back.
    pub duty_and_tax: Bearer,
}

/// Who bears a cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bearer {
    /// It is not given back.
    Buyer,
    /// It is taken from what the seller is owed.
    Seller,
    /// It is taken from the hub's commission.
    Hub,
    /// Customs gives it back.
    Customs,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LaneSection {
    pub(crate) from: Country,
    pub(crate) ruleset: String,
}

/// A carrier with its services.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carrier {
    /// Short and never changed.
    pub code: String,
    /// For people.
    pub name: String,
    /// The S10 numbers that the hub gives to its parcels.
    pub s10: S10Range,
    /// What it offers.
    pub services: Vec<Service>,
}

/// S10 numbers that belong to this hub alone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S10Range {
    /// Two capital letters.
    pub indicator: String,
    /// The first serial, up to eight digits.
    pub serial_from: u32,
    /// The last serial. The number ends with the country that the parcel leaves from.
    pub serial_to: u32,
}

/// A way to carry parcels.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Unique in the profile.
    pub code: String,
    /// For people.
    pub title: String,
    /// How it travels.
    pub transport: Transport,
    /// Cubic centimetres that count as a kilogram.
    pub divisor: u64,
    /// Grams of a step of the price.
    pub break_grams: u64,
    /// The most that it carries, in grams.
    pub weight_grams_max: u64,
    /// Where it carries from and to, and for how much: of those that fit a postcode the one that names more of it.
    pub zones: Vec<Zone>,
}

/// A price of a service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// Countries that it carries from.
    pub from: Vec<Country>,
    /// Beginnings of the destination's postcodes; empty: every postcode that no other zone has.
    #[serde(default)]
    pub postcodes: Vec<String>,
    /// Price of the first step, in the hub's currency.
    #[serde(with = "rust_decimal::serde::str")]
    pub first_price: Decimal,
    /// Price of each further step.
    #[serde(with = "rust_decimal::serde::str")]
    pub next_price: Decimal,
    /// Days in transit, at least.
    pub days_min: u32,
    /// Days in transit, at most.
    pub days_max: u32,
}
