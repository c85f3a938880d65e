//! What crosses the border: a consignment of one seller, as the engine is asked about it.

use chrono::NaiveDate;
use kernel::Country;
use money::{Currency, Money};
use rust_decimal::Decimal;
use trade::Transport;

use crate::HsCode;

/// A consignment of one seller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipment {
    /// The day by which rules apply, in the importing country's zone.
    pub date: NaiveDate,
    /// How it travels.
    pub transport: Transport,
    /// The currency of the goods' prices.
    pub goods_currency: Currency,
    /// Units of the importing country's currency for one of the goods'; none needed when they are one.
    pub customs_rate: Option<Decimal>,
    /// Units of the importing country's currency that the buyer is charged for one unit of the goods' currency, with
    /// the hub's spread; none: the customs rate. It makes the sale price, which the tax on low-value goods is taken of.
    pub charge_rate: Option<Decimal>,
    /// Whether the seller is registered for the importing country's tax on low-value goods.
    pub seller_registered: bool,
    /// Whether the marketplace is: then it counts as the seller, and the seller's own registration does not matter.
    pub marketplace_registered: bool,
    /// Carriage, in the goods' currency or the importing country's.
    pub freight: Money,
    /// Insurance, in either currency.
    pub insurance: Money,
    /// At least one.
    pub lines: Vec<Line>,
}

impl Shipment {
    /// Whether who counts as the seller is registered.
    #[must_use]
    pub fn is_seller_registered(&self) -> bool {
        self.marketplace_registered || self.seller_registered
    }
}

/// A line of a consignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where the goods were made.
    pub origin: Country,
    /// Where they are sent from.
    pub from: Country,
    /// How many units, at least 1.
    pub quantity: i64,
    /// Price of one unit in the goods' currency, not below zero.
    pub unit_price: Money,
    /// What is taken off the price of the units together: not below zero, and at most that price.
    pub discount: Money,
    /// What they are in the Harmonized System.
    pub hs_code: Option<HsCode>,
    /// What the seller calls them.
    pub category: Option<String>,
    /// Weight of one unit in grams; needed where freight is spread by weight.
    pub weight_grams: Option<i64>,
    /// The preference claimed, with proof of origin.
    pub preference: Option<String>,
    /// Stand-ins for the tariff.
    pub rates: Rates,
}

impl Line {
    /// What is paid for the units together.
    ///
    /// # Errors
    /// A price that is more than can be counted, or a discount in another currency.
    pub fn goods(&self) -> Result<Money, money::Error> {
        self.unit_price.checked_mul(self.quantity)?.checked_sub(self.discount)
    }
}

/// Rates that stand in for the tariff: of an operator's case, or of a broker's ruling.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates {
    /// Duty.
    pub duty: Option<Decimal>,
    /// Sales tax or VAT.
    pub tax: Option<Decimal>,
    /// Duty under the preference claimed.
    pub preference: Option<Decimal>,
}
