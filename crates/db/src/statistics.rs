//! Counting what limits a hub: statements and commits.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a database was asked for since it was connected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Transactions that committed a change.
    pub commits: u64,
    /// Statements run, begin and commit not counted.
    pub statements: u64,
}

#[derive(Default)]
pub(crate) struct Counters {
    commits: AtomicU64,
    statements: AtomicU64,
}

impl Counters {
    pub(crate) fn commit(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn statement(&self) {
        self.statements.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Statistics {
        Statistics {
            commits: self.commits.load(Ordering::Relaxed),
            statements: self.statements.load(Ordering::Relaxed),
        }
    }
}
