//! The only SQL of this crate, one file per aggregate. Functions take the transaction; who calls them owns it.

pub mod audit;
pub mod escrow;
pub mod orders;
pub mod quotes;
pub mod refunds;
pub mod returns;
pub mod sagas;

/// The channel on which those who watch orders are woken.
pub const ORDERS: &str = "orders";
/// The channel on which the recovery of sagas is woken.
pub const SAGAS: &str = "sagas";
