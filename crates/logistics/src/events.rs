//! What has happened to parcels, as events. The aggregate is the shipment, its version the shipment's.

use chrono::{DateTime, Utc};
use events::Envelope;
use proto::convert::timestamp;
use proto::logistics::events::v1 as message;

use crate::domain::shipment::{Shipment, ShipmentState, TrackingEvent};

/// A consignment has its number and label.
pub(crate) fn consignment_booked(shipment: &Shipment, at: DateTime<Utc>) -> Envelope {
    let message = message::ConsignmentBooked {
        shipment_id: shipment.id.to_string(),
        consignment_id: shipment.consignment_id.to_string(),
        order_id: shipment.order_id.to_string(),
        tracking_number: shipment.tracking_number.clone(),
        declaration_id: shipment.declaration_id.map(|id| id.to_string()).unwrap_or_default(),
        booked_at: Some(timestamp(shipment.created_at)),
    };
    Envelope::of(shipment.id, shipment.version, at, &message)
}

/// A parcel moved on.
pub(crate) fn tracking_recorded(shipment: &Shipment, event: &TrackingEvent, at: DateTime<Utc>) -> Envelope {
    let message = message::TrackingRecorded {
        shipment_id: shipment.id.to_string(),
        consignment_id: shipment.consignment_id.to_string(),
        order_id: shipment.order_id.to_string(),
        state: state(event.state).into(),
        place: event.place.clone(),
        occurred_at: Some(timestamp(event.occurred_at)),
        note: event.note.clone(),
    };
    Envelope::of(shipment.id, shipment.version, at, &message)
}

fn state(state: ShipmentState) -> message::ShipmentState {
    match state {
        ShipmentState::Booked => message::ShipmentState::Booked,
        ShipmentState::PickedUp => message::ShipmentState::PickedUp,
        ShipmentState::ExportCleared => message::ShipmentState::ExportCleared,
        ShipmentState::Departed => message::ShipmentState::Departed,
        ShipmentState::Arrived => message::ShipmentState::Arrived,
        ShipmentState::ImportAssessed => message::ShipmentState::ImportAssessed,
        ShipmentState::Released => message::ShipmentState::Released,
        ShipmentState::OutForDelivery => message::ShipmentState::OutForDelivery,
        ShipmentState::Delivered => message::ShipmentState::Delivered,
        ShipmentState::Cancelled => message::ShipmentState::Cancelled,
    }
}
