//! What can be done with sellers, goods and stock, one use case per file.

pub(crate) mod adjust_stock;
pub(crate) mod apply_seller;
pub(crate) mod audit_stock;
pub(crate) mod browse;
pub(crate) mod create_location;
pub(crate) mod import_products;
pub(crate) mod import_stock;
pub(crate) mod judge_seller;
pub(crate) mod list_product;
pub(crate) mod offers;
pub(crate) mod release;
pub(crate) mod reserve;
pub(crate) mod ship;

use std::sync::Arc;

use db::{Db, Retryable};
use events::Outbox;
use hub::Profile;
use kernel::Clock;

/// What every use case needs.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) outbox: Outbox,
    pub(crate) hub: Arc<Profile>,
}

/// Why a use case was refused or failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0}")]
    Database(#[from] db::Error),
    /// `kind` is a noun, such as `product`.
    #[error("there is no {kind} {id}")]
    NotFound { kind: &'static str, id: String },
    /// Refused by a rule: an UPPER_SNAKE reason, a sentence, and what it is about.
    #[error("{message}")]
    Refused { reason: &'static str, message: String, about: Vec<(&'static str, String)> },
    #[error("{field}: {problem}")]
    Invalid { field: String, problem: String },
}

impl Error {
    pub(crate) fn refused(reason: &'static str, message: impl Into<String>) -> Self {
        Self::Refused { reason, message: message.into(), about: Vec::new() }
    }

    pub(crate) fn not_found(kind: &'static str, id: impl std::fmt::Display) -> Self {
        Self::NotFound { kind, id: id.to_string() }
    }

    pub(crate) fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), problem: problem.into() }
    }

    /// Somebody changed it since it was read.
    pub(crate) fn stale() -> Self {
        Self::refused("STALE_ETAG", "it was changed since you read it: read it again and repeat your change")
    }
}

impl Retryable for Error {
    fn is_retryable(&self) -> bool {
        matches!(self, Self::Database(error) if error.is_retryable())
    }
}
