//! What has happened in the catalog, as events.

use chrono::{DateTime, Utc};
use events::Envelope;
use proto::catalog::events::v1 as wire;
use proto::catalog::events::v1::SellerState;

use crate::domain::reservation::{Line, Reservation};
use crate::domain::seller::{Seller, State};

/// A seller was verified or suspended. The aggregate is the seller.
pub(crate) fn seller_changed(seller: &Seller, at: DateTime<Utc>) -> Envelope {
    let state = match seller.state {
        State::Applied => SellerState::Applied,
        State::Verified => SellerState::Verified,
        State::Suspended => SellerState::Suspended,
    };
    let message = wire::SellerChanged { seller_id: seller.id.to_string(), state: state.into() };
    Envelope::of(seller.id, seller.version, at, &message)
}

/// Goods left the shelf. The aggregate is the reservation.
pub(crate) fn stock_dispatched(reservation: &Reservation, at: DateTime<Utc>) -> Envelope {
    let message = wire::StockDispatched {
        reservation_id: reservation.id.to_string(),
        order_id: reservation.order_id.to_string(),
    };
    Envelope::of(reservation.id, reservation.version, at, &message)
}

/// Goods came back on the shelf. The aggregate is the reservation.
pub(crate) fn stock_returned(reservation: &Reservation, lines: &[Line], at: DateTime<Utc>) -> Envelope {
    let units = lines
        .iter()
        .map(|line| wire::ReturnedUnits { variant_id: line.variant_id.to_string(), quantity: line.quantity });
    let message = wire::StockReturned {
        reservation_id: reservation.id.to_string(),
        order_id: reservation.order_id.to_string(),
        units: units.collect(),
    };
    Envelope::of(reservation.id, reservation.version, at, &message)
}
