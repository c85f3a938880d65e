//! What can be done with sellers, goods and stock: commands and queries, one use case per file.

mod acting;
pub(crate) mod adjust_stock;
mod allow;
pub(crate) mod apply_seller;
pub(crate) mod audit_stock;
pub(crate) mod create_location;
pub(crate) mod create_product;
mod currencies;
pub(crate) mod decide_seller_change;
pub(crate) mod dispatch;
pub(crate) mod get_offers;
pub(crate) mod get_product;
pub(crate) mod get_seller;
pub(crate) mod import_products;
mod import_rejection;
pub(crate) mod import_stock;
pub(crate) mod inquire_reservation;
pub(crate) mod list_locations;
pub(crate) mod list_products;
pub(crate) mod list_seller_changes;
pub(crate) mod list_sellers;
pub(crate) mod list_stock;
mod listing;
pub(crate) mod receive_return;
pub(crate) mod release_reservation;
pub(crate) mod reserve;
pub(crate) mod suspend_seller;
pub(crate) mod undo_dispatch;
pub(crate) mod update_product;
pub(crate) mod update_seller;
pub(crate) mod verify_seller;
pub(crate) mod withdraw_product;

use std::sync::Arc;

use db::Retryable;
use events::Outbox;
use hub::Profile;
use kernel::{Clock, Refusal};
use money::rates::RateTable;

use crate::domain::allowance::Allowance;
use crate::domain::reservation::WrongOrder;

/// What every use case needs.
pub(crate) struct App {
    pub(crate) clock: Clock,
    pub(crate) outbox: Outbox,
    pub(crate) hub: Arc<Profile>,
    /// By which quotes exchange.
    pub(crate) rates: Arc<RateTable>,
    /// What the goods of a seller may take.
    pub(crate) allowance: Allowance,
}

impl db::Application for App {
    type Error = Error;
}

/// Why a use case was refused or failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0}")]
    Database(#[from] db::Error),
    /// `kind` is a noun, such as `product`.
    #[error("there is no {kind} {id}")]
    NotFound { kind: &'static str, id: String },
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A seller has all that it may have.
    #[error("{0}")]
    Full(String),
    #[error("{field}: {problem}")]
    Invalid { field: String, problem: String },
}

impl Error {
    pub(crate) fn refused(reason: &'static str, message: impl Into<String>) -> Self {
        Self::Refused(Refusal::new(reason, message))
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

impl From<WrongOrder> for Error {
    fn from(error: WrongOrder) -> Self {
        Self::refused("RESERVATION_EXISTS", error.to_string())
    }
}

impl Retryable for Error {
    fn is_retryable(&self) -> bool {
        matches!(self, Self::Database(error) if error.is_retryable())
    }
}
