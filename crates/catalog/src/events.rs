//! What has happened in the catalog, as events.

use chrono::{DateTime, Utc};
use events::Envelope;
use proto::catalog::events::v1 as wire;

use crate::domain::reservation::{Reservation, ReservedLine};
use crate::domain::seller::{Seller, SellerState};

/// A seller was verified or suspended. The aggregate is the seller.
pub(crate) fn seller_changed(seller: &Seller, at: DateTime<Utc>) -> Envelope {
    let state = match seller.state {
        SellerState::Applied => wire::SellerState::Applied,
        SellerState::Verified => wire::SellerState::Verified,
        SellerState::Suspended => wire::SellerState::Suspended,
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
pub(crate) fn stock_returned(
    reservation: &Reservation,
    lines: &[ReservedLine],
    at: DateTime<Utc>,
) -> Envelope {
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
