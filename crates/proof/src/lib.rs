//! Journeys through a hub and the checks that it lost nothing. Speaks gRPC only, as any client does, so that the
//! demo, the replay, the end-to-end tests and `prove` judge a hub from outside, in either shape.
//!
//! [`Hub`] is a hub to talk to; [`shop`] opens sellers and lists goods, [`market`] one with goods of one kind; [`purchase`] buys; [`journey`] follows an
//! order to its end; [`invariants`] checks the books, [`deliveries`] the events. To add a journey, write a function that takes a [`Hub`] and
//! compose these.

pub mod deliveries;
mod hub;
pub mod invariants;
pub mod journey;
pub mod market;
pub mod originals;
pub mod purchase;
pub mod returns;
pub mod shop;

pub use hub::{AuthorisedChannel, Hub, HubChannels, ServiceChannels, Session, Tokens};

/// A fresh `request_id`: repeat the request with the same one until it is answered.
pub fn request_id() -> String {
    kernel::EventId::new().uuid().to_string()
}
