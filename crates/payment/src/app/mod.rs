//! What can be done with money: commands and queries, one use case per file.

pub(crate) mod authorise;
pub(crate) mod cancel_payment;
pub(crate) mod capture;
pub(crate) mod exchange;
pub(crate) mod get_payment;
pub(crate) mod get_statement;
pub(crate) mod inquire_hold;
pub(crate) mod list_suspense;
pub(crate) mod list_transfers;
pub(crate) mod list_wallet_entries;
pub(crate) mod list_wallets;
pub(crate) mod migrate_terms;
pub(crate) mod open_wallet;
pub(crate) mod pay_qr;
pub(crate) mod refund;
pub(crate) mod release_escrow;
pub(crate) mod report_receipt;
pub(crate) mod resolve_suspense;
pub(crate) mod top_up;
pub(crate) mod trial_balance;
pub(crate) mod void;

use std::sync::Arc;

use db::Retryable;
use events::Outbox;
use hub::Profile;
use kernel::{Clock, Refusal};
use money::Currency;
use money::rates::RateTable;

use crate::domain::hold::WrongOrder;

/// What every use case needs.
pub(crate) struct App {
    pub(crate) clock: Clock,
    pub(crate) outbox: Outbox,
    pub(crate) hub: Arc<Profile>,
    pub(crate) rates: Arc<RateTable>,
    pub(crate) sandbox: bool,
}

impl db::Application for App {
    type Error = Error;
}

impl App {
    /// Refuses what only a sandbox does.
    pub(crate) fn in_sandbox(&self, message: &'static str) -> Result<(), Error> {
        if self.sandbox { Ok(()) } else { Err(Error::refused("NOT_A_SANDBOX", message)) }
    }
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
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("{field}: {problem}")]
    Invalid { field: &'static str, problem: String },
    /// An invariant is broken: a fault of the program, or of the stored data.
    #[error("an invariant is broken: {0}")]
    Invariant(&'static str),
}

impl Error {
    pub(crate) fn refused(reason: &'static str, message: impl Into<String>) -> Self {
        Self::Refused(Refusal::new(reason, message))
    }

    /// A currency has no rate.
    pub(crate) fn no_rate(currency: Currency, message: impl Into<String>) -> Self {
        Self::Refused(Refusal::new("RATE_UNAVAILABLE", message).about("currency", currency.code()))
    }

    pub(crate) fn not_found(kind: &'static str, id: impl std::fmt::Display) -> Self {
        Self::NotFound { kind, id: id.to_string() }
    }
}

impl From<WrongOrder> for Error {
    fn from(error: WrongOrder) -> Self {
        Self::refused("HOLD_EXISTS", error.to_string())
    }
}

impl Retryable for Error {
    fn is_retryable(&self) -> bool {
        matches!(self, Self::Database(error) if error.is_retryable())
    }
}
