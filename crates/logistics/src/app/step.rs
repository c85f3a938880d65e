//! A parcel takes a step, whoever reports it.

use chrono::{DateTime, Duration, Utc};
use db::Tx;

use super::{App, Error};
use crate::domain::sandbox_carrier;
use crate::domain::shipment::{DeclarationState, Shipment, TrackingEvent};
use crate::events;
use crate::store::{declarations, shipments, tracking};

impl App {
    /// When the sandbox carrier moves it on; never in a hub whose carriers are real.
    pub(super) fn next_step_at(&self, shipment: &Shipment, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if !self.sandbox.enabled {
            return None;
        }
        let day = Duration::from_std(self.sandbox.day_length).ok()?;
        sandbox_carrier::next(shipment).map(|_| now + sandbox_carrier::stay(shipment, day))
    }

    /// A locked parcel takes a step, or is told of one that it took before: its row, its declaration, its history and the
    /// event belong together.
    pub(super) async fn move_on(
        &self,
        tx: &mut Tx,
        mut shipment: Shipment,
        reporter: &str,
        event: &TrackingEvent,
    ) -> Result<Shipment, Error> {
        let now = self.clock.now();
        let declared = DeclarationState::of(shipment.state);
        shipment.version += 1;
        if event.state > shipment.state {
            shipment.state = event.state;
            shipment.next_step_at = self.next_step_at(&shipment, now);
        }
        shipments::save(tx, &shipment).await?;
        let before = tracking::put(tx, shipment.id, reporter, event).await?;
        self.passages.note(tx, event, &before);
        let reached = DeclarationState::of(shipment.state);
        if let Some(id) = shipment.declaration_id.filter(|_| reached != declared) {
            declarations::advance(tx, id, reached, event.occurred_at).await?;
        }
        self.outbox.put(tx, &events::tracking_recorded(&shipment, event, now)).await?;
        Ok(shipment)
    }
}
