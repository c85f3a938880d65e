//! Events from an outbox to their effects: at least once on the way, in order per aggregate, each effect once.

#![expect(clippy::unwrap_used, reason = "what is not as it should be fails its test")]

mod desk;
mod effects;
mod outbox;
mod parking;
mod relays;
mod trouble;
