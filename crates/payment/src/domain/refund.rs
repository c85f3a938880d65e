//! Money given back, once for each cause.

use chrono::{DateTime, Utc};
use kernel::{ConsignmentId, HoldId, RefundId};
use money::Money;

/// A refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refund {
    /// Derived from its cause.
    pub(crate) id: RefundId,
    pub(crate) hold_id: HoldId,
    /// Empty: the order was cancelled.
    pub(crate) return_id: String,
    pub(crate) consignment_id: Option<ConsignmentId>,
    pub(crate) amount: Money,
    pub(crate) state: RefundState,
    pub(crate) at: DateTime<Utc>,
}

/// How a refund ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RefundState {
    /// The buyer has the money.
    Completed,
    /// There was no room for it: why, for operators.
    Failed(String),
}

impl Refund {
    /// Whether it gives the same as another of its id.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (self.hold_id, self.consignment_id, self.amount)
            == (other.hold_id, other.consignment_id, other.amount)
    }

    /// That it could not be paid.
    pub(crate) fn fail(self, reason: String) -> Self {
        Self { state: RefundState::Failed(reason), ..self }
    }
}
