//! An order ends early: all its consignments are cancelled before any is picked up, or none.

use db::Tx;
use kernel::OrderId;

use super::{App, Error};
use crate::domain::shipment::{DeclarationState, State};
use crate::store::orders::{self, Fate};
use crate::store::{declarations, shipments};

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// None was, or will be, picked up.
    Cancelled,
    /// One was picked up before: none was cancelled.
    AlreadyPickedUp,
}

impl App {
    /// Cancels them; an order never seen leaves a tombstone.
    pub(crate) async fn cancel_consignments(&self, id: OrderId) -> Result<Outcome, Error> {
        let app = self.clone();
        self.db
            .write(move |tx| {
                let app = app.clone();
                Box::pin(async move { app.cancel(tx, id).await })
            })
            .await
    }

    async fn cancel(&self, tx: &mut Tx, id: OrderId) -> Result<Outcome, Error> {
        if orders::decide(tx, id, Fate::Cancelled).await?
            || orders::lock(tx, id).await? == Some(Fate::Cancelled)
        {
            return Ok(Outcome::Cancelled);
        }
        let booked = shipments::lock_of_order(tx, id).await?;
        if booked.iter().any(|shipment| shipment.is_under_way()) {
            return Ok(Outcome::AlreadyPickedUp);
        }
        let now = self.clock.now();
        for mut shipment in booked {
            shipment.state = State::Cancelled;
            shipment.version += 1;
            shipment.next_step_at = None;
            shipments::save(tx, &shipment).await?;
            if let Some(declaration_id) = shipment.declaration_id {
                declarations::advance(tx, declaration_id, DeclarationState::Withdrawn, now).await?;
            }
        }
        orders::cancel(tx, id).await?;
        Ok(Outcome::Cancelled)
    }
}
