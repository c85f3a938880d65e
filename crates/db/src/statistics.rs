//! Counting what limits a hub: statements and commits.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::Error;

/// A database's connections as they are now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// The most that may be open.
    pub max: u32,
    /// Those that are open.
    pub open: u32,
    /// Those of them that nobody uses.
    pub idle: u32,
}

/// What a database was asked for since it was connected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Transactions that committed a change.
    pub commits: u64,
    /// Statements run, begin and commit not counted.
    pub statements: u64,
    /// Transactions that were run again, since another came first.
    pub retries: u64,
    /// Times that it could not do its work: no connection, a full disk, read-only, I/O.
    pub troubles: u64,
}

#[derive(Default)]
pub(crate) struct Counters {
    commits: AtomicU64,
    statements: AtomicU64,
    retries: AtomicU64,
    troubles: AtomicU64,
}

impl Counters {
    pub(crate) fn commit(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn statement(&self) {
        self.statements.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts what is the database's fault.
    pub(crate) fn failed(&self, error: &Error) {
        if error.is_trouble() {
            self.troubles.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn read(&self) -> Statistics {
        Statistics {
            commits: self.commits.load(Ordering::Relaxed),
            statements: self.statements.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            troubles: self.troubles.load(Ordering::Relaxed),
        }
    }
}
