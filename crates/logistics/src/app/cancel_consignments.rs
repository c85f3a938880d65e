//! An order ends early: all its consignments are cancelled before any is picked up, or none.

use db::{Command, Tx};
use kernel::OrderId;

use super::{App, Error};
use crate::domain::shipment::{DeclarationState, ShipmentState};
use crate::store::orders::{self, BookingState};
use crate::store::{declarations, shipments};

/// Cancels the consignments of an order; an order never seen leaves a tombstone.
#[derive(Debug)]
pub(crate) struct CancelConsignments {
    pub(crate) order_id: OrderId,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CancelOutcome {
    /// None was, or will be, picked up.
    Cancelled,
    /// One was picked up before: none was cancelled.
    AlreadyPickedUp,
}

impl Command<App> for CancelConsignments {
    type Output = CancelOutcome;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<CancelOutcome, Error> {
        let id = self.order_id;
        if !orders::decide(tx, vec![id], BookingState::Cancelled).await?.is_empty()
            || orders::lock(tx, id).await? == Some(BookingState::Cancelled)
        {
            return Ok(CancelOutcome::Cancelled);
        }
        let booked = shipments::lock_of_order(tx, id).await?;
        if booked.iter().any(|shipment| shipment.is_under_way()) {
            return Ok(CancelOutcome::AlreadyPickedUp);
        }
        let now = app.clock.now();
        for mut shipment in booked {
            shipment.state = ShipmentState::Cancelled;
            shipment.version += 1;
            shipment.next_step_at = None;
            shipments::save(tx, &shipment).await?;
            if let Some(declaration_id) = shipment.declaration_id {
                declarations::advance(tx, declaration_id, DeclarationState::Withdrawn, now).await?;
            }
        }
        orders::cancel(tx, id).await?;
        Ok(CancelOutcome::Cancelled)
    }
}
