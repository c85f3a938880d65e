//! A carrier or customs reports a step of a parcel.

use chrono::{DateTime, Utc};
use db::{Command, Tx};
use kernel::TrackingEventId;

use super::{App, Error};
use crate::domain::shipment::{Shipment, ShipmentState, TrackingEvent, Transition};
use crate::store::{shipments, tracking};

/// Records a step. What comes late has its place in the history and moves nothing; what is repeated changes nothing. The
/// shipment as it then stands.
#[derive(Debug)]
pub(crate) struct RecordTrackingEvent {
    /// The carrier's own id of it.
    pub(crate) carrier_reference: String,
    pub(crate) tracking_number: String,
    pub(crate) state: ShipmentState,
    pub(crate) place: String,
    /// `None`: now.
    pub(crate) occurred_at: Option<DateTime<Utc>>,
    pub(crate) note: String,
    /// The carrier that reports; `None`: an operator, who may for all.
    pub(crate) carrier: Option<String>,
}

impl Command<App> for RecordTrackingEvent {
    type Output = (Shipment, Vec<TrackingEvent>);

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Self::Output, Error> {
        let number = &self.tracking_number;
        let found = shipments::lock_by_number(tx, number).await?;
        let is_its_own =
            |shipment: &Shipment| self.carrier.as_ref().is_none_or(|own| *own == shipment.carrier);
        let shipment = found.filter(is_its_own).ok_or_else(|| Error::not_found("shipment", number))?;
        let reported = tracking::by_reference(tx, &shipment.carrier, &self.carrier_reference).await?;
        let shipment = match reported {
            Some((of, event)) if of == shipment.id && self.tells_of(&event) => shipment,
            Some(_) => {
                let problem = "was already used for another event: each event needs its own".to_owned();
                return Err(Error::invalid("carrier_reference", problem));
            }
            None => self.judge_and_move(app, tx, shipment).await?,
        };
        let steps = tracking::of(tx, shipment.id).await?;
        Ok((shipment, steps))
    }
}

impl RecordTrackingEvent {
    /// Whether it tells once more of an event.
    fn tells_of(&self, event: &TrackingEvent) -> bool {
        self.state == event.state
            && self.place == event.place
            && self.note == event.note
            && self.occurred_at.is_none_or(|at| event.was_stated_as(at))
    }

    async fn judge_and_move(&self, app: &App, tx: &mut Tx, shipment: Shipment) -> Result<Shipment, Error> {
        let steps = tracking::of(tx, shipment.id).await?;
        match shipment.judge(self.state, &steps) {
            Transition::Known => return Ok(shipment),
            Transition::Cancelled => {
                let message = format!("{} was cancelled before it was picked up", shipment.tracking_number);
                return Err(Error::refused("SHIPMENT_CANCELLED", message));
            }
            Transition::Impossible(message) => return Err(Error::refused("INVALID_TRANSITION", message)),
            Transition::Moves | Transition::Late => {}
        }
        let occurred_at = shipment
            .time_of(self.state, self.occurred_at, &steps, app.clock.now())
            .map_err(|problem| Error::invalid("occurred_at", problem))?;
        let event = TrackingEvent {
            id: TrackingEventId::new(),
            carrier_reference: self.carrier_reference.clone(),
            state: self.state,
            place: self.place.clone(),
            occurred_at,
            note: self.note.clone(),
        };
        let reporter = shipment.carrier.clone();
        app.move_on(tx, shipment, &reporter, &event).await
    }
}
