//! The order service as its callers see it: through gRPC, on both engines, with fakes of the services that it asks.

#![expect(clippy::unwrap_used, reason = "what is not as it should be fails its test")]

mod cancelling;
mod forgetting;
mod placing;
mod qr;
mod quotes;
mod recovery;
mod returns;
mod shop;
mod strangers;
mod texts;
mod tracking;
mod watching;
mod words;
mod world;
