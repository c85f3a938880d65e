//! Connections that are kept open. sqlx's own pool asks the server twice about each use of a connection, before and
//! after it, and gives it back in a task of its own: two round trips a transaction, which cost as much as its work.
//! Here a connection goes back at once by the one who knows that it is whole, and is asked only after a rest.

use std::io::ErrorKind;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::{ConnectOptions as _, Connection as _, Database};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::{Connections, Error};

/// How long a caller waits for a connection.
pub(crate) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection that nobody used for so long is asked whether it lives.
const ASKED_AFTER: Duration = Duration::from_secs(1);
/// How long to wait before a server that refuses is tried again.
const CONNECT_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// How to connect to a `D`.
type Options<D> = <<D as Database>::Connection as sqlx::Connection>::Options;

/// At most so many connections, opened when they are needed. Clones share them.
pub(crate) struct Pool<D: Database>(Arc<Inner<D>>);

struct Inner<D: Database> {
    options: Options<D>,
    limits: Limits,
    permits: Arc<Semaphore>,
    /// The one used last is used next.
    idle: Mutex<Vec<Idle<D>>>,
    closed: AtomicBool,
}

/// How many connections, and how long they stay.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) connections_max: u32,
    /// How long one stays at most, and without use; `None`: for ever.
    pub(crate) stays: Option<(Duration, Duration)>,
}

struct Idle<D: Database> {
    connection: D::Connection,
    opened: Instant,
    since: Instant,
}

/// A connection in use. Dropped, it is closed, and what it was at is rolled back by its server: only
/// [`Lent::give_back`] keeps it.
pub(crate) struct Lent<D: Database> {
    connection: D::Connection,
    opened: Instant,
    was_idle: bool,
    pool: Pool<D>,
    // Declared last: the place is free once the connection is gone.
    _permit: OwnedSemaphorePermit,
}

impl<D: Database> Pool<D> {
    pub(crate) fn new(options: Options<D>, limits: Limits) -> Self {
        let permits = Arc::new(Semaphore::new(usize::try_from(limits.connections_max).unwrap_or(1)));
        let (idle, closed) = (Mutex::new(Vec::new()), AtomicBool::new(false));
        Self(Arc::new(Inner { options, limits, permits, idle, closed }))
    }

    /// A connection, when one is free within [`ACQUIRE_TIMEOUT`].
    pub(crate) async fn lend(&self) -> Result<Lent<D>, sqlx::Error> {
        match tokio::time::timeout(ACQUIRE_TIMEOUT, self.lend_in_turn()).await {
            Ok(lent) => lent,
            Err(_) => Err(sqlx::Error::PoolTimedOut),
        }
    }

    async fn lend_in_turn(&self) -> Result<Lent<D>, sqlx::Error> {
        if self.is_closed() {
            return Err(sqlx::Error::PoolClosed);
        }
        let permit = self.0.permits.clone().acquire_owned().await.map_err(|_| sqlx::Error::PoolClosed)?;
        if self.is_closed() {
            return Err(sqlx::Error::PoolClosed);
        }
        let (connection, opened, was_idle) = match self.reusable().await {
            Some(idle) => (idle.connection, idle.opened, true),
            None => (self.connect().await?, Instant::now(), false),
        };
        Ok(Lent { connection, opened, was_idle, pool: self.clone(), _permit: permit })
    }

    /// An open connection that lives.
    async fn reusable(&self) -> Option<Idle<D>> {
        loop {
            let mut idle = self.idle().pop()?;
            let is_old = self.0.limits.stays.is_some_and(|(life, _)| idle.opened.elapsed() > life);
            if is_old || (idle.since.elapsed() > ASKED_AFTER && idle.connection.ping().await.is_err()) {
                continue;
            }
            return Some(idle);
        }
    }

    /// Until the caller has no more time: a server that has just been started refuses for a moment.
    async fn connect(&self) -> Result<D::Connection, sqlx::Error> {
        loop {
            match self.0.options.connect().await {
                Err(sqlx::Error::Io(error)) if error.kind() == ErrorKind::ConnectionRefused => {}
                Err(error @ sqlx::Error::Database(_)) => match Error::from(error) {
                    Error::Unavailable(_) => {}
                    Error::Other(error) | Error::Serialization(error) => return Err(error),
                    other => return Err(sqlx::Error::Protocol(other.to_string())),
                },
                settled => return settled,
            }
            tokio::time::sleep(CONNECT_AGAIN_AFTER).await;
        }
    }

    fn keep(&self, idle: Idle<D>) {
        let mut all = self.idle();
        all.push(idle);
        let Some((_, rest)) = self.0.limits.stays else { return };
        let first = all.first().is_some_and(|first| first.since.elapsed() > rest);
        let unused = first.then(|| all.remove(0));
        drop(all);
        drop(unused);
    }

    /// Those there are.
    pub(crate) fn connections(&self) -> Connections {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let (max, idle) = (self.0.limits.connections_max, count(self.idle().len()));
        let used = max.saturating_sub(count(self.0.permits.available_permits()));
        Connections { max, open: used.saturating_add(idle), idle }
    }

    /// Lends no more, waits for those in use, and gives out what is open, to be closed.
    pub(crate) async fn drain(&self) -> Vec<D::Connection> {
        self.0.closed.store(true, Ordering::SeqCst);
        // It only fails when the pool was drained before.
        if let Ok(all) = self.0.permits.acquire_many(self.0.limits.connections_max).await {
            all.forget();
        }
        self.0.permits.close();
        std::mem::take(&mut *self.idle()).into_iter().map(|idle| idle.connection).collect()
    }

    fn is_closed(&self) -> bool {
        self.0.closed.load(Ordering::SeqCst)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle<D>>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Database> Clone for Pool<D> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<D: Database> Lent<D> {
    /// Keeps the connection for the next: it must be in no transaction.
    pub(crate) fn give_back(self) {
        self.pool.keep(Idle { connection: self.connection, opened: self.opened, since: Instant::now() });
    }

    /// Whether it was open before: then its server may have left without a word.
    pub(crate) fn was_idle(&self) -> bool {
        self.was_idle
    }
}

impl<D: Database> Deref for Lent<D> {
    type Target = D::Connection;

    fn deref(&self) -> &Self::Target {
        &self.connection
    }
}

impl<D: Database> DerefMut for Lent<D> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.connection
    }
}
