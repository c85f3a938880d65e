//! Money that a payment provider reported.

use chrono::{DateTime, Utc};
use kernel::ReceiptId;
use money::Money;

use super::hold::{Hold, HoldState};
use super::qr;

/// The way by which money came that names no code of ours.
pub(crate) const UNKNOWN_METHOD: &str = "unknown";

/// A receipt.
#[derive(Debug, Clone)]
pub(crate) struct Receipt {
    pub(crate) id: ReceiptId,
    /// The provider's id of it, each once; a derived one where the provider used its id for other money before.
    pub(crate) provider_reference: String,
    /// The provider's id where `provider_reference` is derived.
    pub(crate) reported_reference: Option<String>,
    pub(crate) order_reference: String,
    pub(crate) amount: Money,
    /// By which way it came.
    pub(crate) method: String,
    /// Why it fits no order; `None`: it paid one.
    pub(crate) suspense: Option<SuspenseReason>,
    pub(crate) received_at: DateTime<Utc>,
}

kernel::words! {
    /// Why money is in suspense.
    pub(crate) enum SuspenseReason {
        /// Its order had ended.
        Late = "LATE",
        /// Its order was paid before.
        Double = "DOUBLE",
        /// Its order asks for another amount.
        Amount = "AMOUNT",
        /// It names no order.
        UnknownReference = "UNKNOWN_REFERENCE",
        /// It came under an id that the provider had used for other money.
        ReferenceReused = "REFERENCE_REUSED",
    }
}

impl SuspenseReason {
    /// Why money for a hold that is in this state pays nothing; `None` where it waits to be paid.
    pub(crate) fn of(state: HoldState) -> Option<Self> {
        match state {
            HoldState::Voided => Some(Self::Late),
            HoldState::Held | HoldState::Captured => Some(Self::Double),
            HoldState::Awaiting => None,
        }
    }
}

impl Receipt {
    /// The id that the provider told.
    pub(crate) fn told_reference(&self) -> &str {
        self.reported_reference.as_deref().unwrap_or(&self.provider_reference)
    }

    /// Whether it tells once more of what another told.
    pub(crate) fn is_same_money(&self, other: &Self) -> bool {
        self.amount == other.amount
            && qr::normalised(&self.order_reference) == qr::normalised(&other.order_reference)
    }

    /// Under an id of its own, as the provider had used its id for `before`.
    pub(crate) fn reused_reference(self, before: ReceiptId) -> Self {
        let content = format!("{} {}", qr::normalised(&self.order_reference), self.amount);
        Self {
            provider_reference: ReceiptId::derive(before.uuid(), &content).to_string(),
            reported_reference: Some(self.provider_reference),
            ..self
        }
    }

    /// As it is kept: what came of it, and by which way it came.
    pub(crate) fn judged(self, hold: Option<&Hold>, suspense: Option<SuspenseReason>) -> Self {
        let method = hold.filter(|hold| !hold.is_wallet()).map(|hold| hold.method.clone());
        Self { method: method.unwrap_or_else(|| UNKNOWN_METHOD.to_owned()), suspense, ..self }
    }
}
