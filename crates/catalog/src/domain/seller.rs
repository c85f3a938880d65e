//! A firm that sells.

use chrono::{DateTime, Utc};
use kernel::{Country, LocationId, SellerId, StockItemId};
use money::Currency;
use serde::{Deserialize, Serialize};

kernel::words! {
    /// Where a seller stands with the hub.
    pub(crate) enum SellerState {
        Applied = "applied",
        Verified = "verified",
        Suspended = "suspended",
    }
}

/// What a firm says of itself, and the operator verifies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SellerEntry {
    pub(crate) display_name: String,
    /// ISO 3166-1.
    pub(crate) country: Country,
    pub(crate) registration_number: String,
    pub(crate) tax_registered: bool,
}

/// What a verified seller wants its entry to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SellerChange {
    pub(crate) entry: SellerEntry,
    pub(crate) proposed_at: DateTime<Utc>,
    /// Why the operator refused it; none while it waits.
    pub(crate) refusal: Option<String>,
}

/// A seller.
#[derive(Debug, Clone)]
pub(crate) struct Seller {
    pub(crate) id: SellerId,
    /// What is in force.
    pub(crate) entry: SellerEntry,
    /// What it wants instead.
    pub(crate) change: Option<SellerChange>,
    pub(crate) payout_currency: Currency,
    pub(crate) state: SellerState,
    pub(crate) state_reason: String,
    pub(crate) version: i64,
    pub(crate) created_at: DateTime<Utc>,
}

impl Seller {
    /// The seller as it stands after its own edit. What was verified changes by the operator's decision alone.
    pub(crate) fn edited(mut self, wanted: SellerEntry, now: DateTime<Utc>) -> Self {
        let waits = |change: &SellerChange| change.refusal.is_none() && change.entry == wanted;
        if self.state == SellerState::Applied {
            self.entry = wanted;
        } else if self.entry == wanted {
            self.change = None;
        } else if !self.change.as_ref().is_some_and(waits) {
            self.change = Some(SellerChange { entry: wanted, proposed_at: now, refusal: None });
        }
        self
    }

    /// The seller after the operator's decision on the change that waits; `None` when none does.
    pub(crate) fn decided(mut self, refusal: Option<String>) -> Option<Self> {
        let change = self.change.take().filter(|change| change.refusal.is_none())?;
        match refusal {
            None => self.entry = change.entry,
            Some(_) => self.change = Some(SellerChange { refusal, ..change }),
        }
        Some(self)
    }
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
