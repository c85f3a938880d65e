//! The logistics service as its callers see it: through gRPC, on both engines.

#![expect(clippy::unwrap_used, reason = "what is not as it should be fails its test")]

mod booking;
mod cancelling;
mod costs;
mod depot;
mod dispatch;
mod strangers;
mod texts;
mod tracking;
