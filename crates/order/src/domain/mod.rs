//! What an order is: its frozen price, its states and the saga behind it, its consignments and returns. Pure: no
//! database, no network, no clock.
//!
//! To add a state of the order, add a variant to [`order::State`] and the transition that leads to it; the compiler
//! then shows every place that must know it.

pub(crate) mod consignment;
pub(crate) mod number;
pub(crate) mod order;
pub(crate) mod pricing;
pub(crate) mod quote;
pub(crate) mod returns;
pub(crate) mod saga;
pub(crate) mod terms;
pub(crate) mod viewer;

#[cfg(test)]
pub(crate) mod samples;

pub(crate) use kernel::Refusal;
