//! The only SQL of this crate, one file per aggregate. Functions take the transaction; who calls them owns it.

pub(crate) mod audit;
pub(crate) mod escrow;
pub(crate) mod measures;
pub(crate) mod orders;
pub(crate) mod quotes;
pub(crate) mod refunds;
pub(crate) mod returns;
pub(crate) mod sagas;

/// The channel on which those who watch an order are woken.
pub(crate) const ORDERS: &str = "orders";
/// The channel on which the recovery of sagas is woken.
pub(crate) const SAGAS: &str = "sagas";
