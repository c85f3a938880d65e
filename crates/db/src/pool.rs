//! Connections that are kept open, by deadpool. Not by sqlx's own pool: it asks the server twice about each use of a
//! connection, before and after it, and gives it back in a task of its own: two round trips a transaction, which cost
//! as much as its work. Here a connection goes back at once by the one who knows that it is whole, and is asked only
//! after a rest.

use std::io::ErrorKind;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use deadpool::managed::{self, Metrics, Object, PoolError, QueueMode, RecycleError, RecycleResult};
use sqlx::{ConnectOptions as _, Connection as _, Database};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::{Connections, Error, Unavailability};

#[cfg(test)]
mod tests;

/// How long a caller waits for a connection.
pub(crate) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection that nobody used for so long is asked whether it lives.
const ASKED_AFTER: Duration = Duration::from_secs(1);
/// How long to wait before a server that refuses is tried again.
const CONNECT_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// How to connect to a `D`.
type Options<D> = <<D as Database>::Connection as sqlx::Connection>::Options;

/// At most so many connections, opened when they are needed. Clones share them.
pub(crate) struct Pool<D: Database>(managed::Pool<Manager<D>>);

/// How many connections, and how long they stay.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) connections_max: u32,
    /// How long one stays at most, and without use; `None`: for ever.
    pub(crate) stays: Option<(Duration, Duration)>,
}

/// Opens connections, and says which of them are used again.
struct Manager<D: Database> {
    options: Options<D>,
    limits: Limits,
    /// When the server last refused a connection, and its word; none since it let one in.
    refusal: Mutex<Option<(Instant, String)>>,
    /// Those who have a connection, or wait for one.
    users: TaskTracker,
}

/// A connection that is kept.
struct IdleConnection<D: Database> {
    connection: D::Connection,
    /// Since when nobody uses it.
    rests_since: Instant,
}

/// A connection in use. When dropped it is closed, and its server rolls back its transaction: only [`PooledConnection::release`] keeps it.
pub(crate) struct PooledConnection<D: Database> {
    /// There until it goes back or is closed.
    object: Option<Object<Manager<D>>>,
    pool: Pool<D>,
    // Declared last: who waits for the users finds the connection back, or closed.
    _user: TaskTrackerToken,
}

impl<D: Database> managed::Manager for Manager<D> {
    type Type = IdleConnection<D>;
    type Error = Error;

    /// Until the caller has no more time: a server that has just been started refuses for a moment.
    async fn create(&self) -> Result<IdleConnection<D>, Error> {
        loop {
            match self.options.connect().await {
                Ok(connection) => {
                    *self.refusal() = None;
                    return Ok(IdleConnection { connection, rests_since: Instant::now() });
                }
                Err(error) => {
                    let word = passing(error)?;
                    *self.refusal() = Some((Instant::now(), word));
                }
            }
            tokio::time::sleep(CONNECT_AGAIN_AFTER).await;
        }
    }

    /// Asks the server nothing, unless the connection has rested.
    async fn recycle(&self, kept: &mut IdleConnection<D>, metrics: &Metrics) -> RecycleResult<Error> {
        if !self.limits.keep_open(kept, metrics) {
            return Err(RecycleError::message("it stayed long enough"));
        }
        if kept.rests_since.elapsed() > ASKED_AFTER {
            kept.connection.ping().await.map_err(Error::from)?;
        }
        Ok(())
    }
}

impl<D: Database> Manager<D> {
    fn refusal(&self) -> MutexGuard<'_, Option<(Instant, String)>> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a server says that may let a connection in soon; else the error.
fn passing(error: sqlx::Error) -> Result<String, Error> {
    match error {
        sqlx::Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(error.to_string()),
        sqlx::Error::Database(error) => {
            let word = error.message().to_owned();
            match Error::from(sqlx::Error::Database(error)) {
                Error::Unavailable(Unavailability::Lost(_)) => Ok(word),
                lasting => Err(lasting),
            }
        }
        lasting => Err(lasting.into()),
    }
}

impl Limits {
    fn keep_open<D: Database>(&self, kept: &IdleConnection<D>, metrics: &Metrics) -> bool {
        self.stays.is_none_or(|(life, rest)| metrics.age() <= life && kept.rests_since.elapsed() <= rest)
    }
}

impl<D: Database> Pool<D> {
    pub(crate) fn new(options: Options<D>, limits: Limits) -> Self {
        let connections_max = usize::try_from(limits.connections_max).unwrap_or(usize::MAX);
        let manager = Manager { options, limits, refusal: Mutex::default(), users: TaskTracker::new() };
        // The one used last is used next. deadpool's own bounds are each of one step: ours is of all of them.
        let pool = managed::Pool::builder(manager).max_size(connections_max).queue_mode(QueueMode::Lifo);
        Self(pool.build().expect("only a timeout of its own would need a runtime"))
    }

    /// A connection, when one is free within [`ACQUIRE_TIMEOUT`].
    pub(crate) async fn acquire(&self) -> Result<PooledConnection<D>, Error> {
        self.acquire_within(ACQUIRE_TIMEOUT).await
    }

    async fn acquire_within(&self, patience: Duration) -> Result<PooledConnection<D>, Error> {
        match tokio::time::timeout(patience, self.acquire_in_turn()).await {
            Ok(lent) => lent,
            Err(_) => Err(Error::Unavailable(self.unavailability(patience))),
        }
    }

    async fn acquire_in_turn(&self) -> Result<PooledConnection<D>, Error> {
        let users = &self.0.manager().users;
        let user = users.token();
        if users.is_closed() {
            return Err(Error::Unavailable(Unavailability::Closed));
        }
        let object = self.0.get().await.map_err(|error| match error {
            PoolError::Backend(error) => error,
            // No timeout and no hook is set.
            PoolError::Closed
            | PoolError::Timeout(_)
            | PoolError::NoRuntimeSpecified
            | PoolError::PostCreateHook(_) => Error::Unavailable(Unavailability::Closed),
        })?;
        // Untouched, it goes back.
        if users.is_closed() {
            return Err(Error::Unavailable(Unavailability::Closed));
        }
        Ok(PooledConnection { object: Some(object), pool: self.clone(), _user: user })
    }

    /// Why there was none. Who had a place and no connection for it has heard nothing better from the server.
    fn unavailability(&self, waited: Duration) -> Unavailability {
        let Connections { max, open, .. } = self.connections();
        if open >= max {
            return Unavailability::Busy { waited, connections: max };
        }
        let refusal = self.0.manager().refusal().clone().filter(|(at, _)| at.elapsed() <= waited);
        Unavailability::Unreachable {
            waited,
            word: refusal.map_or_else(|| "no answer".to_owned(), |(_, word)| word),
        }
    }

    /// Closes those that have stayed long enough.
    fn clear(&self) {
        let limits = self.0.manager().limits;
        if limits.stays.is_some() {
            drop(self.0.retain(|kept, metrics| limits.keep_open(kept, &metrics)));
        }
    }

    /// Those there are.
    pub(crate) fn connections(&self) -> Connections {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let status = self.0.status();
        let max = self.0.manager().limits.connections_max;
        Connections { max, open: count(status.size), idle: count(status.available) }
    }

    /// Lends no more, waits for those in use, and gives out what is open, to be closed.
    pub(crate) async fn drain(&self) -> Vec<D::Connection> {
        let users = &self.0.manager().users;
        users.close();
        users.wait().await;
        let open = self.0.retain(|_, _| false).removed;
        self.0.close();
        open.into_iter().map(|kept| kept.connection).collect()
    }
}

impl<D: Database> Clone for Pool<D> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<D: Database> PooledConnection<D> {
    /// Keeps the connection for the next: it must be in no transaction.
    pub(crate) fn release(mut self) {
        if let Some(mut object) = self.object.take() {
            object.rests_since = Instant::now();
        }
        self.pool.clear();
    }

    /// Whether it was open before: then its server may have left without a word.
    pub(crate) fn was_idle(&self) -> bool {
        self.object.as_ref().is_some_and(|object| Object::metrics(object).recycle_count > 0)
    }
}

impl<D: Database> Drop for PooledConnection<D> {
    fn drop(&mut self) {
        // deadpool would keep it.
        drop(self.object.take().map(Object::take));
    }
}

impl<D: Database> Deref for PooledConnection<D> {
    type Target = D::Connection;

    fn deref(&self) -> &Self::Target {
        &self.object.as_ref().expect("it is lent").connection
    }
}

impl<D: Database> DerefMut for PooledConnection<D> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.object.as_mut().expect("it is lent").connection
    }
}
