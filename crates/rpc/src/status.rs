//! Rich errors: each has one `ErrorInfo` of domain `entrepot` with an UPPER_SNAKE reason, bad input names its
//! fields, and what may be tried again says when. Nothing internal reaches a client.

use std::collections::HashMap;
use std::fmt::Display;
use std::time::Duration;

use kernel::Refusal;
use kernel::text::{excerpt, shortened};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

/// The `domain` of every `ErrorInfo`.
pub const DOMAIN: &str = "entrepot";
/// After how long a client shall try again when a service or its database is away.
pub const RETRY_AFTER: Duration = Duration::from_millis(500);
/// How tonic tells that a message is not protobuf, or another's: the words of prost.
const UNDECODABLE: &str = "failed to decode Protobuf message";
/// How much of another's word is passed on, in characters.
const PROBLEM_CHARACTERS_MAX: usize = 200;
/// After how long a client should retry a search when too many are running.
const SEARCH_AGAIN_AFTER: Duration = Duration::from_secs(2);

/// The longest message, and the longest part of one or of its details, in bytes. What somebody sent comes back in parts
/// at most: headers carry it, and clients and proxies bound those to 8 KiB.
const MESSAGE_BYTES_MAX: usize = 1_000;
const PART_BYTES_MAX: usize = 300;
/// Fields that one error names, and their bytes.
const VIOLATIONS_MAX: usize = 20;
const VIOLATIONS_BYTES_MAX: usize = 2_500;

fn cut(text: &str, most: usize) -> String {
    let mut cut = shortened(text, most).to_string();
    if cut.len() > most {
        cut.truncate(cut.floor_char_boundary(most));
        cut.push('…');
    }
    cut
}

fn refusal(code: Code, message: &str, details: ErrorDetails) -> Status {
    Status::with_error_details(code, cut(message, MESSAGE_BYTES_MAX), details)
}

fn details(reason: &str, metadata: &[(&str, &str)]) -> ErrorDetails {
    let metadata: HashMap<String, String> =
        metadata.iter().map(|(key, value)| (cut(key, PART_BYTES_MAX), cut(value, PART_BYTES_MAX))).collect();
    ErrorDetails::with_error_info(reason, DOMAIN, metadata)
}

/// INVALID_ARGUMENT with one violation per (field, description), of the first twenty; reason `INVALID_REQUEST`. Fields
/// are proto paths: `address.postal_code`, `lines[2].quantity`.
pub fn invalid(violations: &[(&str, &str)]) -> Status {
    let (mut named, mut bytes) = (Vec::new(), 0);
    for (field, text) in violations.iter().take(VIOLATIONS_MAX) {
        let (field, text) = (cut(field, PART_BYTES_MAX), cut(text, PART_BYTES_MAX));
        bytes += field.len() + text.len();
        if bytes > VIOLATIONS_BYTES_MAX {
            break;
        }
        named.push((field, text));
    }
    let mut message =
        named.iter().map(|(field, text)| format!("{field}: {text}")).collect::<Vec<_>>().join("; ");
    if violations.len() > named.len() {
        message = format!("{} invalid fields, such as {message}", violations.len());
    }
    let mut details = details("INVALID_REQUEST", &[]);
    details.set_bad_request(
        named.into_iter().map(|(field, text)| FieldViolation::new(field, text)).collect::<Vec<_>>(),
    );
    refusal(Code::InvalidArgument, &message, details)
}

/// A refusal: `reject(Code::FailedPrecondition, "OUT_OF_STOCK", "only 2 are left", &[("sku", "A-1")])`.
pub fn reject(code: Code, reason: &str, message: impl Into<String>, metadata: &[(&str, &str)]) -> Status {
    refusal(code, &message.into(), details(reason, metadata))
}

/// FAILED_PRECONDITION: a rule of the trade says no.
pub fn refused(refusal: &Refusal) -> Status {
    let metadata = refusal.metadata.iter();
    let metadata: Vec<_> = metadata.map(|(key, value)| (key.as_str(), value.as_str())).collect();
    reject(Code::FailedPrecondition, &refusal.reason, &refusal.message, &metadata)
}

/// NOT_FOUND with reason `ORDER_NOT_FOUND` for kind `order`. Use it for another's object too.
pub fn not_found(kind: &str, id: impl Display) -> Status {
    let id = excerpt(&id.to_string()).to_string();
    let reason = format!("{}_NOT_FOUND", kind.to_uppercase().replace([' ', '-'], "_"));
    let mut details = details(&reason, &[("id", &id)]);
    details.set_resource_info(kind, &id, "", "");
    refusal(Code::NotFound, &format!("there is no {kind} {id}"), details)
}

/// INTERNAL without details; the error is logged here, once.
pub fn internal(error: impl Display) -> Status {
    tracing::error!(error = format!("{error:#}"), "a call failed with an internal error");
    reject(Code::Internal, "INTERNAL", "the hub had an internal error, which has been logged", &[])
}

/// UNAVAILABLE with a delay after which to try again.
pub fn unavailable(reason: &str, message: impl Into<String>) -> Status {
    retry(Code::Unavailable, reason, message, RETRY_AFTER)
}

/// A refusal with `RetryInfo`: for ABORTED, UNAVAILABLE and RESOURCE_EXHAUSTED.
pub fn retry(code: Code, reason: &str, message: impl Into<String>, after: Duration) -> Status {
    let mut details = details(reason, &[]);
    details.set_retry_info(Some(after));
    refusal(code, &message.into(), details)
}

/// The status of a database failure for a client: UNAVAILABLE or ABORTED when a retry may help, else
/// INTERNAL and logged.
pub fn database(error: &db::Error) -> Status {
    use db::Retryable as _;
    if matches!(error, db::Error::Unavailable(..)) {
        tracing::warn!(%error, "the database is unavailable");
        return unavailable("DATABASE_UNAVAILABLE", "the hub's database does not answer");
    }
    if error.is_retryable() || matches!(error, db::Error::Conflict) {
        return retry(Code::Aborted, "CONFLICT", "another change came first; try again", RETRY_AFTER);
    }
    match error {
        db::Error::SearchTimeout => {
            let message = "this search takes too long: make it narrower";
            reject(Code::ResourceExhausted, "SEARCH_TOO_COSTLY", message, &[])
        }
        db::Error::SearchesBusy => {
            let message = "too many searches are running at once; wait and call again";
            retry(Code::ResourceExhausted, "SEARCHES_BUSY", message, SEARCH_AGAIN_AFTER)
        }
        _ => internal(error),
    }
}

/// The reason of a status made by this hub, for clients and tests.
pub fn reason(status: &Status) -> Option<String> {
    status.get_details_error_info().map(|info| info.reason)
}

/// A field of the `ErrorInfo` of a status made by this hub, for clients and tests.
pub fn metadata(status: &Status, key: &str) -> Option<String> {
    status.get_details_error_info().and_then(|mut info| info.metadata.remove(key))
}

/// The fields that a BadRequest names, for clients and tests.
pub fn fields(status: &Status) -> Vec<String> {
    let violations = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    violations.into_iter().map(|violation| violation.field).collect()
}

/// After how long the status says to try again.
pub fn retry_after(status: &Status) -> Option<Duration> {
    status.get_details_retry_info().and_then(|info| info.retry_delay)
}

/// The hub's own status in place of one that tonic made, which carries no `ErrorInfo`. `None` when it
/// is the hub's already.
pub(crate) fn in_our_words(made: &Status) -> Option<Status> {
    if made.code() == Code::Ok || made.get_details_error_info().is_some() {
        return None;
    }
    let text = made.message();
    Some(match made.code() {
        // What a client sends is never a fault of the hub.
        Code::Internal if text.contains(UNDECODABLE) => {
            let problem =
                text.split_once(UNDECODABLE).map_or("", |(_, problem)| problem.trim_start_matches(": "));
            let problem: String = problem.chars().take(PROBLEM_CHARACTERS_MAX).collect();
            let message = format!("the message is not valid for this call: {problem}");
            reject(Code::InvalidArgument, "MALFORMED_MESSAGE", message, &[])
        }
        Code::Internal => internal(text),
        Code::Unimplemented if text.contains("compressed") => {
            let message = "compressed messages are not supported here: send `grpc-encoding: identity`";
            reject(Code::Unimplemented, "COMPRESSION_NOT_SUPPORTED", message, &[])
        }
        Code::Unimplemented => no_such_rpc(),
        code => reject(code, code_name(code), text, &[]),
    })
}

/// The code's name in gRPC's documents, which is the reason where nothing more is known.
pub(crate) fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

pub(crate) fn no_such_rpc() -> Status {
    reject(Code::Unimplemented, "RPC_NOT_FOUND", "no such RPC here", &[])
}

pub(crate) fn token_expired() -> Status {
    reject(Code::Unauthenticated, "TOKEN_EXPIRED", "the token has expired: call again with a new one", &[])
}

pub(crate) fn stream_aged() -> Status {
    let message = "the stream has reached its maximum duration; call again";
    retry(Code::Aborted, "STREAM_AGED", message, RETRY_AFTER)
}

pub(crate) fn token_missing() -> Status {
    reject(Code::Unauthenticated, "TOKEN_MISSING", "this call needs `authorization: Bearer <token>`", &[])
}

pub(crate) fn draining() -> Status {
    unavailable("DRAINING", "this server is shutting down; call again")
}

pub(crate) fn deadline_exceeded() -> Status {
    reject(Code::DeadlineExceeded, "DEADLINE_EXCEEDED", "the deadline passed before the answer", &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_input_names_its_fields() {
        let status =
            invalid(&[("lines[0].quantity", "must be positive"), ("quote_id", &format!("is {}", "unknown"))]);
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(fields(&status), ["lines[0].quantity", "quote_id"]);
        assert_eq!(reason(&status).as_deref(), Some("INVALID_REQUEST"));
    }

    #[test]
    fn a_rejection_carries_its_reason_and_metadata() {
        let status = reject(Code::FailedPrecondition, "OUT_OF_STOCK", "none left", &[("sku", "A-1")]);
        assert_eq!(reason(&status).as_deref(), Some("OUT_OF_STOCK"));
        assert_eq!(metadata(&status, "sku").as_deref(), Some("A-1"));
        assert_eq!(reason(&not_found("tax rule", "x")).as_deref(), Some("TAX_RULE_NOT_FOUND"));
    }

    #[test]
    fn a_database_that_fails_is_to_be_asked_again() {
        let failing = db::Unavailability::Failing(std::sync::Arc::new(db::sqlx::Error::WorkerCrashed));
        let status = database(&db::Error::Unavailable(failing));
        assert_eq!(status.code(), Code::Unavailable);
        assert_eq!(reason(&status).as_deref(), Some("DATABASE_UNAVAILABLE"));
        assert_eq!(retry_after(&status), Some(RETRY_AFTER));
    }

    #[test]
    fn what_was_sent_comes_back_in_part_and_harmless() {
        let long = "\u{202e}z".repeat(250_000);
        let statuses = [
            invalid(&[(&long, &long)]),
            invalid(&vec![("lines[0].quantity", long.as_str()); 500]),
            reject(Code::FailedPrecondition, "OUT_OF_STOCK", long.clone(), &[("sku", &long), (&long, "x")]),
            not_found("order", &long),
            retry(Code::Aborted, "CONFLICT", long.clone(), RETRY_AFTER),
        ];
        for status in statuses {
            assert!(status.message().len() <= MESSAGE_BYTES_MAX + 3, "{}", status.message().len());
            assert!(status.details().len() < 6_000, "{}", status.details().len());
            assert!(!status.message().contains('\u{202e}'));
        }
        let many = invalid(&vec![("lines[0].quantity", "0 must be 1 to 9"); 500]);
        assert_eq!(fields(&many).len(), VIOLATIONS_MAX);
        assert!(many.message().starts_with("500 invalid fields, such as lines[0]"), "{}", many.message());
        assert_eq!(invalid(&[("a", "b"), ("c", "d")]).message(), "a: b; c: d");
    }

    #[test]
    fn internals_stay_inside() {
        let status = internal("password=hunter2");
        assert_eq!(status.code(), Code::Internal);
        assert!(!format!("{status:?}").contains("hunter2"));
        assert_eq!(retry_after(&unavailable("AWAY", "away")), Some(RETRY_AFTER));
    }
}
