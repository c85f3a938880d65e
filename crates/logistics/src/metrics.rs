//! What is measured of parcels, and how long they take.

use chrono::{DateTime, Utc};
use db::{Db, Tx};
use runtime::metrics::{Durations, Metric, Pace, Reading, Sampler};

use crate::domain::shipment::{DeclarationState, State, TrackingEvent};
use crate::store::events::Reached;
use crate::store::measures;

const CONSIGNMENTS: Metric =
    Metric::sampled("entrepot_logistics_consignments", "Consignments by state", &["state"]);
const DECLARATIONS: Metric = Metric::sampled(
    "entrepot_logistics_declarations",
    "Declarations to customs by state: released and withdrawn are their ends",
    &["state"],
);
const CLEARANCE: Metric = Metric::durations(
    "entrepot_logistics_import_clearance_seconds",
    "From a parcel's arrival in the country to its release by customs, in the hub's time",
);
const DOOR_TO_DOOR: Metric = Metric::durations(
    "entrepot_logistics_door_to_door_seconds",
    "From a parcel's pick-up to its delivery, in the hub's time",
);

const MINUTE: u32 = 60;
const HOUR: u32 = 60 * MINUTE;
const DAY: u32 = 24 * HOUR;
/// What hubs want is 3 hours where 72 were usual.
const CLEARANCE_BOUNDS: [u32; 13] = [
    1,
    MINUTE,
    10 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    4 * HOUR,
    6 * HOUR,
    12 * HOUR,
    24 * HOUR,
    48 * HOUR,
    72 * HOUR,
    168 * HOUR,
];
const DOOR_TO_DOOR_BOUNDS: [u32; 13] = [
    1,
    MINUTE,
    HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    3 * DAY,
    4 * DAY,
    5 * DAY,
    7 * DAY,
    10 * DAY,
    14 * DAY,
    30 * DAY,
];

/// How long parcels took that this process saw released or delivered.
#[derive(Debug, Clone)]
pub(crate) struct Passages {
    clearance: Durations,
    door_to_door: Durations,
}

impl Passages {
    pub(crate) fn new() -> Self {
        Self {
            clearance: Durations::new(&CLEARANCE_BOUNDS),
            door_to_door: Durations::new(&DOOR_TO_DOOR_BOUNDS),
        }
    }

    /// Counts a step of a parcel once it is committed.
    pub(crate) fn note(&self, tx: &mut Tx, event: &TrackingEvent, reached: &Reached) {
        let (durations, since) = match event.state {
            State::Released => (&self.clearance, reached.arrived_at),
            State::Delivered => (&self.door_to_door, reached.picked_up_at),
            _ => return,
        };
        let took = |since: DateTime<Utc>| (event.occurred_at - since).to_std().ok();
        if let Some(took) = since.and_then(took) {
            let durations = durations.clone();
            tx.after_commit(move || durations.observe(took));
        }
    }
}

pub(crate) fn samplers(db: &Db, passages: &Passages) -> Vec<Sampler> {
    let (db, passages) = (db.clone(), passages.clone());
    vec![
        Sampler::new("consignments", Pace::Seldom, move || Box::pin(by_state(db.clone()))),
        Sampler::new("passages", Pace::Often, move || {
            let Passages { clearance, door_to_door } = &passages;
            let readings = vec![CLEARANCE.took(clearance), DOOR_TO_DOOR.took(door_to_door)];
            Box::pin(async { Ok(readings) })
        }),
    ]
}

async fn by_state(db: Db) -> anyhow::Result<Vec<Reading>> {
    let read = db.read(|tx| {
        Box::pin(async move {
            Ok::<_, db::Error>((measures::consignments(tx).await?, measures::declarations(tx).await?))
        })
    });
    let (consignments, declarations) = read.await?;
    let mut readings = CONSIGNMENTS.of_each(&State::ALL.map(State::as_str), &consignments);
    readings
        .extend(DECLARATIONS.of_each(&DeclarationState::ALL.map(DeclarationState::as_str), &declarations));
    Ok(readings)
}
