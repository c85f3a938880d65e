//! How much of what is kept for its callers is made for each of them.

use std::num::NonZeroU32;
use std::time::Duration;

use tonic::{Code, Request, Status};

use crate::rate::Limiter;
use crate::{caller, client, status};

/// A quota for each principal, and a lower one for each address of callers without a token.
pub struct Quota {
    known: Limiter,
    anonymous: Limiter,
    reason: &'static str,
    message: &'static str,
}

impl Quota {
    /// So many per hour, which may come at once, without a token and with one; beyond them RESOURCE_EXHAUSTED for this
    /// reason, with this message.
    pub fn per_hour(
        anonymous: NonZeroU32,
        known: NonZeroU32,
        reason: &'static str,
        message: &'static str,
    ) -> Self {
        let (anonymous, known) = (Limiter::per_hour(anonymous), Limiter::per_hour(known));
        Self { known, anonymous, reason, message }
    }

    /// Takes so many for whom a call is counted.
    pub fn take(&self, counted: &QuotaKey, worth: NonZeroU32) -> Result<(), Status> {
        let taken = match counted {
            QuotaKey::Principal(principal) => self.known.take(principal, worth),
            QuotaKey::Address(address) => self.anonymous.take(address, worth),
            QuotaKey::Nobody => Ok(()),
        };
        taken
            .map_err(|wait: Duration| status::retry(Code::ResourceExhausted, self.reason, self.message, wait))
    }
}

/// For whom a call is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuotaKey {
    /// Who comes with a token.
    Principal(String),
    /// Where a call without one comes from.
    Address(String),
    /// A call without one from within the process.
    Nobody,
}

impl QuotaKey {
    /// For whom this request is.
    pub fn of<T>(request: &Request<T>) -> Self {
        match (caller(request), client(request)) {
            (Some(caller), _) => Self::Principal(caller.principal()),
            (None, Some(client)) => Self::Address(client.to_owned()),
            (None, None) => Self::Nobody,
        }
    }
}

impl std::fmt::Debug for Quota {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Quota").field("reason", &self.reason).finish_non_exhaustive()
    }
}
