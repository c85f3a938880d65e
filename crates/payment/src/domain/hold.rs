//! A hold of money for an order.

use chrono::{DateTime, Utc};
use kernel::{HoldId, OrderId, Refusal};
use money::Money;

kernel::words! {
    /// Where a hold stands. Only order ends a hold; a QR code that expired can be paid until order cancels it, and counts.
    pub(crate) enum HoldState {
        /// A QR code waits to be paid.
        Awaiting = "awaiting",
        /// The money is held.
        Held = "held",
        /// The order was confirmed: the money is in escrow or beyond.
        Captured = "captured",
        /// Given back, or never to be taken.
        Voided = "voided",
    }
}

/// A hold as it stands.
#[derive(Debug, Clone)]
pub(crate) struct Hold {
    pub(crate) id: HoldId,
    pub(crate) order_id: OrderId,
    pub(crate) buyer: String,
    /// The code of a method, such as `wallet`; empty for a tombstone.
    pub(crate) method: String,
    pub(crate) state: HoldState,
    pub(crate) amount: Money,
    pub(crate) refunded: Money,
    /// What a receipt names it by.
    pub(crate) reference: Option<String>,
    pub(crate) qr_payload: String,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    pub(crate) paid_at: Option<DateTime<Utc>>,
    pub(crate) version: i64,
    pub(crate) created_at: DateTime<Utc>,
}

impl Hold {
    /// Refuses to end, or to take, a hold for an order that is not its own.
    pub(crate) fn check_order(&self, order_id: OrderId) -> Result<(), Refusal> {
        check_order(self.order_id, order_id)
    }

    /// Whether it is paid from a wallet.
    pub(crate) fn is_wallet(&self) -> bool {
        self.method == hub::PaymentMethodCode::WALLET.as_str()
    }
}

/// Refuses a hold, or its escrow, that is named for an order but is another's.
pub(super) fn check_order(own: OrderId, named: OrderId) -> Result<(), Refusal> {
    if own == named {
        Ok(())
    } else {
        Err(Refusal::new("HOLD_EXISTS", format!("the hold is for order {own}")))
    }
}
