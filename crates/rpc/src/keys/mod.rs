//! The hub's bearer tokens: JWT, EdDSA over Ed25519.
//!
//! Whoever signs is apart from whoever verifies. The [`Issuer`] signs for people, operators and carriers, an
//! [`Identity`](crate::Identity) for one service; a [`TokenVerifier`] holds public keys alone, each bound to what its
//! [`Holder`] may sign. Public keys stand in a JWK Set (RFC 7517, RFC 8037), which is read again while a process runs.

mod claims;
mod files;
mod issuer;
mod set;
mod signing;
mod verifier;

use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use issuer::Issuer;
pub use set::{Holder, KeySet, PublicKey};
pub use signing::SigningKey;
pub use verifier::{IssuerFile, KeySource, SetFile, TokenVerifier};

pub(crate) use claims::Claims;

use crate::Caller;

/// How far the clocks of two machines may differ.
pub const CLOCK_SKEW: Duration = Duration::from_secs(5);
/// The longest that a token may last: whoever loses one loses it for so long.
pub const TOKEN_LIFETIME_MAX: Duration = Duration::from_secs(90 * 24 * 3_600);
/// How long a service's token lasts; it is made anew at half of that.
pub const SERVICE_TOKEN_LIFETIME: Duration = Duration::from_secs(600);
/// Characters of a subject.
const SUBJECT_MAX: usize = 128;

/// Why keys cannot be had, or a token not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The key file cannot be read or written.
    #[error("the key file {path} cannot be used: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The key file holds no Ed25519 key in PKCS#8 PEM.
    #[error("the key file {0} holds no Ed25519 private key in PEM")]
    Malformed(PathBuf),
    /// The file of public keys is not a JWK Set that this program understands.
    #[error("the file of public keys {path} cannot be used: {problem}")]
    Set {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The system gave no randomness, or the key cannot sign.
    #[error("no key could be made: {0}")]
    Crypto(String),
    /// A subject that cannot stand in a header.
    #[error(
        "a token's subject is 1 to {SUBJECT_MAX} visible ASCII characters, with a letter or digit among them"
    )]
    Subject,
    /// A lifetime that no hub takes.
    #[error("a token lasts from 1 second to {} days", TOKEN_LIFETIME_MAX.as_secs() / 86_400)]
    Lifetime,
    /// The issuer was to sign for a service.
    #[error("the issuer signs only for people: each service signs its own tokens with its own key")]
    ServiceRole,
}

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Its time has passed.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYet,
    /// It lasts longer than a token may.
    #[error("the token lasts longer than {} days", TOKEN_LIFETIME_MAX.as_secs() / 86_400)]
    LastsTooLong,
    /// It is of another hub.
    #[error("the token is for another hub")]
    OtherHub,
    /// It is a service's, and this is not the internal listener.
    #[error("the token is a service's, which is valid only on the internal listener")]
    InternalOnly,
    /// It is not ours, or not a token.
    #[error("the token is not valid")]
    Invalid,
}

impl TokenError {
    /// The `ErrorInfo` reason.
    pub fn reason(self) -> &'static str {
        match self {
            TokenError::Expired => "TOKEN_EXPIRED",
            TokenError::NotYet => "TOKEN_NOT_YET_VALID",
            TokenError::LastsTooLong => "TOKEN_LASTS_TOO_LONG",
            TokenError::OtherHub => "TOKEN_OF_ANOTHER_HUB",
            TokenError::InternalOnly => "TOKEN_INTERNAL_ONLY",
            TokenError::Invalid => "TOKEN_INVALID",
        }
    }
}

/// What a token says that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Who calls.
    pub caller: Caller,
    /// For how long the token is still good.
    pub lasts: Duration,
}

/// Tells who a bearer token stands for.
pub trait Verifier: Send + Sync {
    /// The caller that the token names.
    fn verify(&self, token: &str) -> Result<Verified, TokenError>;
}

/// A subject stands in headers and logs: visible ASCII only.
fn is_subject(subject: &str) -> bool {
    subject.len() <= SUBJECT_MAX
        && subject.bytes().all(|byte| byte.is_ascii_graphic())
        && subject.bytes().any(|byte| byte.is_ascii_alphanumeric())
}

#[expect(clippy::disallowed_methods, reason = "a token's life is wall-clock time, which no sandbox moves")]
pub(crate) fn now_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
