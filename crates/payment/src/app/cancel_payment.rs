//! Ending a QR code unless it was paid: one or the other, never both.

use kernel::{HoldId, OrderId};

use super::{App, Error};
use crate::domain::hold::State;
use crate::store::holds;

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Cancelled,
    AlreadyPaid,
}

impl App {
    /// Cancels a code that waits. An id never seen leaves a tombstone.
    pub(crate) async fn cancel_payment(&self, id: HoldId, order_id: OrderId) -> Result<Outcome, Error> {
        let (now, currency) = (self.clock.now(), self.hub.currency());
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    if holds::put_tombstone(tx, id, order_id, currency, now).await? {
                        return Ok(Outcome::Cancelled);
                    }
                    if let Some(hold) = holds::find(tx, id).await? {
                        hold.check_order(order_id)?;
                    }
                    // The receipt makes the same guarded step to `held`: only one of the two finds it awaiting.
                    if holds::advance(tx, id, State::Awaiting, State::Voided, None).await?.is_some() {
                        return Ok(Outcome::Cancelled);
                    }
                    let state = holds::find(tx, id).await?.map_or(State::Voided, |hold| hold.state);
                    Ok(if state == State::Voided { Outcome::Cancelled } else { Outcome::AlreadyPaid })
                })
            })
            .await
    }
}
