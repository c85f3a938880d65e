//! A carrier or customs reports a step of a parcel.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::TrackingEventId;

use super::{App, Error};
use crate::domain::shipment::{DeclarationState, Shipment, State, TrackingEvent, Verdict};
use crate::facts;
use crate::store::{declarations, events, shipments};

/// What is reported.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    /// The carrier's own id of it.
    pub(crate) carrier_reference: String,
    pub(crate) tracking_number: String,
    pub(crate) state: State,
    pub(crate) place: String,
    /// `None`: now.
    pub(crate) occurred_at: Option<DateTime<Utc>>,
    pub(crate) note: String,
    /// The carrier that reports; `None`: an operator, who may for all.
    pub(crate) carrier: Option<String>,
}

impl Report {
    /// Whether it tells once more of an event.
    fn tells_of(&self, event: &TrackingEvent) -> bool {
        self.state == event.state
            && self.place == event.place
            && self.note == event.note
            && self.occurred_at.is_none_or(|at| at == event.occurred_at)
    }
}

impl App {
    /// Records it; what is repeated or older changes nothing. The shipment as it then stands.
    pub(crate) async fn record_tracking(
        &self,
        report: Report,
    ) -> Result<(Shipment, Vec<TrackingEvent>), Error> {
        let app = self.clone();
        self.db
            .write(move |tx| {
                let (app, report) = (app.clone(), report.clone());
                Box::pin(async move { app.record(tx, report).await })
            })
            .await
    }

    async fn record(&self, tx: &mut Tx, report: Report) -> Result<(Shipment, Vec<TrackingEvent>), Error> {
        let number = report.tracking_number.clone();
        let found = shipments::lock_by_number(tx, &number).await?;
        let is_its_own =
            |shipment: &Shipment| report.carrier.as_ref().is_none_or(|own| *own == shipment.carrier);
        let shipment = found.filter(is_its_own).ok_or_else(|| Error::not_found("shipment", &number))?;
        if let Some((of, event)) =
            events::by_reference(tx, &shipment.carrier, &report.carrier_reference).await?
        {
            if of != shipment.id || !report.tells_of(&event) {
                let problem = "was used for another event: each has its own".to_owned();
                return Err(Error::Invalid { field: "carrier_reference", problem });
            }
            let steps = events::of(tx, shipment.id).await?;
            return Ok((shipment, steps));
        }
        let shipment = self.judge_and_move(tx, shipment, report).await?;
        let steps = events::of(tx, shipment.id).await?;
        Ok((shipment, steps))
    }

    async fn judge_and_move(
        &self,
        tx: &mut Tx,
        shipment: Shipment,
        report: Report,
    ) -> Result<Shipment, Error> {
        match shipment.judge(report.state) {
            Verdict::Known => return Ok(shipment),
            Verdict::Cancelled => {
                let message = format!("{} was cancelled before it was picked up", shipment.tracking_number);
                return Err(Error::refused("SHIPMENT_CANCELLED", message));
            }
            Verdict::Impossible(message) => return Err(Error::refused("INVALID_TRANSITION", message)),
            Verdict::Moves => {}
        }
        let now = self.clock.now();
        let steps = events::of(tx, shipment.id).await?;
        let occurred_at = shipment
            .time_of(report.state, report.occurred_at, &steps, now)
            .map_err(|problem| Error::Invalid { field: "occurred_at", problem })?;
        let event = TrackingEvent {
            id: TrackingEventId::new(),
            carrier_reference: report.carrier_reference,
            state: report.state,
            place: report.place,
            occurred_at,
            note: report.note,
        };
        let reporter = shipment.carrier.clone();
        self.move_on(tx, shipment, &reporter, &event).await
    }

    /// A locked parcel takes a step: its row, its declaration, its history and the event belong together.
    pub(super) async fn move_on(
        &self,
        tx: &mut Tx,
        mut shipment: Shipment,
        reporter: &str,
        event: &TrackingEvent,
    ) -> Result<Shipment, Error> {
        let now = self.clock.now();
        let declared = DeclarationState::of(shipment.state);
        shipment.state = event.state;
        shipment.version += 1;
        shipment.next_step_at = self.next_step_at(&shipment, now);
        shipments::save(tx, &shipment).await?;
        let before = events::put(tx, shipment.id, reporter, event).await?;
        self.passages.note(tx, event, &before);
        let reached = DeclarationState::of(event.state);
        if let Some(id) = shipment.declaration_id.filter(|_| reached != declared) {
            declarations::advance(tx, id, reached, event.occurred_at).await?;
        }
        self.outbox.put(tx, &facts::tracking_recorded(&shipment, event, now)).await?;
        Ok(shipment)
    }
}
