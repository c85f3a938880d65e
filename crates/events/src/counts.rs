//! Counting what a process publishes and takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::inbox::InboxResult;

/// What became of the events that a process gave a consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsumedCounts {
    /// They took effect.
    pub handled: u64,
    /// A later version of their aggregate had taken effect before.
    pub ignored: u64,
    /// They had come before.
    pub duplicate: u64,
    /// They could not be handled, or wait behind one that could not.
    pub parked: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    handled: AtomicU64,
    ignored: AtomicU64,
    duplicate: AtomicU64,
    parked: AtomicU64,
}

impl Counts {
    pub(crate) fn count(&self, taken: InboxResult) {
        let counter = match taken {
            InboxResult::Handled => &self.handled,
            InboxResult::Ignored => &self.ignored,
            InboxResult::Duplicate => &self.duplicate,
            InboxResult::Parked => &self.parked,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> ConsumedCounts {
        ConsumedCounts {
            handled: self.handled.load(Ordering::Relaxed),
            ignored: self.ignored.load(Ordering::Relaxed),
            duplicate: self.duplicate.load(Ordering::Relaxed),
            parked: self.parked.load(Ordering::Relaxed),
        }
    }
}

/// How many events a relay has handed to the bus. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Published(Arc<AtomicU64>);

impl Published {
    /// Events that the bus has taken since the start.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self, events: usize) {
        self.0.fetch_add(u64::try_from(events).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}
