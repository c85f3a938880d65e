//! A consignment as the carrier has it, and how it may move on.

use chrono::{DateTime, Duration, Utc};
use kernel::{ConsignmentId, Country, DeclarationId, OrderId, ShipmentId, TrackingEventId};
use trade::{Address, Transport};

kernel::words! {
    /// Where a shipment stands; each state comes after those before it.
    #[derive(PartialOrd, Ord)]
    pub(crate) enum ShipmentState {
        Booked = "booked",
        PickedUp = "picked_up",
        ExportCleared = "export_cleared",
        Departed = "departed",
        Arrived = "arrived",
        ImportAssessed = "import_assessed",
        Released = "released",
        OutForDelivery = "out_for_delivery",
        Delivered = "delivered",
        Cancelled = "cancelled",
    }
}

impl ShipmentState {
    /// Whether a step can only come after this one: all but the booking's need the pick-up, the door customs' release.
    /// The steps between are of several parties, whose clocks differ.
    fn must_precede(self, later: Self) -> bool {
        match self {
            Self::PickedUp => later > Self::PickedUp,
            Self::Released => later > Self::Released,
            _ => false,
        }
    }

    /// A step at a border, which domestic parcels do not meet.
    fn is_at_border(self) -> bool {
        (Self::ExportCleared..=Self::Released).contains(&self)
    }
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
    pub(crate) state: ShipmentState,
    pub(crate) version: i64,
    /// When the sandbox carrier moves it on.
    pub(crate) next_step_at: Option<DateTime<Utc>>,
    pub(crate) created_at: DateTime<Utc>,
    /// None for goods that cross no border.
    pub(crate) declaration_id: Option<DeclarationId>,
}

/// How far ahead of the hub's clock a carrier's may be; what is stated within it counts as now.
const CLOCKS_DIFFER_BY: Duration = Duration::seconds(30);

/// Something that happened to a parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TrackingEvent {
    pub(crate) id: TrackingEventId,
    /// The carrier's own id of it.
    pub(crate) carrier_reference: String,
    pub(crate) state: ShipmentState,
    pub(crate) place: String,
    pub(crate) occurred_at: DateTime<Utc>,
    pub(crate) note: String,
}

/// What a reported state does to a shipment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Transition {
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
    pub(crate) fn judge(&self, reported: ShipmentState) -> Transition {
        if self.state == ShipmentState::Cancelled {
            return Transition::Cancelled;
        }
        if reported <= self.state {
            return Transition::Known;
        }
        let crosses = self.declaration_id.is_some();
        if !crosses && reported.is_at_border() {
            let message = format!("a domestic parcel has no step {}", reported.as_str());
            return Transition::Impossible(message);
        }
        if crosses && reported > ShipmentState::Released && self.state < ShipmentState::Released {
            let message = format!(
                "customs has not released it: {} cannot follow {}",
                reported.as_str(),
                self.state.as_str()
            );
            return Transition::Impossible(message);
        }
        Transition::Moves
    }

    /// When a reported step happened: what is stated, else now. Not in the future, and not before what it follows from
    /// (the booking, the pick-up, customs' release among `steps`): a delivery that is dated back would end its buyer's
    /// time to object. Else what is wrong with it.
    pub(crate) fn time_of(
        &self,
        reported: ShipmentState,
        stated: Option<DateTime<Utc>>,
        steps: &[TrackingEvent],
        now: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, String> {
        let Some(stated) = stated else { return Ok(now) };
        let causes = steps.iter().filter(|step| step.state.must_precede(reported));
        let times = causes.map(|step| (step.occurred_at, step.state));
        let (earliest, cause) = times.fold((self.created_at, ShipmentState::Booked), Ord::max);
        if stated < earliest || stated > now + CLOCKS_DIFFER_BY {
            return Err(format!("must be from {earliest} ({}) to {now} (now)", cause.as_str()));
        }
        Ok(stated.min(now).max(earliest))
    }

    /// The carrier has, or had, it.
    pub(crate) fn is_under_way(&self) -> bool {
        !matches!(self.state, ShipmentState::Booked | ShipmentState::Cancelled)
    }
}

kernel::words! {
    /// Where a declaration stands.
    #[derive(PartialOrd, Ord)]
    pub(crate) enum DeclarationState {
        Drafted = "drafted",
        Lodged = "lodged",
        Assessed = "assessed",
        Released = "released",
        Withdrawn = "withdrawn",
    }
}

impl DeclarationState {
    /// Where a declaration stands once its parcel does. It is lodged when the parcel leaves, before it arrives.
    pub(crate) fn of(state: ShipmentState) -> Self {
        match state {
            ShipmentState::Booked | ShipmentState::PickedUp => Self::Drafted,
            ShipmentState::ExportCleared | ShipmentState::Departed | ShipmentState::Arrived => Self::Lodged,
            ShipmentState::ImportAssessed => Self::Assessed,
            ShipmentState::Released | ShipmentState::OutForDelivery | ShipmentState::Delivered => {
                Self::Released
            }
            ShipmentState::Cancelled => Self::Withdrawn,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn shipment(state: ShipmentState, crosses: bool) -> Shipment {
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
            address: Address {
                recipient: "Aisyah & <Co>".to_owned(),
                line1: "1 Jalan Merdeka".to_owned(),
                line2: String::new(),
                city: "Kuala Lumpur".to_owned(),
                state: String::new(),
                postcode: "50050".to_owned(),
                country: "MY".parse().unwrap(),
                phone: String::new(),
            },
            state,
            version: 1,
            next_step_at: None,
            created_at: DateTime::UNIX_EPOCH,
            declaration_id: crosses.then(DeclarationId::new),
        }
    }

    #[test]
    fn a_parcel_moves_forward_only() {
        for (from, current) in ShipmentState::ALL.into_iter().enumerate() {
            for (to, reported) in ShipmentState::ALL.into_iter().enumerate().take(9) {
                let verdict = shipment(current, true).judge(reported);
                match verdict {
                    Transition::Cancelled => assert_eq!(current, ShipmentState::Cancelled),
                    Transition::Known => assert!(to <= from),
                    Transition::Moves => assert!(to > from),
                    Transition::Impossible(_) => {
                        assert!(reported > ShipmentState::Released && current < ShipmentState::Released);
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_is_handed_over_that_customs_has_not_let_in() {
        let arrived = shipment(ShipmentState::ImportAssessed, true);
        assert!(matches!(arrived.judge(ShipmentState::Delivered), Transition::Impossible(_)));
        assert_eq!(
            shipment(ShipmentState::Released, true).judge(ShipmentState::Delivered),
            Transition::Moves
        );
    }

    #[test]
    fn a_domestic_parcel_meets_no_customs() {
        let parcel = shipment(ShipmentState::PickedUp, false);
        assert!(matches!(parcel.judge(ShipmentState::Released), Transition::Impossible(_)));
        assert_eq!(parcel.judge(ShipmentState::OutForDelivery), Transition::Moves);
    }

    fn step(state: ShipmentState, occurred_at: DateTime<Utc>) -> TrackingEvent {
        TrackingEvent {
            id: TrackingEventId::new(),
            carrier_reference: String::new(),
            state,
            place: String::new(),
            occurred_at,
            note: String::new(),
        }
    }

    #[test]
    fn a_step_is_not_before_what_it_follows_from() {
        let at = |hours| DateTime::UNIX_EPOCH + Duration::hours(hours);
        let parcel = shipment(ShipmentState::Released, true);
        let steps = [
            step(ShipmentState::PickedUp, at(10)),
            step(ShipmentState::Arrived, at(30)),
            step(ShipmentState::Released, at(20)),
        ];
        for (reported, earliest) in [
            (ShipmentState::PickedUp, 0),
            (ShipmentState::Departed, 10),
            (ShipmentState::ImportAssessed, 10),
            (ShipmentState::OutForDelivery, 20),
            (ShipmentState::Delivered, 20),
        ] {
            let time_of = |stated| parcel.time_of(reported, Some(stated), &steps, at(40));
            assert_eq!(time_of(at(earliest)), Ok(at(earliest)), "{reported:?}");
            assert!(time_of(at(earliest) - Duration::seconds(1)).is_err(), "{reported:?}");
        }
    }

    #[test]
    fn a_step_is_not_in_the_future() {
        let parcel = shipment(ShipmentState::Booked, false);
        let now = DateTime::UNIX_EPOCH + Duration::hours(1);
        let time_of = |stated| parcel.time_of(ShipmentState::PickedUp, stated, &[], now);
        assert_eq!(time_of(None), Ok(now));
        assert_eq!(time_of(Some(now + CLOCKS_DIFFER_BY)), Ok(now));
        let refused = time_of(Some(now + CLOCKS_DIFFER_BY + Duration::seconds(1))).unwrap_err();
        assert!(refused.contains("(booked) to 1970-01-01 01:00:00 UTC (now)"), "{refused}");
    }

    #[test]
    fn states_are_read_back() {
        for state in ShipmentState::ALL {
            assert_eq!(ShipmentState::parse(state.as_str()), Some(state));
        }
        for state in DeclarationState::ALL {
            assert_eq!(DeclarationState::parse(state.as_str()), Some(state));
        }
    }
}
