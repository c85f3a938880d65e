//! What an order is: its frozen price, its states and the saga behind it, its consignments and returns. Pure: no
//! database, no network, no clock.
//!
//! To add a state of the order, add a variant to [`order::State`] and the transition that leads to it; the compiler
//! then shows every place that must know it.

pub mod consignment;
pub mod number;
pub mod order;
pub mod price;
pub mod pricing;
pub mod quote;
pub mod returns;
pub mod saga;

#[cfg(test)]
pub(crate) mod samples;

use std::fmt;

/// A refusal: a rule of the trade says no. The same request would be refused again.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Refusal {
    /// UPPER_SNAKE, as clients tell refusals apart.
    pub reason: String,
    /// The same in words.
    pub message: String,
    /// More for clients, such as which variant.
    #[serde(default)]
    pub metadata: Vec<(String, String)>,
}

impl Refusal {
    /// A refusal without metadata.
    pub fn new(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { reason: reason.into(), message: message.into(), metadata: Vec::new() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.message)
    }
}

impl std::error::Error for Refusal {}
