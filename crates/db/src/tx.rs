//! A transaction on either engine.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::{PgConnection, Postgres, Sqlite, SqliteConnection};
use uuid::Uuid;

use crate::notify::{self, Notifications};
use crate::pool::{Pool, PooledConnection};
use crate::statistics::Counters;
use crate::{Engine, Error};

/// After how many operations of its machine SQLite looks at the time.
const OPERATIONS_BETWEEN_LOOKS: i32 = 10_000;

/// A transaction. It ends when the work given to [`crate::Db::write`], [`crate::Db::read`] or [`crate::Db::read_one`] does.
/// Dropped before, its connection is closed, which rolls it back.
pub struct Tx {
    inner: Inner,
    look: SingleRead,
    broken: bool,
    lost: bool,
    /// Whether SQLite watches how long it takes.
    timed: bool,
    channels: BTreeSet<Cow<'static, str>>,
    after_commit: Vec<Box<dyn FnOnce() + Send>>,
    counters: Arc<Counters>,
}

enum Inner {
    Postgres(PooledConnection<Postgres>),
    Sqlite(PooledConnection<Sqlite>),
}

/// Whether it is one select without a transaction, and whether that has been run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SingleRead {
    No,
    Begun,
    Done,
}

/// What the macros run a statement on.
#[doc(hidden)]
#[expect(missing_debug_implementations, reason = "used by the macros only")]
pub enum Connection<'a> {
    Postgres(&'a mut PgConnection),
    Sqlite(&'a mut SqliteConnection),
}

impl Tx {
    /// Begins one. What was begun on a connection that its server had left has done nothing: it is begun on another.
    pub(crate) async fn postgres(
        pool: &Pool<Postgres>,
        begin: &'static str,
        counters: Arc<Counters>,
    ) -> Result<Self, Error> {
        loop {
            let mut connection = pool.acquire().await?;
            match sqlx::raw_sql(begin).execute(&mut *connection).await.map_err(Error::from) {
                Ok(_) => return Ok(Self::new(Inner::Postgres(connection), SingleRead::No, counters)),
                Err(error) if error.is_loss() && connection.was_idle() => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub(crate) async fn sqlite(
        pool: &Pool<Sqlite>,
        begin: &'static str,
        counters: Arc<Counters>,
    ) -> Result<Self, Error> {
        let mut connection = pool.acquire().await?;
        // Busy, say: then its connection is closed.
        sqlx::query(begin).execute(&mut *connection).await?;
        Ok(Self::new(Inner::Sqlite(connection), SingleRead::No, counters))
    }

    /// As [`Tx::sqlite`]; what goes on for longer than `budget` is [`Error::SearchTimeout`].
    pub(crate) async fn sqlite_within(
        pool: &Pool<Sqlite>,
        begin: &'static str,
        budget: Duration,
        counters: Arc<Counters>,
    ) -> Result<Self, Error> {
        let mut tx = Self::sqlite(pool, begin, counters).await?;
        let until = Instant::now() + budget;
        if let Inner::Sqlite(connection) = &mut tx.inner {
            let mut handle = connection.lock_handle().await?;
            handle.set_progress_handler(OPERATIONS_BETWEEN_LOOKS, move || Instant::now() < until);
        }
        tx.timed = true;
        Ok(tx)
    }

    /// For one select, which is a snapshot of its own.
    pub(crate) async fn postgres_single_read(
        pool: &Pool<Postgres>,
        counters: Arc<Counters>,
    ) -> Result<Self, Error> {
        Ok(Self::new(Inner::Postgres(pool.acquire().await?), SingleRead::Begun, counters))
    }

    /// As [`Tx::postgres_single_read`].
    pub(crate) async fn sqlite_single_read(
        pool: &Pool<Sqlite>,
        counters: Arc<Counters>,
    ) -> Result<Self, Error> {
        Ok(Self::new(Inner::Sqlite(pool.acquire().await?), SingleRead::Begun, counters))
    }

    fn new(inner: Inner, look: SingleRead, counters: Arc<Counters>) -> Self {
        let (channels, after_commit) = (BTreeSet::new(), Vec::new());
        Self { inner, look, broken: false, lost: false, timed: false, channels, after_commit, counters }
    }

    /// Which engine it runs on.
    pub fn engine(&self) -> Engine {
        match self.inner {
            Inner::Postgres(_) => Engine::Postgres,
            Inner::Sqlite(_) => Engine::Sqlite,
        }
    }

    /// A statement that must differ.
    pub fn sql(&self, postgres: &'static str, sqlite: &'static str) -> &'static str {
        match self.engine() {
            Engine::Postgres => postgres,
            Engine::Sqlite => sqlite,
        }
    }

    /// Runs `then` once the transaction has committed; never when it has not.
    pub fn after_commit(&mut self, then: impl FnOnce() + Send + 'static) {
        self.after_commit.push(Box::new(then));
    }

    /// Wakes those who [`crate::Db::listen`] to `channel`, in every process, once the transaction has committed.
    pub fn notify(&mut self, channel: &'static str) {
        self.channels.insert(Cow::Borrowed(channel));
    }

    /// As [`Tx::notify`], only for listeners about `thing`.
    pub fn notify_about(&mut self, channel: &'static str, thing: Uuid) {
        self.channels.insert(Cow::Owned(notify::about(channel, thing)));
    }

    /// To run `sql` on. A single read is one select and nothing after it: without a transaction a second statement would see
    /// another state, and a change would stand at once.
    #[doc(hidden)]
    pub fn connection(&mut self, sql: &'static str) -> Result<Connection<'_>, Error> {
        match self.look {
            SingleRead::No => {}
            SingleRead::Begun if sql.starts_with("select ") => self.look = SingleRead::Done,
            SingleRead::Begun | SingleRead::Done => return Err(Error::MoreThanOneSelect),
        }
        self.counters.statement();
        Ok(match &mut self.inner {
            Inner::Postgres(connection) => Connection::Postgres(connection),
            Inner::Sqlite(connection) => Connection::Sqlite(connection),
        })
    }

    /// After a failed statement PostgreSQL has given the transaction up and SQLite goes on: here both end.
    #[doc(hidden)]
    pub fn note<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &result {
            self.broken |= !matches!(error, Error::RowNotFound);
            self.lost |= error.is_loss();
            self.counters.failed(error);
        }
        result
    }

    /// Whether a statement has failed: then it cannot commit.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Whether it was a look at a connection that its server had left: it is worth another.
    pub(crate) fn missed(&self) -> bool {
        let was_idle = match &self.inner {
            Inner::Postgres(connection) => connection.was_idle(),
            Inner::Sqlite(connection) => connection.was_idle(),
        };
        self.look != SingleRead::No && self.lost && was_idle
    }

    /// Commits, then wakes and runs what was to follow.
    pub(crate) async fn commit(mut self, notices: &Notifications) -> Result<(), Error> {
        if self.broken {
            self.rollback().await;
            return Err(Error::Broken);
        }
        // One that fails leaves its connection in doubt: it is closed.
        match &mut self.inner {
            Inner::Postgres(connection) => {
                sqlx::raw_sql("commit").execute(&mut **connection).await.map(drop)?
            }
            Inner::Sqlite(connection) => sqlx::query("commit").execute(&mut **connection).await.map(drop)?,
        }
        self.counters.commit();
        self.inner.give_back();
        notices.told(self.channels);
        for then in self.after_commit {
            then();
        }
        Ok(())
    }

    /// Ends a snapshot or a look.
    pub(crate) async fn end(self) -> Result<(), Error> {
        let broken = self.broken;
        self.rollback().await;
        if broken { Err(Error::Broken) } else { Ok(()) }
    }

    pub(crate) async fn rollback(mut self) {
        if self.lost {
            return;
        }
        if let (true, Inner::Sqlite(connection)) = (self.timed, &mut self.inner) {
            match connection.lock_handle().await {
                Ok(mut handle) => handle.remove_progress_handler(),
                // Dropped, its connection is closed.
                Err(_) => return,
            }
        }
        let rolled_back = match (&mut self.inner, self.look) {
            (_, SingleRead::Begun | SingleRead::Done) => Ok(()),
            (Inner::Postgres(connection), SingleRead::No) => {
                sqlx::raw_sql("rollback").execute(&mut **connection).await.map(drop)
            }
            (Inner::Sqlite(connection), SingleRead::No) => {
                sqlx::query("rollback").execute(&mut **connection).await.map(drop)
            }
        };
        match rolled_back {
            Ok(()) => self.inner.give_back(),
            // The connection is gone, and the transaction with it.
            Err(error) => tracing::debug!(%error, "a rollback failed; its connection is closed"),
        }
    }
}

impl Inner {
    fn give_back(self) {
        match self {
            Self::Postgres(connection) => connection.release(),
            Self::Sqlite(connection) => connection.release(),
        }
    }
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx").field("engine", &self.engine()).finish_non_exhaustive()
    }
}
