//! Why a use case did not end as asked: what its caller is answered, and what becomes of the event that it was run for.

use std::fmt::Display;

use db::Retryable;
use events::HandlerError;
use kernel::Refusal;
use rpc::status;
use tonic::{Code, Status};

/// Why a use case did not end as asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UseCaseError {
    /// A rule of the trade says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It is not there, or another's.
    #[error("there is no {kind} {id}")]
    NotFound {
        /// A noun, such as `wallet`.
        kind: &'static str,
        /// As it was asked for.
        id: String,
    },
    /// What was asked for cannot be.
    #[error("{field}: {problem}")]
    Invalid {
        /// Of the request.
        field: String,
        /// What is wrong with it, and what is allowed.
        problem: String,
    },
    /// The caller has all that it may have.
    #[error("{message}")]
    LimitReached {
        /// UPPER_SNAKE.
        reason: &'static str,
        /// The same in words.
        message: String,
    },
    /// Something else is under way; again later.
    #[error("{message}")]
    Busy {
        /// UPPER_SNAKE.
        reason: &'static str,
        /// The same in words.
        message: &'static str,
    },
    /// Another change came first.
    #[error("another change came first")]
    Superseded,
    /// Another service does not answer.
    #[error("{0}")]
    Unavailable(String),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// An invariant is broken: a fault of the program, or of the stored data.
    #[error("an invariant is broken: {0}")]
    Invariant(&'static str),
    /// A fault of the program or of its configuration, or an event that cannot be.
    #[error("{0}")]
    Fault(String),
}

impl UseCaseError {
    /// A rule of the trade says no; the reason is UPPER_SNAKE.
    pub fn refused(reason: &'static str, message: impl Into<String>) -> Self {
        Self::Refused(Refusal::new(reason, message))
    }

    /// It is not there, or another's.
    pub fn not_found(kind: &'static str, id: impl Display) -> Self {
        Self::NotFound { kind, id: id.to_string() }
    }

    /// A field of the request cannot be so.
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), problem: problem.into() }
    }

    /// Somebody changed it since the caller read it.
    pub fn stale() -> Self {
        Self::refused("STALE_ETAG", "it was changed since you read it: read it again and repeat your change")
    }
}

/// What was quoted and stored can be counted: what cannot is a fault. Where the caller's amounts are to blame, its service
/// says so before.
impl From<money::Error> for UseCaseError {
    fn from(error: money::Error) -> Self {
        Self::Fault(error.to_string())
    }
}

impl Retryable for UseCaseError {
    fn database(&self) -> Option<&db::Error> {
        if let Self::Database(error) = self { Some(error) } else { None }
    }
}

impl From<UseCaseError> for Status {
    fn from(error: UseCaseError) -> Self {
        use UseCaseError as E;
        match &error {
            E::Refused(refusal) => status::refused(refusal),
            E::NotFound { kind, id } => status::not_found(kind, id),
            E::Invalid { field, problem } => status::invalid(&[(field, problem)]),
            E::LimitReached { reason, message } => {
                status::reject(Code::ResourceExhausted, reason, message.clone(), &[])
            }
            E::Busy { reason, message } => {
                status::retry(Code::Aborted, reason, *message, status::RETRY_AFTER)
            }
            E::Superseded => {
                let message = "another change came first; try again";
                status::retry(Code::Aborted, "CONFLICT", message, status::RETRY_AFTER)
            }
            E::Unavailable(problem) => {
                tracing::warn!(problem, "another service does not answer");
                status::unavailable("SERVICE_UNAVAILABLE", "a part of the hub does not answer; try again")
            }
            E::Database(error) => status::database(error),
            E::Invariant(_) | E::Fault(_) => status::internal(&error),
        }
    }
}

/// What the database can do again, and what waits for something else, is tried again; what a rule refuses never changes.
impl From<UseCaseError> for HandlerError {
    fn from(error: UseCaseError) -> Self {
        use UseCaseError as E;
        match error {
            E::Database(error) => Self::Database(error),
            E::Superseded | E::Busy { .. } | E::Unavailable(_) => Self::Retry(error.to_string()),
            E::Refused(_)
            | E::NotFound { .. }
            | E::Invalid { .. }
            | E::LimitReached { .. }
            | E::Invariant(_)
            | E::Fault(_) => Self::Poison(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<(UseCaseError, Code, &'static str, &'static str)> {
        use UseCaseError as E;
        let limit = E::LimitReached { reason: "SELLER_HAS_ENOUGH", message: "too many".to_owned() };
        let busy = E::Busy { reason: "ORDER_IN_PROGRESS", message: "try again" };
        vec![
            (E::refused("NO", "it may not"), Code::FailedPrecondition, "NO", "poison"),
            (E::stale(), Code::FailedPrecondition, "STALE_ETAG", "poison"),
            (E::not_found("stock item", 7), Code::NotFound, "STOCK_ITEM_NOT_FOUND", "poison"),
            (E::invalid("a.b", "must be so"), Code::InvalidArgument, "INVALID_REQUEST", "poison"),
            (limit, Code::ResourceExhausted, "SELLER_HAS_ENOUGH", "poison"),
            (busy, Code::Aborted, "ORDER_IN_PROGRESS", "retry"),
            (E::Superseded, Code::Aborted, "CONFLICT", "retry"),
            (E::Unavailable("away".to_owned()), Code::Unavailable, "SERVICE_UNAVAILABLE", "retry"),
            (db::Error::Conflict.into(), Code::Aborted, "CONFLICT", "database"),
            (db::Error::RowNotFound.into(), Code::Internal, "INTERNAL", "database"),
            (E::Invariant("a"), Code::Internal, "INTERNAL", "poison"),
            (E::Fault("a".to_owned()), Code::Internal, "INTERNAL", "poison"),
            (money::Error::Overflow.into(), Code::Internal, "INTERNAL", "poison"),
        ]
    }

    #[test]
    fn each_has_its_code_and_reason() {
        for (error, code, reason, _) in all() {
            let text = error.to_string();
            let status = Status::from(error);
            assert_eq!(status.code(), code, "{text}");
            assert_eq!(status::reason(&status).as_deref(), Some(reason), "{text}");
        }
    }

    #[test]
    fn an_event_is_tried_again_only_where_that_may_help() {
        for (error, _, _, expected) in all() {
            let text = error.to_string();
            let handled = match HandlerError::from(error) {
                HandlerError::Database(_) => "database",
                HandlerError::Retry(_) => "retry",
                HandlerError::Poison(_) => "poison",
                _ => "another",
            };
            assert_eq!(handled, expected, "{text}");
        }
    }
}
