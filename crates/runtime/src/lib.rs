//! The life of a hub's process: settings, databases, listeners, consumers, workers, and a clean end.
//!
//! A service says what it is in a [`Spec`]; [`Hub::start`] runs any number of them in one process, each with its own
//! database. Those that are not in the process are called over TCP. Nothing here is global: several hubs live in one
//! process.

mod continuity;
mod databases;
mod error;
mod folder;
mod hub;
pub mod instances;
mod keys;
mod membership;
pub mod metrics;
mod operator;
mod settings;
mod spec;
mod use_case_error;
mod worker;

pub use self::settings::{KEYS_REFRESH_DEFAULT, KeyFiles, SETTINGS, Settings, parse_section};
pub use continuity::{Adopted, AdoptionHook, adopt};
pub use error::Error;
pub use hub::{Hub, OPERATOR_PACKAGE, migrate};
pub use spec::{Deps, Peers, Sandbox, Service, Spec};
pub use use_case_error::UseCaseError;
pub use worker::Worker;

/// The runtime's own tables, in every service's database.
pub const MIGRATIONS: db::MigrationSet = db::MigrationSet {
    name: "runtime",
    files: &[
        ("0001_hub_clock.sql", include_str!("../migrations/0001_hub_clock.sql")),
        ("0002_resilience.sql", include_str!("../migrations/0002_resilience.sql")),
    ],
};
