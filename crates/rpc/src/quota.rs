//! How much of what is kept for its callers is made for each of them.

use std::num::NonZeroU32;
use std::time::Duration;

use tonic::{Code, Request, Status};

use crate::rate::Limiter;
use crate::{caller, client, status};

/// A bound for each principal, and a lower one for each address from which callers without a token come.
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

    /// Counts a call that is worth so many, unless it comes without a token from within the process.
    pub fn check<T>(&self, request: &Request<T>, worth: NonZeroU32) -> Result<(), Status> {
        let taken = match (caller(request), client(request)) {
            (Some(caller), _) => self.known.take(&caller.principal(), worth),
            (None, Some(client)) => self.anonymous.take(client, worth),
            (None, None) => Ok(()),
        };
        taken
            .map_err(|wait: Duration| status::retry(Code::ResourceExhausted, self.reason, self.message, wait))
    }
}

impl std::fmt::Debug for Quota {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Quota").field("reason", &self.reason).finish_non_exhaustive()
    }
}
