//! What a use case refuses with.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A rule of the trade says no: the same request would be refused again. Its JSON is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

    /// With this of its metadata.
    #[must_use]
    pub fn about(mut self, key: &str, value: impl ToString) -> Self {
        self.metadata.push((key.to_owned(), value.to_string()));
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.message)
    }
}

impl std::error::Error for Refusal {}
