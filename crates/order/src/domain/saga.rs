//! The saga behind an order: which step it is at, and which steps may follow.
//!
//! Placing takes two calls (hold stock, hold money) that may be made again at will, as their ids follow from the
//! saga's: the step between them needs no record of its own. What must be on record before its first call is a
//! decision to give things back.

use chrono::{DateTime, Utc};
use kernel::{OrderId, SagaId};
use serde::{Deserialize, Serialize};

use super::Refusal;

/// The durable steps behind an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Saga {
    /// Its id.
    pub(crate) id: SagaId,
    /// Its order.
    pub(crate) order_id: OrderId,
    /// The step it is at.
    pub(crate) step: SagaStep,
    /// How often it was taken up. An outcome counts only for the attempt that it belongs to.
    pub(crate) attempt: i64,
}

/// A step of a saga.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(crate) enum SagaStep {
    /// Stock and money are being held.
    Placing,
    /// Both are held but the money has not come: rests until it does, or its time is over.
    AwaitingPayment {
        /// Until when the QR code can be paid.
        expires_at: DateTime<Utc>,
    },
    /// Payment is asked whether the money came: only when it did not, the order ends.
    EndingPayment(Cancellation),
    /// Logistics is asked whether all consignments can be kept back: only when they can, the order ends.
    EndingConsignments(Cancellation),
    /// Stock and money are being given back.
    Compensating(Cancellation),
    /// Nothing is left to do.
    Confirmed,
    /// Nothing is left to do, or to have.
    Cancelled,
}

/// Why an order ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cancellation {
    /// What the order says of it.
    pub(crate) cause: Refusal,
    /// The buyer wants it so, even when the money has come meanwhile.
    pub(crate) by_buyer: bool,
}

/// A step that does not follow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a saga that is {from} cannot go on to {to}")]
pub(crate) struct Error {
    from: &'static str,
    to: &'static str,
}

impl SagaStep {
    /// As it is stored and shown.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Placing => "placing",
            Self::AwaitingPayment { .. } => "awaiting_payment",
            Self::EndingPayment(_) => "ending_payment",
            Self::EndingConsignments(_) => "ending_consignments",
            Self::Compensating(_) => "compensating",
            Self::Confirmed => "confirmed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether the hub has nothing left to do on its own. One that awaits payment is settled too: the buyer, or a
    /// timeout, moves it on.
    pub(crate) fn is_settled(&self) -> bool {
        matches!(self, Self::AwaitingPayment { .. } | Self::Confirmed | Self::Cancelled)
    }

    fn may_become(&self, next: &Self) -> bool {
        match self {
            Self::Placing => {
                matches!(next, Self::AwaitingPayment { .. } | Self::Confirmed | Self::Compensating(_))
            }
            Self::AwaitingPayment { .. } => matches!(next, Self::Confirmed | Self::EndingPayment(_)),
            Self::EndingPayment(_) => {
                matches!(next, Self::Compensating(_) | Self::Confirmed | Self::EndingConsignments(_))
            }
            Self::EndingConsignments(_) => matches!(next, Self::Cancelled | Self::Confirmed),
            Self::Compensating(_) => matches!(next, Self::Cancelled),
            Self::Confirmed => matches!(next, Self::EndingConsignments(_)),
            Self::Cancelled => false,
        }
    }
}

impl Saga {
    /// A saga that begins, taken up by the one who makes it.
    pub(crate) fn begin(id: SagaId, order_id: OrderId) -> Self {
        Self { id, order_id, step: SagaStep::Placing, attempt: 1 }
    }

    /// The saga at its next step.
    pub(crate) fn advance(self, step: SagaStep) -> Result<Self, Error> {
        if self.step.may_become(&step) {
            return Ok(Self { step, ..self });
        }
        Err(Error { from: self.step.as_str(), to: step.as_str() })
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::at;
    use super::*;
    use proptest::prelude::*;

    fn steps() -> Vec<SagaStep> {
        let cancellation = Cancellation { cause: Refusal::new("X", "x"), by_buyer: false };
        vec![
            SagaStep::Placing,
            SagaStep::AwaitingPayment { expires_at: at(1) },
            SagaStep::EndingPayment(cancellation.clone()),
            SagaStep::EndingConsignments(cancellation.clone()),
            SagaStep::Compensating(cancellation),
            SagaStep::Confirmed,
            SagaStep::Cancelled,
        ]
    }

    proptest! {
        /// However steps are tried: what is given back is never confirmed, and what was cancelled stays so.
        #[test]
        fn nothing_is_both_given_back_and_confirmed(tries in prop::collection::vec(0_usize..7, 0..60)) {
            let mut saga = Saga::begin(SagaId::new(), OrderId::new());
            let (mut given_back, mut cancelled) = (false, false);
            for choice in tries {
                let Ok(next) = saga.clone().advance(steps()[choice].clone()) else { continue };
                prop_assert!(!cancelled);
                saga = next;
                given_back |= matches!(saga.step, SagaStep::Compensating(_));
                cancelled = saga.step == SagaStep::Cancelled;
                prop_assert!(!(given_back && saga.step == SagaStep::Confirmed));
            }
        }
    }

    #[test]
    fn a_step_is_kept_as_json() {
        for step in steps() {
            let text = serde_json::to_string(&step).unwrap();
            assert_eq!(serde_json::from_str::<SagaStep>(&text).unwrap(), step);
        }
    }
}
