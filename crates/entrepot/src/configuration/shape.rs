//! What a hub runs on.

use serde::Deserialize;

/// The shape of a hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shape {
    /// SQLite files and a bus within the process: nothing to install.
    Embedded,
    /// PostgreSQL and Kafka.
    Production,
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Embedded => "Embedded",
            Self::Production => "Production",
        })
    }
}
