//! One SQL text on two engines: what a service may lean on, on both.

#![expect(clippy::unwrap_used, reason = "what is not as it should be fails its test")]

mod batches;
mod browsing;
mod concurrency;
mod connecting;
mod looking;
mod notices;
mod shelf;
mod values;
mod writing;
