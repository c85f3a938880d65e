//! Ending a QR code unless it was paid: one or the other, never both.

use db::{Command, Tx};
use kernel::{HoldId, OrderId};

use super::{App, Error};
use crate::domain::hold::State;
use crate::store::holds;

/// Cancels a code that waits. An id never seen leaves a tombstone.
#[derive(Debug)]
pub(crate) struct CancelPayment {
    pub(crate) hold_id: HoldId,
    pub(crate) order_id: OrderId,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Cancelled,
    AlreadyPaid,
}

impl Command for CancelPayment {
    type App = App;
    type Output = Outcome;
    type Error = Error;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Outcome, Error> {
        let id = self.hold_id;
        if holds::put_tombstone(tx, id, self.order_id, app.hub.currency(), app.clock.now()).await? {
            return Ok(Outcome::Cancelled);
        }
        if let Some(hold) = holds::find(tx, id).await? {
            hold.check_order(self.order_id)?;
        }
        // The receipt makes the same guarded step to `held`: only one of the two finds it awaiting.
        if holds::advance(tx, id, State::Awaiting, State::Voided, None).await?.is_some() {
            return Ok(Outcome::Cancelled);
        }
        let state = holds::find(tx, id).await?.map_or(State::Voided, |hold| hold.state);
        Ok(if state == State::Voided { Outcome::Cancelled } else { Outcome::AlreadyPaid })
    }
}
