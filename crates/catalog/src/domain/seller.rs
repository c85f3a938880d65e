//! A firm that sells.

use chrono::{DateTime, Utc};
use kernel::{Country, LocationId, SellerId, StockItemId};
use money::Currency;

/// Where a seller stands with the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Applied,
    Verified,
    Suspended,
}

impl State {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Verified => "verified",
            Self::Suspended => "suspended",
        }
    }

    /// As it is in the database; what is none of the others may not sell.
    pub(crate) fn parse(text: &str) -> Self {
        match text {
            "applied" => Self::Applied,
            "verified" => Self::Verified,
            _ => Self::Suspended,
        }
    }
}

/// A seller.
#[derive(Debug, Clone)]
pub(crate) struct Seller {
    pub(crate) id: SellerId,
    pub(crate) display_name: String,
    pub(crate) country: Country,
    pub(crate) registration_number: String,
    pub(crate) tax_registered: bool,
    pub(crate) payout_currency: Currency,
    pub(crate) state: State,
    pub(crate) state_reason: String,
    pub(crate) version: i64,
    pub(crate) created_at: DateTime<Utc>,
}

/// A place that it ships from.
#[derive(Debug, Clone)]
pub(crate) struct Location {
    pub(crate) id: LocationId,
    pub(crate) seller_id: SellerId,
    pub(crate) name: String,
    pub(crate) country: Country,
    pub(crate) postcode: String,
}

/// Goods on a shelf.
#[derive(Debug, Clone)]
pub(crate) struct StockItem {
    pub(crate) id: StockItemId,
    pub(crate) seller_id: SellerId,
    pub(crate) location_id: LocationId,
    pub(crate) sku: String,
    pub(crate) on_hand: i64,
    pub(crate) reserved: i64,
}

/// The most units on a shelf.
pub(crate) const UNITS_MAX: i64 = 1_000_000_000;
