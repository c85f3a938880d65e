//! A consignment as the carrier has it, and how it may move on.

use chrono::{DateTime, Duration, Utc};
use kernel::{ConsignmentId, Country, DeclarationId, OrderId, Refusal, ShipmentId, TrackingEventId};
use serde::{Deserialize, Serialize};
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
    /// When its seller said that it is packed and may be picked up.
    pub(crate) ready_at: Option<DateTime<Utc>>,
    /// Empty for parcels that were booked before it was kept.
    pub(crate) contents: Vec<Content>,
}

/// Goods in a parcel. It is kept as it is: its names are those of what is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Content {
    /// As the buyer saw it.
    pub(crate) description: String,
    /// How many units.
    pub(crate) quantity: i64,
}

/// How far ahead of the hub's clock a carrier's may be; what is stated within it counts as now.
const CLOCKS_DIFFER_BY: Duration = Duration::seconds(30);

/// How much earlier a step counts as that is told, without its time, after what came after it.
const JUST: Duration = Duration::milliseconds(1);

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

impl TrackingEvent {
    /// Whether it may have been stated to have happened then: what is a little ahead of a clock counts as earlier.
    pub(crate) fn was_stated_as(&self, stated: DateTime<Utc>) -> bool {
        (self.occurred_at..=self.occurred_at + CLOCKS_DIFFER_BY + JUST).contains(&stated)
    }
}

/// What a reported state does to a shipment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Transition {
    /// It moves on.
    Moves,
    /// It is further already, and this was not reported before: its history is told, it stays where it is.
    Late,
    /// It was reported before: nothing changes.
    Known,
    /// It was cancelled.
    Cancelled,
    /// It cannot be, in a sentence.
    Impossible(String),
}

impl Shipment {
    /// Nothing happens to a parcel after it.
    const LAST: ShipmentState = ShipmentState::Delivered;

    /// What a reported state does, after what was reported before. A parcel only moves forward; scans in between may be
    /// missing, or come late, but nothing is handed over that customs has not let in.
    pub(crate) fn judge(&self, reported: ShipmentState, steps: &[TrackingEvent]) -> Transition {
        if self.state == ShipmentState::Cancelled {
            return Transition::Cancelled;
        }
        if reported == ShipmentState::Booked || steps.iter().any(|step| step.state == reported) {
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
        if reported < self.state { Transition::Late } else { Transition::Moves }
    }

    /// When a reported step happened: what is stated, else now or, of one that comes late, just before what came after it.
    /// Not in the future, and not before what it follows from (the booking, the pick-up, customs' release among `steps`): a
    /// delivery that is dated back would end its buyer's time to object; nor after what follows from it, or after the delivery. Else what is
    /// wrong with it.
    pub(crate) fn time_of(
        &self,
        reported: ShipmentState,
        stated: Option<DateTime<Utc>>,
        steps: &[TrackingEvent],
        now: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, String> {
        let causes = steps.iter().filter(|step| step.state.must_precede(reported));
        let times = causes.map(|step| (step.occurred_at, step.state));
        let (earliest, cause) = times.fold((self.created_at, ShipmentState::Booked), Ord::max);
        let Some(stated) = stated else {
            let later = steps.iter().filter(|step| step.state > reported).map(|step| step.occurred_at - JUST);
            return Ok(later.fold(now, Ord::min).max(earliest));
        };
        let follows = |step: &&TrackingEvent| {
            step.state > reported && (reported.must_precede(step.state) || step.state == Self::LAST)
        };
        let follow = steps.iter().filter(follows).map(|step| (step.occurred_at - JUST, step.state)).min();
        let (latest, what) = follow.map_or((now, "now"), |(at, state)| (at, state.as_str()));
        if stated < earliest || stated > latest + CLOCKS_DIFFER_BY {
            return Err(format!("must be from {earliest} ({}) to {latest} ({what})", cause.as_str()));
        }
        Ok(stated.min(latest).max(earliest))
    }

    /// Packed, so that it may be picked up, or not after all; `None` when that was known.
    pub(crate) fn mark_ready(mut self, ready: bool, now: DateTime<Utc>) -> Result<Option<Self>, Refusal> {
        if self.state == ShipmentState::Cancelled {
            return Err(self.was_cancelled());
        }
        if self.is_under_way() {
            let message = format!("{} ({}) was picked up before", self.id, self.tracking_number);
            return Err(Refusal::new("ALREADY_PICKED_UP", message));
        }
        if self.ready_at.is_some() == ready {
            return Ok(None);
        }
        self.ready_at = ready.then_some(now);
        self.version += 1;
        Ok(Some(self))
    }

    /// The refusal to go on with what was cancelled.
    pub(crate) fn was_cancelled(&self) -> Refusal {
        let message = format!("{} ({}) was cancelled with its order", self.id, self.tracking_number);
        Refusal::new("SHIPMENT_CANCELLED", message)
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
            ready_at: None,
            contents: vec![Content { description: "Silk scarf".to_owned(), quantity: 2 }],
        }
    }

    #[test]
    fn a_parcel_moves_forward_only() {
        for (from, current) in ShipmentState::ALL.into_iter().enumerate() {
            for (to, reported) in ShipmentState::ALL.into_iter().enumerate().take(9) {
                let verdict = shipment(current, true).judge(reported, &[step(current, DateTime::UNIX_EPOCH)]);
                match verdict {
                    Transition::Cancelled => assert_eq!(current, ShipmentState::Cancelled),
                    Transition::Known => assert!(to == from || to == 0),
                    Transition::Late => assert!(to < from),
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
        assert!(matches!(arrived.judge(ShipmentState::Delivered, &[]), Transition::Impossible(_)));
        assert_eq!(
            shipment(ShipmentState::Released, true).judge(ShipmentState::Delivered, &[]),
            Transition::Moves
        );
    }

    #[test]
    fn a_domestic_parcel_meets_no_customs() {
        let parcel = shipment(ShipmentState::PickedUp, false);
        assert!(matches!(parcel.judge(ShipmentState::Released, &[]), Transition::Impossible(_)));
        assert_eq!(parcel.judge(ShipmentState::OutForDelivery, &[]), Transition::Moves);
        let parcel = shipment(ShipmentState::OutForDelivery, false);
        assert!(matches!(parcel.judge(ShipmentState::Arrived, &[]), Transition::Impossible(_)));
        assert_eq!(parcel.judge(ShipmentState::PickedUp, &[]), Transition::Late);
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
    fn a_step_that_comes_late_is_before_what_came_after_it() {
        let at = |hours| DateTime::UNIX_EPOCH + Duration::hours(hours);
        let parcel = shipment(ShipmentState::OutForDelivery, true);
        let steps = [
            step(ShipmentState::Departed, at(12)),
            step(ShipmentState::Released, at(20)),
            step(ShipmentState::OutForDelivery, at(30)),
        ];
        let time_of =
            |reported, stated: Option<i64>| parcel.time_of(reported, stated.map(at), &steps, at(40));
        // All follow from the pick-up; other steps are of several parties, whose clocks differ.
        assert_eq!(time_of(ShipmentState::PickedUp, None), Ok(at(12) - JUST));
        assert_eq!(time_of(ShipmentState::PickedUp, Some(7)), Ok(at(7)));
        assert!(time_of(ShipmentState::PickedUp, Some(13)).unwrap_err().ends_with("(departed)"));
        let ahead = at(12) + CLOCKS_DIFFER_BY - JUST;
        let picked_up = parcel.time_of(ShipmentState::PickedUp, Some(ahead), &steps, at(40)).unwrap();
        assert_eq!(picked_up, at(12) - JUST);
        // Told again it is the same.
        let told = step(ShipmentState::PickedUp, picked_up);
        assert!(told.was_stated_as(ahead) && told.was_stated_as(picked_up) && !told.was_stated_as(at(13)));
        assert!(!told.was_stated_as(at(11)));
        // Nothing is after the delivery.
        let delivered = [step(ShipmentState::Delivered, at(30))];
        let time_of_late = |stated| parcel.time_of(ShipmentState::Departed, Some(stated), &delivered, at(40));
        assert_eq!(time_of_late(at(29)), Ok(at(29)));
        assert!(time_of_late(at(31)).unwrap_err().ends_with("(delivered)"));
        assert_eq!(time_of(ShipmentState::Arrived, None), Ok(at(20) - JUST));
        assert_eq!(time_of(ShipmentState::Arrived, Some(21)), Ok(at(21)));
        assert_eq!(time_of(ShipmentState::Delivered, None), Ok(at(40)));
    }

    #[test]
    fn a_parcel_is_marked_as_ready_until_it_is_picked_up() {
        let now = DateTime::UNIX_EPOCH;
        let ready = shipment(ShipmentState::Booked, true).mark_ready(true, now).unwrap().unwrap();
        assert_eq!((ready.ready_at, ready.version), (Some(now), 2));
        assert!(ready.clone().mark_ready(true, now).unwrap().is_none());
        assert_eq!(ready.mark_ready(false, now).unwrap().unwrap().ready_at, None);
        let reason = |state| shipment(state, true).mark_ready(true, now).unwrap_err().reason;
        assert_eq!(reason(ShipmentState::PickedUp), "ALREADY_PICKED_UP");
        assert_eq!(reason(ShipmentState::Cancelled), "SHIPMENT_CANCELLED");
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
