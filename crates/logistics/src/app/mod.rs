//! What can be done with consignments: commands and queries, one use case per file.

pub(crate) mod book;
pub(crate) mod cancel_consignments;
pub(crate) mod carry;
pub(crate) mod get_declaration;
pub(crate) mod get_shipment;
pub(crate) mod list_shipments;
pub(crate) mod migrate_declarations;
pub(crate) mod quote_carriage;
pub(crate) mod quote_landed_cost;
pub(crate) mod record_tracking;
pub(crate) mod skip_serial_numbers;
mod step;
pub(crate) mod transit_times;

use std::sync::Arc;

use db::Retryable;
use events::Outbox;
use hub::Profile;
use kernel::{Clock, Refusal};
use money::rates::RateTable;
use runtime::Sandbox;

use self::transit_times::TransitTimes;

/// What every use case needs.
pub(crate) struct App {
    pub(crate) clock: Clock,
    pub(crate) outbox: Outbox,
    pub(crate) hub: Arc<Profile>,
    pub(crate) rates: Arc<RateTable>,
    pub(crate) sandbox: Sandbox,
    pub(crate) passages: TransitTimes,
}

impl db::Application for App {
    type Error = Error;
}

/// Why a use case was refused or failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0}")]
    Database(#[from] db::Error),
    /// `kind` is a noun, such as `shipment`.
    #[error("there is no {kind} {id}")]
    NotFound { kind: &'static str, id: String },
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("{field}: {problem}")]
    Invalid { field: &'static str, problem: String },
    /// An operator has to change the profile first.
    #[error("{0}")]
    Exhausted(String),
}

impl Error {
    pub(crate) fn refused(reason: &'static str, message: impl Into<String>) -> Self {
        Self::Refused(Refusal::new(reason, message))
    }

    pub(crate) fn not_found(kind: &'static str, id: impl std::fmt::Display) -> Self {
        Self::NotFound { kind, id: id.to_string() }
    }
}

impl Retryable for Error {
    fn is_retryable(&self) -> bool {
        matches!(self, Self::Database(error) if error.is_retryable())
    }
}
