//! A consignment of an order, on its way.

use chrono::{DateTime, Duration, Utc};
use money::{Currency, Money};
use serde::{Deserialize, Serialize};

use super::Refusal;

/// The most steps that are kept of one parcel.
pub(crate) const STEPS_MAX: usize = 100;

/// What happened to a consignment so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Consignment {
    /// Where it stands.
    pub(crate) state: ConsignmentState,
    /// The S10 item number; empty until booked.
    pub(crate) tracking_number: String,
    /// What happened to it, oldest first.
    pub(crate) steps: Vec<TrackingStep>,
    /// Set when it was handed over.
    pub(crate) delivery: Option<Delivery>,
    /// What was given back of it.
    pub(crate) refunded: Money,
}

/// Where a consignment stands, in the order of its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ConsignmentState {
    /// The order is not confirmed yet, or the consignment not booked.
    Planned,
    /// A carrier will pick it up.
    Booked,
    /// The carrier has it.
    InTransit,
    /// At the importing country's customs.
    AtCustoms,
    /// Customs let it in.
    Cleared,
    /// On the way to the door.
    OutForDelivery,
    /// Handed over.
    Delivered,
    /// Received, or the time to object has passed.
    Received,
    /// Its escrow was paid out.
    Released,
    /// Cancelled with its order.
    Cancelled,
}

/// When it was handed over, and when escrow is released without the buyer's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delivery {
    /// When it was handed over: as the carrier says or, until it does, when the buyer confirmed that it came.
    pub(crate) delivered_at: DateTime<Utc>,
    /// Until when the buyer may object.
    pub(crate) release_at: DateTime<Utc>,
    /// When the hub learned of it; `None` in orders of earlier releases.
    #[serde(default)]
    pub(crate) told_at: Option<DateTime<Utc>>,
    /// By the buyer's word alone: the carrier has not said so yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) by_word: bool,
}

impl Delivery {
    /// The buyer's windows begin when it was handed over and the buyer could see so: a scan that comes late, or is dated
    /// back, takes no day from them.
    fn new(delivered_at: DateTime<Utc>, told_at: DateTime<Utc>, escrow: Duration) -> Self {
        let release_at = delivered_at.max(told_at) + escrow;
        Self { delivered_at, release_at, told_at: Some(told_at), by_word: false }
    }

    /// The buyer has it, whatever the carrier says: nothing is left to wait for.
    fn by_word(now: DateTime<Utc>) -> Self {
        Self { delivered_at: now, release_at: now, told_at: Some(now), by_word: true }
    }

    /// When the time to send goods back begins.
    pub(crate) fn windows_begin_at(&self) -> DateTime<Utc> {
        self.told_at.map_or(self.delivered_at, |told_at| told_at.max(self.delivered_at))
    }
}

/// A step of the parcel, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TrackingStep {
    /// Such as `picked_up`.
    pub(crate) status: String,
    /// Where.
    pub(crate) place: String,
    /// When.
    pub(crate) occurred_at: DateTime<Utc>,
    /// More.
    pub(crate) note: String,
}

/// What the carrier or customs did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// The carrier has it.
    PickedUp,
    /// The exporting country let it go.
    ExportCleared,
    /// Left the exporting country.
    Departed,
    /// Came to the importing country.
    Arrived,
    /// Duty and tax were worked out.
    ImportAssessed,
    /// Customs let it in.
    ImportReleased,
    /// On the way to the door.
    OutForDelivery,
    /// Handed over.
    Delivered,
}

/// A parcel moved on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parcel {
    /// What happened.
    pub(crate) event: Event,
    /// Where.
    pub(crate) place: String,
    /// More.
    pub(crate) note: String,
    /// When.
    pub(crate) occurred_at: DateTime<Utc>,
}

impl Event {
    /// The step's name for clients.
    pub(crate) fn status(self) -> &'static str {
        match self {
            Self::PickedUp => "picked_up",
            Self::ExportCleared => "export_cleared",
            Self::Departed => "departed",
            Self::Arrived => "arrived",
            Self::ImportAssessed => "import_assessed",
            Self::ImportReleased => "import_released",
            Self::OutForDelivery => "out_for_delivery",
            Self::Delivered => "delivered",
        }
    }

    fn leads_to(self) -> ConsignmentState {
        match self {
            Self::PickedUp | Self::ExportCleared | Self::Departed => ConsignmentState::InTransit,
            Self::Arrived | Self::ImportAssessed => ConsignmentState::AtCustoms,
            Self::ImportReleased => ConsignmentState::Cleared,
            Self::OutForDelivery => ConsignmentState::OutForDelivery,
            Self::Delivered => ConsignmentState::Delivered,
        }
    }
}

impl Consignment {
    /// One that was ordered and not yet booked.
    pub(crate) fn planned(currency: Currency) -> Self {
        Self {
            state: ConsignmentState::Planned,
            tracking_number: String::new(),
            steps: Vec::new(),
            delivery: None,
            refunded: Money::zero(currency),
        }
    }

    /// Whether the carrier has, or had, it.
    pub(crate) fn is_under_way(&self) -> bool {
        self.state > ConsignmentState::Booked && self.state != ConsignmentState::Cancelled
    }

    /// Records its tracking number; `None` when it already has it, or is cancelled.
    pub(super) fn book(mut self, number: &str) -> Option<Self> {
        if self.state == ConsignmentState::Cancelled || !self.tracking_number.is_empty() {
            return None;
        }
        number.clone_into(&mut self.tracking_number);
        self.state = self.state.max(ConsignmentState::Booked);
        Some(self)
    }

    /// The parcel moved on, as is learned `now`. Steps that come late find their place; the state never goes back.
    pub(super) fn track(mut self, parcel: Parcel, escrow: Duration, now: DateTime<Utc>) -> Option<Self> {
        let status = parcel.event.status();
        let known = |step: &TrackingStep| step.status == status && step.occurred_at == parcel.occurred_at;
        if self.state == ConsignmentState::Cancelled
            || self.steps.len() >= STEPS_MAX
            || self.steps.iter().any(known)
        {
            return None;
        }
        let occurred_at = parcel.occurred_at;
        let place = self.steps.partition_point(|step| step.occurred_at <= occurred_at);
        let step =
            TrackingStep { status: status.to_owned(), place: parcel.place, occurred_at, note: parcel.note };
        self.steps.insert(place, step);
        self.state = self.state.max(parcel.event.leads_to());
        if parcel.event == Event::Delivered && self.delivery.is_none_or(|delivery| delivery.by_word) {
            self.delivery = Some(Delivery::new(occurred_at, now, escrow));
        }
        Some(self)
    }

    /// The buyer has it, by their own word or because the time to object has passed; `None` when that was known. A buyer may
    /// have what its carrier has not said to have delivered: then it was delivered `now`, until the carrier says when.
    pub(super) fn receive(mut self, by_buyer: bool, now: DateTime<Utc>) -> Result<Option<Self>, Refusal> {
        match self.state {
            ConsignmentState::Received | ConsignmentState::Released => return Ok(None),
            ConsignmentState::Planned | ConsignmentState::Booked | ConsignmentState::Cancelled => {
                return Err(Refusal::new("NOT_DELIVERED", "no carrier has picked the consignment up"));
            }
            ConsignmentState::Delivered => {}
            _ if by_buyer => self.delivery = Some(Delivery::by_word(now)),
            _ => return Err(Refusal::new("NOT_DELIVERED", "the consignment has not been delivered yet")),
        }
        self.state = ConsignmentState::Received;
        Ok(Some(self))
    }

    /// Its escrow was paid out; `None` when that was known.
    pub(super) fn release(mut self) -> Option<Self> {
        if matches!(self.state, ConsignmentState::Released | ConsignmentState::Cancelled) {
            return None;
        }
        self.state = ConsignmentState::Released;
        Some(self)
    }

    /// It ends with its order.
    pub(super) fn cancel(mut self) -> Self {
        self.state = ConsignmentState::Cancelled;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::at;
    use super::*;

    fn parcel(event: Event, minutes: i64) -> Parcel {
        Parcel { event, place: "KUL".to_owned(), note: String::new(), occurred_at: at(minutes) }
    }

    #[test]
    fn steps_that_come_late_find_their_place_and_nothing_goes_back() {
        let week = Duration::days(7);
        let consignment = Consignment::planned(Currency::MYR);
        let consignment = consignment.track(parcel(Event::Delivered, 90), week, at(90)).unwrap();
        let consignment = consignment.track(parcel(Event::Arrived, 30), week, at(91)).unwrap();
        let consignment = consignment.track(parcel(Event::PickedUp, 10), week, at(92)).unwrap();
        assert!(consignment.clone().track(parcel(Event::Arrived, 30), week, at(93)).is_none());
        let steps: Vec<&str> = consignment.steps.iter().map(|step| step.status.as_str()).collect();
        assert_eq!(steps, ["picked_up", "arrived", "delivered"]);
        assert_eq!(consignment.state, ConsignmentState::Delivered);
        let consignment = consignment.book("EE123456785MY").unwrap();
        assert_eq!(consignment.state, ConsignmentState::Delivered);
        let consignment = consignment.receive(false, at(99)).unwrap().unwrap();
        assert!(consignment.clone().receive(true, at(99)).unwrap().is_none());
        assert!(consignment.release().unwrap().release().is_none());
    }

    #[test]
    fn the_buyers_windows_begin_when_the_hub_learns_of_a_delivery() {
        let week = Duration::days(7);
        let (delivered, told) = (at(10), at(10) + Duration::days(40));
        let late =
            Consignment::planned(Currency::MYR).track(parcel(Event::Delivered, 10), week, told).unwrap();
        let delivery = late.delivery.unwrap();
        assert_eq!((delivery.delivered_at, delivery.windows_begin_at()), (delivered, told));
        assert_eq!(delivery.release_at, told + week);
        // One that is dated ahead of this clock counts from its own time.
        let ahead =
            Consignment::planned(Currency::MYR).track(parcel(Event::Delivered, 10), week, at(9)).unwrap();
        assert_eq!(ahead.delivery.unwrap().windows_begin_at(), delivered);
        assert_eq!(ahead.delivery.unwrap().release_at, delivered + week);
    }

    #[test]
    fn a_buyer_may_have_what_no_carrier_said_to_have_delivered() {
        let week = Duration::days(7);
        let booked = Consignment::planned(Currency::MYR).book("EE123456785MY").unwrap();
        assert!(booked.clone().receive(true, at(5)).is_err());
        let sent = booked.track(parcel(Event::PickedUp, 3), week, at(3)).unwrap();
        assert!(sent.clone().receive(false, at(5)).is_err());
        let received = sent.receive(true, at(5)).unwrap().unwrap();
        assert_eq!(received.state, ConsignmentState::Received);
        assert_eq!(received.delivery.unwrap().windows_begin_at(), at(5));
        // When the carrier says so later, the time to send goods back begins then.
        let scanned = received.track(parcel(Event::Delivered, 80), week, at(90)).unwrap();
        assert_eq!((scanned.state, scanned.steps.len()), (ConsignmentState::Received, 2));
        assert_eq!(scanned.delivery.unwrap().windows_begin_at(), at(90));
        // Once.
        let again = scanned.track(parcel(Event::Delivered, 95), week, at(99)).unwrap();
        assert_eq!(again.delivery.unwrap().windows_begin_at(), at(90));
    }

    #[test]
    fn a_delivery_of_an_earlier_release_is_read() {
        let kept = r#"{"delivered_at":"2026-01-02T03:04:05Z","release_at":"2026-01-09T03:04:05Z"}"#;
        let delivery: Delivery = serde_json::from_str(kept).unwrap();
        assert_eq!((delivery.told_at, delivery.windows_begin_at()), (None, delivery.delivered_at));
    }

    #[test]
    fn what_is_cancelled_stays_so() {
        let consignment = Consignment::planned(Currency::MYR).cancel();
        assert!(consignment.clone().book("EE123456785MY").is_none());
        assert!(consignment.clone().track(parcel(Event::PickedUp, 1), Duration::days(1), at(1)).is_none());
        assert!(consignment.clone().release().is_none());
        assert!(consignment.receive(true, at(1)).is_err());
    }
}
