//! What happened to parcels.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use db::{Ids, Tx};
use kernel::ShipmentId;
use uuid::Uuid;

use crate::domain::shipment::{Shipment, ShipmentState, TrackingEvent};

/// The most steps of a parcel that are read: it has eight at most.
const STEPS_MAX: i64 = 100;

#[derive(sqlx::FromRow)]
struct Row {
    tracking_event_id: Uuid,
    carrier_reference: String,
    state: String,
    place: String,
    note: String,
    occurred_at: DateTime<Utc>,
}

/// An event with whose it is.
#[derive(sqlx::FromRow)]
struct ReportedRow {
    shipment_id: Uuid,
    #[sqlx(flatten)]
    row: Row,
}

impl Row {
    fn read(self) -> Result<TrackingEvent, db::Error> {
        Ok(TrackingEvent {
            id: self.tracking_event_id.into(),
            state: ShipmentState::parse(&self.state).ok_or_else(|| super::broken(&self.state))?,
            carrier_reference: self.carrier_reference,
            place: self.place,
            note: self.note,
            occurred_at: self.occurred_at,
        })
    }
}

/// When a parcel reached the steps from which its passages are measured, if it did.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub(crate) struct Milestones {
    pub(crate) picked_up_at: Option<DateTime<Utc>>,
    pub(crate) arrived_at: Option<DateTime<Utc>>,
}

/// Who reports, in the sandbox: no carrier has this code.
pub(crate) const SANDBOX: &str = "";

/// What tells an event from all others: each reporter has names of its own for what it reports.
fn key(reporter: &str, carrier_reference: &str) -> String {
    format!("{reporter}/{carrier_reference}")
}

/// Writes an event that a carrier reported, by its code; what came before it.
pub(crate) async fn put(
    tx: &mut Tx,
    id: ShipmentId,
    reporter: &str,
    event: &TrackingEvent,
) -> Result<Milestones, db::Error> {
    db::fetch_one!(
        tx,
        Milestones,
        "insert into tracking_events (tracking_event_id, shipment_id, carrier_reference, reported_reference, state, place, \
         note, occurred_at) values ($1, $2, $3, $4, $5, $6, $7, $8) returning \
         (select min(occurred_at) from tracking_events as before \
             where before.shipment_id = $2 and before.state = 'picked_up') as picked_up_at, \
         (select min(occurred_at) from tracking_events as before \
             where before.shipment_id = $2 and before.state = 'arrived') as arrived_at",
        event.id.uuid(),
        id.uuid(),
        key(reporter, &event.carrier_reference),
        event.carrier_reference.as_str(),
        event.state.as_str(),
        event.place.as_str(),
        event.note.as_str(),
        event.occurred_at,
    )
}

/// The event that a carrier reported under this id, and of which shipment.
pub(crate) async fn by_reference(
    tx: &mut Tx,
    reporter: &str,
    carrier_reference: &str,
) -> Result<Option<(ShipmentId, TrackingEvent)>, db::Error> {
    let found = db::fetch_optional!(
        tx,
        ReportedRow,
        "select shipment_id, tracking_event_id, coalesce(reported_reference, carrier_reference) as carrier_reference, state, \
         place, note, occurred_at from tracking_events where carrier_reference = $1 \
         or carrier_reference = $2 and reported_reference is null and exists (select 1 from shipments \
             where shipments.shipment_id = tracking_events.shipment_id and shipments.carrier = $3) limit 1",
        key(reporter, carrier_reference),
        carrier_reference,
        reporter,
    )?;
    found.map(|found| Ok((found.shipment_id.into(), found.row.read()?))).transpose()
}

/// What happened to a parcel, oldest first.
pub(crate) async fn of(tx: &mut Tx, id: ShipmentId) -> Result<Vec<TrackingEvent>, db::Error> {
    let rows = db::fetch_all!(
        tx,
        Row,
        "select tracking_event_id, coalesce(reported_reference, carrier_reference) as carrier_reference, state, place, note, \
         occurred_at from tracking_events where shipment_id = $1 order by occurred_at, tracking_event_id limit $2",
        id.uuid(),
        STEPS_MAX,
    )?;
    rows.into_iter().map(Row::read).collect()
}

macro_rules! steps_where {
    ($where:literal) => {
        concat!(
            "select shipment_id, tracking_event_id, coalesce(reported_reference, carrier_reference) as carrier_reference, \
             state, place, note, occurred_at from tracking_events where ",
            $where
        )
    };
}

/// Shipments with what happened to each, oldest first.
pub(crate) async fn beside(
    tx: &mut Tx,
    shipments: Vec<Shipment>,
) -> Result<Vec<(Shipment, Vec<TrackingEvent>)>, db::Error> {
    let sql = tx.sql(
        steps_where!("shipment_id = any($1) order by occurred_at, tracking_event_id"),
        steps_where!(
            "shipment_id in (select unhex(value, '-') from json_each($1)) order by occurred_at, tracking_event_id"
        ),
    );
    let ids = shipments.iter().map(|shipment| shipment.id).collect::<Ids>();
    let mut steps: HashMap<Uuid, Vec<TrackingEvent>> = HashMap::new();
    for ReportedRow { shipment_id, row } in db::fetch_all!(tx, ReportedRow, sql, ids)? {
        steps.entry(shipment_id).or_default().push(row.read()?);
    }
    let beside = |shipment: Shipment| {
        let steps = steps.remove(&shipment.id.uuid()).unwrap_or_default();
        (shipment, steps)
    };
    Ok(shipments.into_iter().map(beside).collect())
}
