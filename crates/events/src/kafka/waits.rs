//! Events that wait for the brokers longer than they may: told once, not of each.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What waits.
pub(super) struct Waits {
    /// How long an event may wait before it is told of.
    late_after: Duration,
    brokers: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    /// Since when each waits, oldest first.
    since: BTreeMap<u64, Instant>,
    /// It was told that events wait.
    told: bool,
}

impl Waits {
    pub(super) fn new(late_after: Duration, brokers: &str) -> Self {
        Self { late_after, brokers: brokers.to_owned(), state: Mutex::default() }
    }

    /// Waits with an event for its end, telling of it when that takes long.
    pub(super) async fn during<T, E>(&self, publishing: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let waiting = self.begin();
        tokio::pin!(publishing);
        let published = loop {
            match tokio::time::timeout(self.late_after, &mut publishing).await {
                Ok(published) => break published,
                Err(_) => self.tell(),
            }
        };
        if published.is_ok() {
            self.has_taken(waiting.since);
        }
        published
    }

    /// For how long the oldest has waited, once it is late.
    pub(super) fn late(&self) -> Option<Duration> {
        let oldest = self.state().since.values().next()?.elapsed();
        (oldest >= self.late_after).then_some(oldest)
    }

    fn begin(&self) -> Waiting<'_> {
        let since = Instant::now();
        let mut state = self.state();
        let ticket = state.next;
        state.next += 1;
        state.since.insert(ticket, since);
        drop(state);
        Waiting { waits: self, ticket, since }
    }

    fn tell(&self) {
        let mut state = self.state();
        if !std::mem::replace(&mut state.told, true) {
            let (brokers, events) = (&self.brokers, state.since.len());
            tracing::warn!(brokers, events, "events wait for the broker: they are kept until it takes them");
        }
    }

    fn has_taken(&self, since: Instant) {
        if std::mem::replace(&mut self.state().told, false) {
            let seconds = since.elapsed().as_secs();
            tracing::info!(waited_seconds = seconds, "the broker takes events again");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An event that waits.
struct Waiting<'a> {
    waits: &'a Waits,
    ticket: u64,
    since: Instant,
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
        let waits = Waits::new(Duration::ZERO, "one:9092");
        assert_eq!(waits.late(), None);
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let both =
            async { tokio::join!(waits.during(ended), waits.during(std::future::ready(Err::<(), ()>(())))) };
        let look = async {
            tokio::task::yield_now().await;
            assert!(waits.late().is_some());
            waits.tell();
            assert!(waits.state().told && waits.state().since.len() == 1);
            end.send(()).unwrap();
        };
        let ((first, second), ()) = tokio::join!(both, look);
        assert!(first.is_ok() && second.is_err());
        assert_eq!(waits.late(), None);
        assert!(!waits.state().told && waits.state().since.is_empty());
    }
}
