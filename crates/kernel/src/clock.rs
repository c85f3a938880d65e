//! Business time: what expiries, escrow timers and rule dates are told by. Deadlines and retries stay on the machine's
//! monotonic time, and leases on [`Clock::steady`].

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use chrono::{DateTime, Duration, SubsecRound as _, Utc};

/// A hub's business time, to the microsecond. Clones tell the same time; a sandbox hub may move it forward.
#[derive(Clone, Debug)]
pub struct Clock {
    source: Source,
    ahead_us: Arc<AtomicI64>,
}

/// Where a clock has its time from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Machine,
    Fixed(DateTime<Utc>),
    Steady { from: DateTime<Utc>, since: Instant },
}

/// A move that a clock cannot make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Time goes forward only.
    #[error("a clock moves forward only")]
    Backward,
    /// More than the calendar holds.
    #[error("a clock cannot move that far")]
    TooFar,
}

/// The most that a clock may be ahead: a hundred years.
const AHEAD_MAX_US: i64 = 100 * 366 * 24 * 3_600 * 1_000_000;

impl Clock {
    /// The machine's time.
    pub fn system() -> Self {
        Self { source: Source::Machine, ahead_us: Arc::default() }
    }

    /// The machine's time as it is now, and from here on as long as it takes, however often the machine's clock is set:
    /// for leases. Two of them, made before and after that, differ.
    pub fn steady() -> Self {
        let (from, since) = (Self::system().now(), Instant::now());
        Self { source: Source::Steady { from, since }, ahead_us: Arc::default() }
    }

    /// A time that stands still unless it is moved: for tests.
    pub fn fixed(at: DateTime<Utc>) -> Self {
        Self { source: Source::Fixed(at.trunc_subsecs(6)), ahead_us: Arc::default() }
    }

    /// Now, truncated to the microsecond that both databases keep.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's time")]
    pub fn now(&self) -> DateTime<Utc> {
        let now = match self.source {
            Source::Machine => Utc::now(),
            Source::Fixed(at) => at,
            Source::Steady { from, since } => from + since.elapsed(),
        };
        now.trunc_subsecs(6) + self.ahead()
    }

    /// How far it was moved.
    pub fn ahead(&self) -> Duration {
        Duration::microseconds(self.ahead_us.load(Ordering::SeqCst))
    }

    /// Moves it, and all its clones, forward.
    pub fn advance(&self, by: Duration) -> Result<(), Error> {
        let by = microseconds(by)?;
        self.ahead_us
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |ahead| {
                ahead.checked_add(by).filter(|ahead| *ahead <= AHEAD_MAX_US)
            })
            .map(|_| ())
            .map_err(|_| Error::TooFar)
    }

    /// Sets how far it is ahead unless it is further already: what a restart restores.
    pub fn set_ahead(&self, ahead: Duration) -> Result<(), Error> {
        let ahead = microseconds(ahead)?;
        if ahead > AHEAD_MAX_US {
            return Err(Error::TooFar);
        }
        self.ahead_us.fetch_max(ahead, Ordering::SeqCst);
        Ok(())
    }
}

fn microseconds(by: Duration) -> Result<i64, Error> {
    match by.num_microseconds() {
        Some(by) if by >= 0 => Ok(by),
        Some(_) => Err(Error::Backward),
        None if by < Duration::zero() => Err(Error::Backward),
        None => Err(Error::TooFar),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_moves_only_when_moved() {
        let start = DateTime::from_timestamp(1_750_000_000, 1_999).unwrap();
        let clock = Clock::fixed(start);
        assert_eq!(clock.now(), start.trunc_subsecs(6));
        let other = clock.clone();
        other.advance(Duration::days(7)).unwrap();
        assert_eq!(clock.now(), start.trunc_subsecs(6) + Duration::days(7));
        assert_eq!(clock.ahead(), Duration::days(7));
    }

    #[test]
    fn never_backward_and_never_off_the_calendar() {
        let clock = Clock::system();
        assert_eq!(clock.advance(Duration::microseconds(-1)), Err(Error::Backward));
        assert_eq!(clock.advance(Duration::MAX), Err(Error::TooFar));
        clock.advance(Duration::days(2)).unwrap();
        clock.set_ahead(Duration::days(1)).unwrap();
        assert_eq!(clock.ahead(), Duration::days(2));
        assert_eq!(clock.advance(Duration::days(100 * 366)), Err(Error::TooFar));
    }

    #[test]
    fn a_steady_clock_goes_on_from_the_machines() {
        let before = Clock::system().now();
        let clock = Clock::steady();
        let first = clock.now();
        assert!(first >= before && first <= Clock::system().now());
        assert!(clock.now() >= first);
        assert_eq!(clock.now().timestamp_subsec_nanos() % 1_000, 0);
    }

    #[test]
    fn the_system_clock_has_microseconds() {
        assert_eq!(Clock::system().now().timestamp_subsec_nanos() % 1_000, 0);
    }
}
