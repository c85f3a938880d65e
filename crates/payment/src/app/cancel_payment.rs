//! Ending a QR code unless it was paid: one or the other, never both.

use db::{Command, Tx};
use kernel::{HoldId, OrderId};

use super::{App, Error};
use crate::domain::hold::HoldState;
use crate::store::holds;

/// Cancels a code that waits. An id never seen leaves a tombstone.
#[derive(Debug)]
pub(crate) struct CancelPayment {
    pub(crate) hold_id: HoldId,
    pub(crate) order_id: OrderId,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CancelPaymentOutcome {
    Cancelled,
    AlreadyPaid,
}

impl Command<App> for CancelPayment {
    type Output = CancelPaymentOutcome;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<CancelPaymentOutcome, Error> {
        let id = self.hold_id;
        if holds::put_tombstone(tx, id, self.order_id, app.hub.currency(), app.clock.now()).await? {
            return Ok(CancelPaymentOutcome::Cancelled);
        }
        if let Some(hold) = holds::find(tx, id).await? {
            hold.check_order(self.order_id)?;
        }
        // The receipt makes the same guarded step to `held`: only one of the two finds it awaiting.
        if !holds::advance(tx, [id], HoldState::Awaiting, HoldState::Voided, None).await?.is_empty() {
            return Ok(CancelPaymentOutcome::Cancelled);
        }
        let state = holds::find(tx, id).await?.map_or(HoldState::Voided, |hold| hold.state);
        Ok(if state == HoldState::Voided {
            CancelPaymentOutcome::Cancelled
        } else {
            CancelPaymentOutcome::AlreadyPaid
        })
    }
}
