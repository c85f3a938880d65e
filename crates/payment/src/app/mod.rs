//! What can be done with money, one use case per file; each owns its transaction.

pub(crate) mod authorise;
pub(crate) mod cancel_payment;
pub(crate) mod capture;
pub(crate) mod exchange;
pub(crate) mod inspect;
pub(crate) mod open_wallet;
pub(crate) mod receive;
pub(crate) mod refund;
pub(crate) mod release;
pub(crate) mod resolve_suspense;
pub(crate) mod top_up;
pub(crate) mod void;

use std::sync::Arc;

use db::{Db, Retryable};
use events::Outbox;
use hub::Profile;
use kernel::Clock;
use money::Currency;
use money::rates::RateTable;

use crate::domain::hold::OfAnother;

/// What every use case needs.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) outbox: Outbox,
    pub(crate) hub: Arc<Profile>,
    pub(crate) rates: Arc<RateTable>,
    pub(crate) sandbox: bool,
}

/// Why a use case was refused or failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0}")]
    Database(#[from] db::Error),
    #[error("an amount is too large: {0}")]
    Money(#[from] money::Error),
    /// `kind` is a noun, such as `wallet`.
    #[error("there is no {kind} {id}")]
    NotFound { kind: &'static str, id: String },
    /// Refused by a rule: an UPPER_SNAKE reason and a sentence.
    #[error("{message}")]
    Refused { reason: &'static str, message: String },
    /// A currency has no rate.
    #[error("{message}")]
    NoRate { currency: Currency, message: String },
    #[error("{field}: {problem}")]
    Invalid { field: &'static str, problem: String },
}

impl Error {
    pub(crate) fn refused(reason: &'static str, message: impl Into<String>) -> Self {
        Self::Refused { reason, message: message.into() }
    }

    pub(crate) fn not_found(kind: &'static str, id: impl std::fmt::Display) -> Self {
        Self::NotFound { kind, id: id.to_string() }
    }
}

impl From<OfAnother> for Error {
    fn from(error: OfAnother) -> Self {
        Self::refused("HOLD_EXISTS", error.to_string())
    }
}

impl Retryable for Error {
    fn is_retryable(&self) -> bool {
        matches!(self, Self::Database(error) if error.is_retryable())
    }
}
