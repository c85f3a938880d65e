//! What can go wrong with an event.

use db::Retryable;
use proto::convert::Invalid;

/// Why an event was not handled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandlerError {
    /// The database failed: while it does, the event waits; what the statement itself is to blame for is tried a few times,
    /// then parked.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// It cannot be handled yet, but soon: it is tried again for a while, then parked.
    #[error("not yet: {0}")]
    Retry(String),
    /// It can never be handled: it is parked.
    #[error("{0}")]
    Poison(String),
}

/// What cannot be read now can never be.
impl From<Invalid> for HandlerError {
    fn from(error: Invalid) -> Self {
        Self::Poison(error.to_string())
    }
}

impl Retryable for HandlerError {
    fn database(&self) -> Option<&db::Error> {
        if let Self::Database(error) = self { Some(error) } else { None }
    }
}
