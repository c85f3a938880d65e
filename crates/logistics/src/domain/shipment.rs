//! A consignment as the carrier has it, and how it may move on.

use chrono::{DateTime, Utc};
use customs::Transport;
use kernel::{ConsignmentId, Country, DeclarationId, OrderId, ShipmentId, TrackingEventId};
use serde::{Deserialize, Serialize};

/// Where a shipment stands; each state comes after those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    Booked,
    PickedUp,
    ExportCleared,
    Departed,
    Arrived,
    ImportAssessed,
    Released,
    OutForDelivery,
    Delivered,
    Cancelled,
}

impl State {
    pub(crate) const ALL: [Self; 10] = [
        Self::Booked,
        Self::PickedUp,
        Self::ExportCleared,
        Self::Departed,
        Self::Arrived,
        Self::ImportAssessed,
        Self::Released,
        Self::OutForDelivery,
        Self::Delivered,
        Self::Cancelled,
    ];

    /// As rows keep it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::PickedUp => "picked_up",
            Self::ExportCleared => "export_cleared",
            Self::Departed => "departed",
            Self::Arrived => "arrived",
            Self::ImportAssessed => "import_assessed",
            Self::Released => "released",
            Self::OutForDelivery => "out_for_delivery",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads [`State::as_str`].
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// A step at a border, which domestic parcels do not meet.
    fn is_at_border(self) -> bool {
        (Self::ExportCleared..=Self::Released).contains(&self)
    }
}

/// Where a parcel goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Address {
    pub(crate) recipient: String,
    pub(crate) line1: String,
    pub(crate) line2: String,
    pub(crate) city: String,
    pub(crate) state: String,
    pub(crate) postcode: String,
    /// ISO 3166-1 alpha-2.
    pub(crate) country: String,
    pub(crate) phone: String,
}

/// A consignment as the carrier has it.
#[derive(Debug, Clone)]
pub(crate) struct Shipment {
    pub(crate) id: ShipmentId,
    pub(crate) consignment_id: ConsignmentId,
    pub(crate) order_id: OrderId,
    pub(crate) order_number: String,
    pub(crate) buyer: String,
    pub(crate) seller_id: String,
    /// The seller's name as the buyer saw it; empty for parcels that were booked before it was kept.
    pub(crate) sender: String,
    /// The S10 item number.
    pub(crate) tracking_number: String,
    pub(crate) carrier: String,
    pub(crate) service: String,
    pub(crate) transport: Transport,
    pub(crate) from: Country,
    pub(crate) chargeable_grams: i64,
    /// Days in transit, at least.
    pub(crate) days_min: i64,
    pub(crate) address: Address,
    pub(crate) state: State,
    pub(crate) version: i64,
    /// When the sandbox carrier moves it on.
    pub(crate) next_step_at: Option<DateTime<Utc>>,
    pub(crate) created_at: DateTime<Utc>,
    /// None for goods that cross no border.
    pub(crate) declaration_id: Option<DeclarationId>,
}

/// Something that happened to a parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TrackingEvent {
    pub(crate) id: TrackingEventId,
    /// The carrier's own id of it.
    pub(crate) carrier_reference: String,
    pub(crate) state: State,
    pub(crate) place: String,
    pub(crate) occurred_at: DateTime<Utc>,
    pub(crate) note: String,
}

/// What a reported state does to a shipment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It moves on.
    Moves,
    /// It is there or further already: nothing changes.
    Known,
    /// It was cancelled.
    Cancelled,
    /// It cannot be, in a sentence.
    Impossible(String),
}

impl Shipment {
    /// What a reported state does. A parcel only moves forward; scans in between may be missing, but nothing is handed
    /// over that customs has not let in.
    pub(crate) fn judge(&self, reported: State) -> Verdict {
        if self.state == State::Cancelled {
            return Verdict::Cancelled;
        }
        if reported <= self.state {
            return Verdict::Known;
        }
        let crosses = self.declaration_id.is_some();
        if !crosses && reported.is_at_border() {
            let message = format!("a parcel within the country has no step {}", reported.as_str());
            return Verdict::Impossible(message);
        }
        if crosses && reported > State::Released && self.state < State::Released {
            let message = format!(
                "customs has not released it: {} cannot follow {}",
                reported.as_str(),
                self.state.as_str()
            );
            return Verdict::Impossible(message);
        }
        Verdict::Moves
    }

    /// The carrier has, or had, it.
    pub(crate) fn is_under_way(&self) -> bool {
        !matches!(self.state, State::Booked | State::Cancelled)
    }
}

/// Where a declaration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DeclarationState {
    Drafted,
    Lodged,
    Assessed,
    Released,
    Withdrawn,
}

impl DeclarationState {
    pub(crate) const ALL: [Self; 5] =
        [Self::Drafted, Self::Lodged, Self::Assessed, Self::Released, Self::Withdrawn];

    /// As rows keep it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Drafted => "drafted",
            Self::Lodged => "lodged",
            Self::Assessed => "assessed",
            Self::Released => "released",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Reads [`DeclarationState::as_str`].
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Where a declaration stands once its parcel does. It is lodged when the parcel leaves, before it arrives.
    pub(crate) fn of(state: State) -> Self {
        match state {
            State::Booked | State::PickedUp => Self::Drafted,
            State::ExportCleared | State::Departed | State::Arrived => Self::Lodged,
            State::ImportAssessed => Self::Assessed,
            State::Released | State::OutForDelivery | State::Delivered => Self::Released,
            State::Cancelled => Self::Withdrawn,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn shipment(state: State, crosses: bool) -> Shipment {
        Shipment {
            id: ShipmentId::new(),
            consignment_id: ConsignmentId::new(),
            order_id: OrderId::new(),
            order_number: "MY-7K3Q-2M".to_owned(),
            buyer: "aisyah".to_owned(),
            seller_id: "seller".to_owned(),
            sender: "Baan Silk".to_owned(),
            tracking_number: "LX123456785TH".to_owned(),
            carrier: "selat".to_owned(),
            service: "selat-packet".to_owned(),
            transport: Transport::Post,
            from: "TH".parse().unwrap(),
            chargeable_grams: 250,
            days_min: 4,
            address: Address { recipient: "Aisyah & <Co>".to_owned(), ..Address::default() },
            state,
            version: 1,
            next_step_at: None,
            created_at: DateTime::UNIX_EPOCH,
            declaration_id: crosses.then(DeclarationId::new),
        }
    }

    #[test]
    fn a_parcel_moves_forward_only() {
        for (from, current) in State::ALL.into_iter().enumerate() {
            for (to, reported) in State::ALL.into_iter().enumerate().take(9) {
                let verdict = shipment(current, true).judge(reported);
                match verdict {
                    Verdict::Cancelled => assert_eq!(current, State::Cancelled),
                    Verdict::Known => assert!(to <= from),
                    Verdict::Moves => assert!(to > from),
                    Verdict::Impossible(_) => {
                        assert!(reported > State::Released && current < State::Released);
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_is_handed_over_that_customs_has_not_let_in() {
        let arrived = shipment(State::ImportAssessed, true);
        assert!(matches!(arrived.judge(State::Delivered), Verdict::Impossible(_)));
        assert_eq!(shipment(State::Released, true).judge(State::Delivered), Verdict::Moves);
    }

    #[test]
    fn a_domestic_parcel_meets_no_customs() {
        let parcel = shipment(State::PickedUp, false);
        assert!(matches!(parcel.judge(State::Released), Verdict::Impossible(_)));
        assert_eq!(parcel.judge(State::OutForDelivery), Verdict::Moves);
    }

    #[test]
    fn states_are_read_back() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
        for state in DeclarationState::ALL {
            assert_eq!(DeclarationState::parse(state.as_str()), Some(state));
        }
    }
}
