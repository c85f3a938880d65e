//! A quote: one landed price, frozen until it expires.

use chrono::{DateTime, Utc};
use kernel::{ConsignmentId, ProductId, QuoteId, SellerId, VariantId};
use money::{Currency, Money};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::Refusal;
use super::price::Price;

/// One landed price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Its id.
    pub id: QuoteId,
    /// The principal that asked for it; nobody when it was asked for without a token.
    pub owner: Option<String>,
    /// The buyer's currency.
    pub currency: Currency,
    /// What each seller ships from each country.
    pub consignments: Vec<QuotedConsignment>,
    /// What the buyer should know.
    pub warnings: Vec<String>,
    /// The hash of the hub's profile.
    pub profile_hash: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Until when it can be ordered.
    pub expires_at: DateTime<Utc>,
}

/// What one seller ships from one country.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotedConsignment {
    /// The id that it has once ordered.
    pub id: ConsignmentId,
    /// Who sells.
    pub seller_id: SellerId,
    /// The name that buyers see.
    pub seller_name: String,
    /// Where it ships from, ISO 3166-1.
    pub from_country: String,
    /// Its lines.
    pub lines: Vec<QuotedLine>,
    /// In the buyer's currency: the sum of its lines.
    pub price: Price,
    /// In the hub's currency, as customs and the carrier count.
    pub hub_price: Price,
    /// The goods in the seller's currency.
    pub seller_goods: Money,
    /// How it is carried.
    pub carriage: Carriage,
    /// What customs takes duty of, in the hub's currency.
    pub customs_value: Money,
    /// Tax that the seller collects with the price, within `hub_price.tax`.
    pub seller_collected_tax: Money,
    /// The rules behind duty, tax and fees.
    pub rules: Vec<AppliedRule>,
    /// The customs authority's rate.
    pub customs_rate: Option<Rate>,
    /// From the seller's currency to the buyer's.
    pub goods_rate: Option<Rate>,
    /// From the hub's currency to the buyer's.
    pub charges_rate: Option<Rate>,
}

/// A line of a quote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotedLine {
    /// What is bought.
    pub variant_id: VariantId,
    /// Its product.
    pub product_id: ProductId,
    /// The seller's own code.
    pub sku: String,
    /// The title when it was quoted.
    pub title: String,
    /// How many units.
    pub quantity: i64,
    /// Of one unit, in the seller's currency.
    pub unit_price: Money,
    /// Of all units, in the buyer's currency, with the line's share of the rest.
    pub price: Price,
    /// Harmonized System code.
    pub hs_code: String,
    /// Where it was made.
    pub origin: String,
    /// Packed weight of one unit.
    pub weight_grams: i64,
    /// The category's slug.
    pub category: String,
}

/// How a consignment is carried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carriage {
    /// The carrier's code.
    pub carrier: String,
    /// The service's code.
    pub service: String,
    /// The service's name for people.
    pub title: String,
    /// How it travels.
    pub transport: Option<Transport>,
    /// The weight that is charged.
    pub chargeable_grams: i64,
    /// Days in transit, at least.
    pub days_min: i32,
    /// Days in transit, at most.
    pub days_max: i32,
}

/// How goods travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// Air courier.
    Air,
    /// Postal service.
    Post,
    /// By ship.
    Sea,
    /// By road.
    Road,
}

/// A rule that shaped the price, as logistics names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedRule {
    /// Its id in the profile.
    pub rule_id: String,
    /// Its title for people.
    pub title: String,
    /// Where it comes from.
    pub source: String,
    /// Its first day.
    pub valid_from: String,
    /// Its last day; empty: open.
    pub valid_to: String,
    /// Assumed until the operator confirms it.
    pub assumed: bool,
    /// What it did, in a sentence.
    pub explanation: String,
}

/// A rate of exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// What is given.
    pub from: Currency,
    /// What is received.
    pub to: Currency,
    /// Units of `to` for one of `from`.
    pub rate: Decimal,
    /// The same without the hub's spread, as text.
    pub reference_rate: String,
    /// The day of the reference rate.
    pub as_of: String,
    /// Who publishes it.
    pub source: String,
    /// As payment locked it; empty for a customs rate.
    pub rate_id: String,
}

impl Quote {
    /// The whole price: the sum of the consignments'.
    pub fn price(&self) -> Result<Price, money::Error> {
        Price::sum(self.consignments.iter().map(|consignment| &consignment.price), self.currency)
    }

    /// Whether this principal may see and order it.
    pub fn is_open_to(&self, principal: Option<&str>) -> bool {
        self.owner.is_none() || self.owner.as_deref() == principal
    }

    /// Whether it can still be ordered.
    pub fn check_valid(&self, now: DateTime<Utc>) -> Result<(), Refusal> {
        if now < self.expires_at {
            return Ok(());
        }
        let message = format!("the quote expired at {}; ask for a new one", self.expires_at.to_rfc3339());
        Err(Refusal::new("QUOTE_EXPIRED", message))
    }
}
