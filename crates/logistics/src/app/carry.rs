//! The sandbox carrier: moves parcels along by itself, by the hub's clock.

use std::sync::Arc;

use anyhow::Result;
use db::Tx;
use kernel::TrackingEventId;

use super::{App, Error};
use crate::domain::sandbox_carrier;
use crate::domain::shipment::TrackingEvent;
use crate::store::{events, shipments};

/// Parcels of one transaction.
const BATCH: i64 = 500;

impl App {
    /// Moves the parcels on whose time has come; whether there were any, since more may be waiting.
    pub(crate) async fn carry(self: Arc<Self>) -> Result<bool> {
        let app = self.clone();
        let moved = self.db.write(move |tx| {
            let app = app.clone();
            Box::pin(async move { app.carry_batch(tx).await })
        });
        Ok(moved.await? > 0)
    }

    async fn carry_batch(&self, tx: &mut Tx) -> Result<i64, Error> {
        let now = self.clock.now();
        let hub_country = self.hub.country().to_string();
        let mut moved = 0;
        for mut shipment in shipments::lock_due(tx, now, BATCH).await? {
            moved += 1;
            let Some(state) = sandbox_carrier::next(&shipment) else {
                shipment.next_step_at = None;
                shipments::save(tx, &shipment).await?;
                continue;
            };
            let event = TrackingEvent {
                id: TrackingEventId::new(),
                carrier_reference: format!("sandbox-{}-{}", shipment.tracking_number, state.as_str()),
                state,
                place: sandbox_carrier::place(&shipment, state, &hub_country),
                occurred_at: now,
                note: String::new(),
            };
            self.move_on(tx, shipment, events::SANDBOX, &event).await?;
        }
        Ok(moved)
    }
}
