//! The catalog service as its callers see it: through gRPC, on both engines.

#![expect(clippy::unwrap_used, reason = "what is not as it should be fails its test")]

mod allowances;
mod bad_input;
mod browsing;
mod dispatching;
mod importing;
mod importing_patches;
mod importing_stock;
mod market;
mod pages;
mod parked;
mod products;
mod purchase;
mod racing;
mod replays;
mod reserving;
mod sellers;
mod stock;
mod strangers;
mod texts;
mod wares;
