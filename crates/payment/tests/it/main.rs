//! The payment service as its callers see it: through gRPC, on both engines. Each test closes its till, which checks
//! the books.

#![expect(clippy::unwrap_used, reason = "what is not as it should be fails its test")]

mod batches;
mod escrow;
mod holds;
mod limits;
mod parked;
mod qr;
mod rates;
mod refunds;
mod sale;
mod strangers;
mod suspense;
mod texts;
mod till;
mod wallets;
