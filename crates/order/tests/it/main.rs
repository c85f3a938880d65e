//! The order service as its callers see it: through gRPC, on both engines, with fakes of the services that it asks.

mod cancelling;
mod placing;
mod qr;
mod quotes;
mod recovery;
mod returns;
mod shop;
mod strangers;
mod tracking;
mod watching;
mod world;
