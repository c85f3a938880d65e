//! The life of a hub's process: why it does not start, what it shows, and how it ends.

#![expect(clippy::unwrap_used, reason = "what is not as it should be fails its test")]

mod clock;
mod continuity;
mod instances;
mod metrics;
mod serving;
mod shop;
mod starting;
mod trouble;
mod workers;
