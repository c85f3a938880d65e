//! How often a principal may call the public listener.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tonic::{Code, Status};

use crate::status;

/// After how many calls those who no longer call are forgotten.
const FORGET_EVERY: u32 = 4096;

/// The bound of one principal (a token's subject; without token, an address).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Calls per second that may go on for ever.
    pub per_second: NonZeroU32,
    /// Calls that may come at once.
    pub burst: NonZeroU32,
}

impl Default for Rate {
    /// 500 per second, 1000 at once.
    fn default() -> Self {
        const PER_SECOND: NonZeroU32 = NonZeroU32::new(500).expect("not zero");
        const BURST: NonZeroU32 = NonZeroU32::new(1000).expect("not zero");
        Self { per_second: PER_SECOND, burst: BURST }
    }
}

pub(crate) struct Limiter {
    keyed: DefaultKeyedRateLimiter<String>,
    /// What may come at once.
    most: NonZeroU32,
    clock: DefaultClock,
    calls: AtomicU32,
}

impl Limiter {
    pub(crate) fn new(rate: Rate) -> Self {
        Self::of(Quota::per_second(rate.per_second).allow_burst(rate.burst))
    }

    pub(crate) fn per_hour(most: NonZeroU32) -> Self {
        Self::of(Quota::per_hour(most))
    }

    fn of(quota: Quota) -> Self {
        let most = quota.burst_size();
        Self {
            keyed: RateLimiter::keyed(quota),
            most,
            clock: DefaultClock::default(),
            calls: AtomicU32::new(0),
        }
    }

    pub(crate) fn check(&self, principal: &str) -> Result<(), Status> {
        let refused = |wait| {
            let message = "too many calls; wait and call again";
            status::retry(Code::ResourceExhausted, "RATE_EXCEEDED", message, wait)
        };
        self.take(principal, NonZeroU32::MIN).map_err(refused)
    }

    /// Takes `much` of the quota of `name`, or returns how long to wait for it. A larger amount than the whole quota
    /// takes all of it.
    pub(crate) fn take(&self, name: &str, much: NonZeroU32) -> Result<(), Duration> {
        if self.calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(FORGET_EVERY) {
            self.keyed.retain_recent();
        }
        let taken = self.keyed.check_key_n(&name.to_owned(), much.min(self.most));
        let Ok(Err(later)) = taken else { return Ok(()) };
        Err(later.wait_time_from(self.clock.now()).max(Duration::from_millis(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_bounded_per_principal_and_says_when_to_come_again() {
        let rate = Rate { per_second: NonZeroU32::new(1).unwrap(), burst: NonZeroU32::new(3).unwrap() };
        let limiter = Limiter::new(rate);
        let (one, two) = ("buyer:a", "buyer:b");
        for _ in 0..3 {
            limiter.check(one).unwrap();
        }
        let refused = limiter.check(one).unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted);
        assert!(status::retry_after(&refused).unwrap() <= Duration::from_secs(1));
        limiter.check(two).unwrap();
    }
}
