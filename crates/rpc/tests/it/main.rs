//! Each mutation once: what a client sees that asks again.

#![expect(clippy::unwrap_used, reason = "what is not as it should be fails its test")]

mod counter;
mod replay;
mod running;
