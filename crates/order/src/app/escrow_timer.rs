//! The timer of escrow: what was delivered and not objected to counts as received.

use std::sync::Arc;

use db::{Command, Tx};
use kernel::{ConsignmentId, OrderId};

use super::{App, Error, locked};
use crate::store::escrow;

/// Consignments that are received at once.
const BATCH: i64 = 50;

impl App {
    /// Receives the consignments whose time is over; whether there may be more.
    pub(crate) async fn release_escrow(self: Arc<Self>) -> anyhow::Result<bool> {
        let now = self.clock.now();
        let over: Vec<(OrderId, ConsignmentId)> =
            self.db.read(move |tx| Box::pin(escrow::over(tx, now, BATCH))).await?;
        for (order_id, consignment_id) in &over {
            let (order_id, consignment_id) = (*order_id, *consignment_id);
            self.db.run(&self, EndEscrow { order_id, consignment_id }).await?;
        }
        Ok(i64::try_from(over.len()).unwrap_or(BATCH) >= BATCH)
    }
}

/// A consignment whose time to object is over counts as received.
#[derive(Debug)]
struct EndEscrow {
    order_id: OrderId,
    consignment_id: ConsignmentId,
}

impl Command for EndEscrow {
    type App = App;
    type Output = ();
    type Error = Error;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<(), Error> {
        let order = locked(tx, self.order_id).await?;
        app.receive(tx, order, &[self.consignment_id], false).await?;
        Ok(())
    }
}
