//! The other services over gRPC: what [`crate::app::ports`] asks for.

mod catalog;
mod logistics;
mod payment;

use proto::convert::Invalid;
use rpc::status;
use tonic::{Code, Status};

pub(crate) use catalog::CatalogPeer;
pub(crate) use logistics::LogisticsPeer;
pub(crate) use payment::PaymentPeer;

use crate::app::ports::Error;
use crate::domain::Refusal;

/// What a failed call means. A status of these codes says that nothing was done; any other leaves that open.
fn failed(status: Status) -> Error {
    match status.code() {
        Code::FailedPrecondition | Code::NotFound | Code::AlreadyExists | Code::OutOfRange => {
            let reason = status::reason(&status).unwrap_or_else(|| "REFUSED".to_owned());
            let mut refusal = Refusal::new(reason, status.message());
            for key in METADATA {
                if let Some(value) = status::metadata(&status, key) {
                    refusal = refusal.about(key, value);
                }
            }
            Error::Refused(refusal)
        }
        Code::InvalidArgument | Code::Unimplemented => Error::Fault(status.message().to_owned()),
        code => Error::Unreachable(format!("{code:?}: {}", status.message())),
    }
}

/// What of a refusal is passed on to the client.
const METADATA: [&str; 8] =
    ["variant_id", "seller_id", "product_id", "currency", "from_country", "offered", "id", "changed"];

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self::Fault(format!("an invalid answer: {invalid}"))
    }
}

fn missing(what: &str) -> Error {
    Error::Fault(format!("an answer without {what}"))
}
