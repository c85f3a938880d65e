//! What an order is: its frozen price, its states and the saga behind it, its consignments and returns. Pure: no
//! database, no network, no clock.
//!
//! To add a state of the order, add a variant to [`order::State`] and the transition that leads to it; the compiler
//! then shows every place that must know it.

pub(crate) mod consignment;
pub(crate) mod number;
pub(crate) mod order;
pub(crate) mod price;
pub(crate) mod pricing;
pub(crate) mod quote;
pub(crate) mod returns;
pub(crate) mod saga;
pub(crate) mod terms;
pub(crate) mod viewer;

#[cfg(test)]
pub(crate) mod samples;

use std::fmt;

/// A refusal: a rule of the trade says no. The same request would be refused again.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Refusal {
    /// UPPER_SNAKE, as clients tell refusals apart.
    pub(crate) reason: String,
    /// The same in words.
    pub(crate) message: String,
    /// More for clients, such as which variant.
    #[serde(default)]
    pub(crate) metadata: Vec<(String, String)>,
}

impl Refusal {
    /// A refusal without metadata.
    pub(crate) fn new(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { reason: reason.into(), message: message.into(), metadata: Vec::new() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.message)
    }
}

impl std::error::Error for Refusal {}
