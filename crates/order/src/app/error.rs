//! What the errors of the rules mean to the caller of a use case.

use crate::domain;

pub(crate) use runtime::UseCaseError as Error;

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
