//! The sandbox carrier: moves parcels along by itself, by the hub's clock.

use db::{Command, Tx};
use kernel::TrackingEventId;

use super::{App, Error};
use crate::domain::sandbox_carrier;
use crate::domain::shipment::TrackingEvent;
use crate::store::{shipments, tracking};

/// Parcels of one transaction.
const BATCH: i64 = 500;

/// Moves the parcels on whose time has come; whether there were any, since more may be waiting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Carry;

impl Command<App> for Carry {
    type Output = bool;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<bool, Error> {
        let now = app.clock.now();
        let hub_country = app.hub.country().to_string();
        let due = shipments::lock_due(tx, now, BATCH).await?;
        let any = !due.is_empty();
        for mut shipment in due {
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
            app.move_on(tx, shipment, tracking::SANDBOX, &event).await?;
        }
        Ok(any)
    }
}
