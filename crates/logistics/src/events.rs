//! What has happened to parcels, as events. The aggregate is the shipment, its version the shipment's.

use chrono::{DateTime, Utc};
use events::Envelope;
use proto::convert::timestamp;
use proto::logistics::events::v1 as message;

use crate::domain::shipment::{Shipment, TrackingEvent};
use crate::wire;

/// A consignment has its number and label.
pub(crate) fn consignment_booked(shipment: &Shipment) -> Envelope {
    let message = message::ConsignmentBooked {
        shipment_id: shipment.id.to_string(),
        consignment_id: shipment.consignment_id.to_string(),
        order_id: shipment.order_id.to_string(),
        tracking_number: shipment.tracking_number.clone(),
        declaration_id: shipment.declaration_id.map(|id| id.to_string()).unwrap_or_default(),
        booked_at: Some(timestamp(shipment.created_at)),
    };
    Envelope::of(shipment.id, shipment.version, shipment.created_at, &message)
}

/// A parcel moved on.
pub(crate) fn tracking_recorded(shipment: &Shipment, event: &TrackingEvent, at: DateTime<Utc>) -> Envelope {
    let message = message::TrackingRecorded {
        shipment_id: shipment.id.to_string(),
        consignment_id: shipment.consignment_id.to_string(),
        order_id: shipment.order_id.to_string(),
        // The states of events have the numbers of the API's.
        state: wire::state(event.state).into(),
        place: event.place.clone(),
        occurred_at: Some(timestamp(event.occurred_at)),
        note: event.note.clone(),
    };
    Envelope::of(shipment.id, shipment.version, at, &message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::shipment::ShipmentState;

    #[test]
    fn events_and_the_api_number_the_states_alike() {
        for state in ShipmentState::ALL.map(wire::state) {
            let told = message::ShipmentState::try_from(i32::from(state)).unwrap();
            assert_eq!(told.as_str_name(), state.as_str_name());
        }
    }
}
