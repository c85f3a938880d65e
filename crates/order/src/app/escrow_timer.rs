//! The timer of escrow: what was delivered and not objected to counts as received.

use std::sync::Arc;

use db::{Command, Query, Tx};
use kernel::{ConsignmentId, OrderId};

use super::{App, Error, locked};
use crate::store::escrow;

/// Consignments that are received at once.
const BATCH: i64 = 50;

impl App {
    /// Receives the consignments whose time is over; whether there may be more.
    pub(crate) async fn release_escrow(self: Arc<Self>) -> anyhow::Result<bool> {
        let over = self.db.query(&self, ListEndedEscrows).await?;
        for (order_id, consignment_id) in &over {
            let (order_id, consignment_id) = (*order_id, *consignment_id);
            self.db.run(&self, EndEscrow { order_id, consignment_id }).await?;
        }
        Ok(i64::try_from(over.len()).unwrap_or(BATCH) >= BATCH)
    }
}

/// Consignments whose time is over.
#[derive(Debug)]
struct ListEndedEscrows;

impl Query<App> for ListEndedEscrows {
    type Output = Vec<(OrderId, ConsignmentId)>;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Self::Output, Error> {
        Ok(escrow::over(tx, app.clock.now(), BATCH).await?)
    }
}

/// A consignment whose time to object is over counts as received.
#[derive(Debug)]
struct EndEscrow {
    order_id: OrderId,
    consignment_id: ConsignmentId,
}

impl Command<App> for EndEscrow {
    type Output = ();

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<(), Error> {
        let order = locked(tx, self.order_id).await?;
        app.receive(tx, order, &[self.consignment_id], false).await?;
        Ok(())
    }
}
