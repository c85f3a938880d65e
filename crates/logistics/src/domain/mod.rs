//! The rules of carriage and customs, without a clock, a database or a network.

pub(crate) mod booking;
pub(crate) mod customs_rate;
pub(crate) mod label;
pub(crate) mod landed_cost;
pub(crate) mod owner;
pub(crate) mod sandbox_carrier;
pub(crate) mod shipment;
