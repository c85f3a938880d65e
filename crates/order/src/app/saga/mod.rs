//! The saga behind an order: steps that hold goods and money in other services, or give them back. It is saved before its
//! first call and with each outcome, so that whoever drives it may die at any point and another goes on.
//!
//! [`drive`] makes the calls of a step, [`record`] writes how it ended, [`recover`] takes up what nobody drives,
//! [`expire_payments`] ends the wait for a QR payment. [`super::place_order`] and [`super::cancel_order`] open one.

mod drive;
mod expire_payments;
mod record;
mod recover;

use chrono::{DateTime, Utc};
use rpc::idempotency::Key;

use crate::domain::Refusal;
use crate::domain::order::Order;
use crate::domain::saga::{Cancellation, Saga, SagaStep};

pub(super) use drive::drive;
pub(crate) use record::RecordOutcome;
pub(super) use record::confirm_paid;

/// A saga that somebody drives.
#[derive(Debug, Clone)]
pub(crate) struct SagaRun {
    /// The saga, with the attempt that it was taken up by.
    pub(super) saga: Saga,
    /// Its order.
    pub(super) order: Order,
    /// The request that waits for the outcome.
    pub(super) request: Option<Key>,
}

impl SagaRun {
    /// Of an order that is being placed, for the request that waits for it.
    pub(super) fn placing(order: Order, request: &Key) -> Self {
        let saga = Saga::begin(order.terms.saga_id, order.id);
        Self { saga, order, request: Some(request.clone()) }
    }

    /// Its step and how that ended can be recorded together with others': it is the usual way of an order.
    fn is_usual(&self, outcome: &StepOutcome) -> bool {
        self.saga.step == SagaStep::Placing
            && matches!(outcome, StepOutcome::Confirm | StepOutcome::Await { .. })
    }
}

/// How the request that waits for a saga is answered.
pub(crate) type SagaResponse = Result<Order, Refusal>;

/// How a step ended.
#[derive(Debug, Clone)]
enum StepOutcome {
    /// Stock is held, the buyer has to pay.
    Await {
        /// What the QR code says.
        qr_payload: String,
        /// Until when.
        expires_at: DateTime<Utc>,
    },
    /// Stock and money are held.
    Confirm,
    /// All is to be given back: the decision, before it is done.
    Compensate(Cancellation),
    /// The money had come, the buyer wants it back: the order is confirmed, and logistics is asked.
    ConfirmToEnd(Cancellation),
    /// All was given back.
    End(Cancellation),
    /// The order cannot be ended any more.
    Stay(Refusal),
}
