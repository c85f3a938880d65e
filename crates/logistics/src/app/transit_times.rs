//! How long parcels take.

use chrono::{DateTime, Utc};
use db::Tx;
use runtime::metrics::Durations;

use crate::domain::shipment::{ShipmentState, TrackingEvent};
use crate::store::tracking::Milestones;

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
pub(crate) struct TransitTimes {
    pub(crate) clearance: Durations,
    pub(crate) door_to_door: Durations,
}

impl TransitTimes {
    pub(crate) fn new() -> Self {
        Self {
            clearance: Durations::new(&CLEARANCE_BOUNDS),
            door_to_door: Durations::new(&DOOR_TO_DOOR_BOUNDS),
        }
    }

    /// Counts a step of a parcel once it is committed.
    pub(crate) fn note(&self, tx: &mut Tx, event: &TrackingEvent, reached: &Milestones) {
        let (durations, since) = match event.state {
            ShipmentState::Released => (&self.clearance, reached.arrived_at),
            ShipmentState::Delivered => (&self.door_to_door, reached.picked_up_at),
            _ => return,
        };
        let took = |since: DateTime<Utc>| (event.occurred_at - since).to_std().ok();
        if let Some(took) = since.and_then(took) {
            let durations = durations.clone();
            tx.after_commit(move || durations.observe(took));
        }
    }
}
