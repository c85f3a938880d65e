//! Why a row of an import is not taken.

use super::Error;
use crate::domain::row::Field;

/// What a row as a whole is known by.
pub(super) const SKU: &str = "sku";

/// The field and what was wrong.
#[derive(Debug, Clone)]
pub(crate) struct Rejection {
    pub(crate) field: &'static str,
    pub(crate) problem: String,
}

impl Rejection {
    pub(super) fn of(field: Field, problem: impl Into<String>) -> Self {
        Self { field: field.as_str(), problem: problem.into() }
    }
}

/// Why a row was not taken: it is rejected, or the transaction of all has failed.
pub(super) enum RowError {
    Rejected(Rejection),
    Failed(Error),
}

impl From<Rejection> for RowError {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl<E: Into<Error>> From<E> for RowError {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}
