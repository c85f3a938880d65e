//! The timer of escrow: what was delivered and not objected to counts as received.

use std::sync::Arc;

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
            let (app, order_id, consignment_id) = (self.clone(), *order_id, *consignment_id);
            let received: Result<(), Error> = self
                .db
                .write(move |tx| {
                    let app = app.clone();
                    Box::pin(async move {
                        let order = locked(tx, order_id).await?;
                        app.receive(tx, order, &[consignment_id], false).await?;
                        Ok(())
                    })
                })
                .await;
            received?;
        }
        Ok(i64::try_from(over.len()).unwrap_or(BATCH) >= BATCH)
    }
}
