//! Events that wait for the brokers longer than they may: told once, not of each.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What waits.
pub(super) struct PublishBacklog {
    /// How long an event may wait before it is told of.
    late_after: Duration,
    brokers: String,
    state: Mutex<BacklogState>,
}

#[derive(Default)]
struct BacklogState {
    next: u64,
    /// Since when each waits, oldest first.
    since: BTreeMap<u64, Instant>,
    /// It was told that events wait; the oldest of them since then.
    told: Option<Instant>,
}

impl PublishBacklog {
    pub(super) fn new(late_after: Duration, brokers: &str) -> Self {
        Self { late_after, brokers: brokers.to_owned(), state: Mutex::default() }
    }

    /// Waits with an event for its end, telling of it when that takes long.
    pub(super) async fn during<T, E>(&self, publishing: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let waiting = self.begin(Instant::now());
        tokio::pin!(publishing);
        let published = loop {
            match tokio::time::timeout(self.late_after, &mut publishing).await {
                Ok(published) => break published,
                Err(_) => self.tell(),
            }
        };
        drop(waiting);
        if published.is_ok() {
            self.has_taken();
        }
        published
    }

    /// For how long the oldest has waited, once it is late.
    pub(super) fn late(&self) -> Option<Duration> {
        self.late_of(&self.state())
    }

    fn late_of(&self, state: &BacklogState) -> Option<Duration> {
        let oldest = state.since.values().next()?.elapsed();
        (oldest >= self.late_after).then_some(oldest)
    }

    fn begin(&self, since: Instant) -> Waiting<'_> {
        let mut state = self.state();
        let ticket = state.next;
        state.next += 1;
        state.since.insert(ticket, since);
        drop(state);
        Waiting { waits: self, ticket }
    }

    fn tell(&self) {
        let mut state = self.state();
        let oldest = state.since.values().next().copied();
        if state.told.is_none() {
            state.told = oldest;
            let (brokers, events) = (&self.brokers, state.since.len());
            tracing::warn!(brokers, events, "events wait for the broker: they are kept until it takes them");
        }
    }

    /// Tells once none is late any more: what has waited goes out over a while.
    fn has_taken(&self) {
        let mut state = self.state();
        if self.late_of(&state).is_none()
            && let Some(since) = state.told.take()
        {
            let waited_seconds = since.elapsed().as_secs();
            tracing::info!(waited_seconds, "the broker accepts events again, and none is waiting");
        }
    }

    fn state(&self) -> MutexGuard<'_, BacklogState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An event that waits.
struct Waiting<'a> {
    waits: &'a PublishBacklog,
    ticket: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.waits.state().since.remove(&self.ticket);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_waits_is_late_after_its_time_and_told_of_once() {
        const LATE_AFTER: Duration = Duration::from_secs(60);
        let waits = PublishBacklog::new(LATE_AFTER, "one:9092");
        let told = || waits.state().told.is_some();
        let taken = || waits.during(std::future::ready(Ok::<(), ()>(())));
        assert_eq!(waits.late(), None);
        let long_ago = Instant::now().checked_sub(LATE_AFTER).unwrap();
        let (first, second, third) =
            (waits.begin(long_ago), waits.begin(long_ago), waits.begin(Instant::now()));
        assert!(waits.late() >= Some(LATE_AFTER));
        waits.tell();
        drop(first);
        taken().await.unwrap();
        assert!(told(), "one is late still");
        drop(second);
        waits.during(std::future::ready(Err::<(), ()>(()))).await.unwrap_err();
        assert!(told() && waits.late().is_none());
        taken().await.unwrap();
        assert!(!told());
        drop(third);
        assert!(waits.state().since.is_empty());
    }
}
