//! What can go wrong with a use case, by what it means to the caller.

use db::Retryable;
use std::fmt::Display;

use crate::domain::{self, Refusal};

/// Why a use case did not end as asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A rule of the trade says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It is not there, or another's.
    #[error("there is no {kind} {id}")]
    NotFound {
        /// What.
        kind: &'static str,
        /// As it was asked for.
        id: String,
    },
    /// Something else is under way; again later.
    #[error("{0}")]
    Busy(&'static str),
    /// A service does not answer.
    #[error("{0}")]
    Away(String),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// Another change came first.
    #[error("another change came first")]
    Superseded,
    /// A fault of the program, or an event that cannot be.
    #[error("{0}")]
    Fault(String),
}

impl Error {
    /// It is not there, or another's.
    pub(crate) fn not_found(kind: &'static str, id: impl Display) -> Self {
        Self::NotFound { kind, id: id.to_string() }
    }
}

impl Retryable for Error {
    fn is_retryable(&self) -> bool {
        matches!(self, Self::Database(error) if error.is_retryable())
    }
}

impl From<domain::order::Error> for Error {
    fn from(error: domain::order::Error) -> Self {
        match error {
            domain::order::Error::Refused(refusal) => Self::Refused(refusal),
            domain::order::Error::NoConsignment(id) => Self::not_found("consignment", id),
            other => Self::Fault(other.to_string()),
        }
    }
}

impl From<domain::saga::Error> for Error {
    fn from(error: domain::saga::Error) -> Self {
        Self::Fault(error.to_string())
    }
}

impl From<money::Error> for Error {
    fn from(error: money::Error) -> Self {
        Self::Fault(error.to_string())
    }
}
