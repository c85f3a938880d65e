//! Errors of the use cases as statuses: the one place that knows both.

use rpc::status;
use tonic::{Code, Status};

use crate::app::Error;

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => status::refused(&refusal),
            Error::NotFound { kind, id } => status::not_found(kind, id),
            Error::Busy(message) => {
                status::retry(Code::Aborted, "ORDER_IN_PROGRESS", message, status::RETRY_AFTER)
            }
            Error::Superseded => {
                let message = "another change came first; try again";
                status::retry(Code::Aborted, "CONFLICT", message, status::RETRY_AFTER)
            }
            Error::Away(problem) => {
                tracing::warn!(problem, "another service does not answer");
                status::unavailable("SERVICE_UNAVAILABLE", "a part of the hub does not answer; try again")
            }
            Error::Database(error) => status::database(&error),
            Error::Fault(problem) => status::internal(problem),
        }
    }
}
