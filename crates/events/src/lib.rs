//! What has happened, told to other services: at least once, in order per aggregate, with each effect once.
//!
//! A change writes its [`Envelope`] to the [`Outbox`] in its own transaction. The [`relay`](relay::run) hands it to
//! the [`Bus`] ([`LocalBus`] within one process, [`KafkaBus`] between several), which delivers it to every [`Subscription`]; the consumer's inbox and the effect commit together. An
//! event that can never be handled is parked, and later events of its key behind it; [`views`] show and replay them.
//!
//! To consume another's events, write a [`Handler`] and name it in a [`Consumer`].

mod bus;
mod chaotic;
mod counts;
mod delivery;
mod envelope;
mod error;
mod handler;
mod inbox;
mod kafka;
mod local;
mod outbox;
mod parked;
pub mod relay;
mod trace;
pub mod views;
pub mod witness;

pub use bus::{Bus, Error as BusError};
pub use chaotic::ChaoticBus;
pub use counts::{ConsumedCounts, Published};
pub use delivery::{DeliveryPauses, Subscription};
pub use envelope::{Envelope, topic};
pub use error::HandlerError;
pub use handler::{Consumer, Handled, Handler, run_all};
pub use kafka::{INSTANCE, KafkaBus, KafkaSettings, SETTINGS};
pub use local::LocalBus;
pub use outbox::Outbox;

/// The tables of outbox, inbox and parked events, for every service's database.
pub const MIGRATIONS: db::MigrationSet = db::MigrationSet {
    name: "events",
    files: &[
        ("0001_events.sql", include_str!("../migrations/0001_events.sql")),
        ("0003_resilience.sql", include_str!("../migrations/0003_resilience.sql")),
        ("0005_swept.sql", include_str!("../migrations/0005_swept.sql")),
    ],
};
