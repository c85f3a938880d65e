//! A hold of money for an order.

use chrono::{DateTime, Utc};
use kernel::{HoldId, OrderId};
use money::Money;

/// Where a hold stands. Only order ends a hold; a QR code that expired can be paid until order cancels it, and counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HoldState {
    /// A QR code waits to be paid.
    Awaiting,
    /// The money is held.
    Held,
    /// The order was confirmed: the money is in escrow or beyond.
    Captured,
    /// Given back, or never to be taken.
    Voided,
}

impl HoldState {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Awaiting => "awaiting",
            Self::Held => "held",
            Self::Captured => "captured",
            Self::Voided => "voided",
        }
    }

    const ALL: [Self; 4] = [Self::Awaiting, Self::Held, Self::Captured, Self::Voided];

    /// As it is in the database.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A hold, or its escrow, that is named for an order is another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the hold is for order {0}")]
pub(crate) struct WrongOrder(pub(crate) OrderId);

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
    pub(crate) fn check_order(&self, order_id: OrderId) -> Result<(), WrongOrder> {
        if self.order_id == order_id { Ok(()) } else { Err(WrongOrder(self.order_id)) }
    }

    /// Whether it is paid from a wallet.
    pub(crate) fn is_wallet(&self) -> bool {
        self.method == hub::PaymentMethodCode::WALLET.as_str()
    }
}
