//! How much of something is done for callers without a token.

use std::num::NonZeroU32;

use tonic::{Request, Status};

use crate::rate::Limiter;
use crate::{caller, client};

/// A bound for each address from which callers without a token come.
pub struct Quota {
    limiter: Limiter,
    reason: &'static str,
    message: &'static str,
}

impl Quota {
    /// So many per hour, which may come at once; beyond them RESOURCE_EXHAUSTED for this reason, with this message.
    pub fn per_hour(most: NonZeroU32, reason: &'static str, message: &'static str) -> Self {
        Self { limiter: Limiter::per_hour(most), reason, message }
    }

    /// Counts a call, unless it has a token or comes from within the process.
    pub fn check<T>(&self, request: &Request<T>) -> Result<(), Status> {
        match (caller(request), client(request)) {
            (None, Some(client)) => self.limiter.check_for(client, self.reason, self.message),
            _ => Ok(()),
        }
    }
}

impl std::fmt::Debug for Quota {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Quota").field("reason", &self.reason).finish_non_exhaustive()
    }
}
