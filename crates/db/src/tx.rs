//! A transaction on either engine.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use sqlx::{PgConnection, Postgres, Sqlite, SqliteConnection, Transaction};
use uuid::Uuid;

use crate::notify::{self, NOTIFY, Notices};
use crate::statistics::Counters;
use crate::{Engine, Error};

/// A transaction. It ends when the work given to [`crate::Db::write`] or [`crate::Db::read`] does.
pub struct Tx {
    inner: Inner,
    broken: bool,
    channels: BTreeSet<Cow<'static, str>>,
    after_commit: Vec<Box<dyn FnOnce() + Send>>,
    counters: Arc<Counters>,
}

enum Inner {
    Postgres(Transaction<'static, Postgres>),
    Sqlite(Transaction<'static, Sqlite>),
}

/// What the macros run a statement on.
#[doc(hidden)]
#[expect(missing_debug_implementations, reason = "used by the macros only")]
pub enum Connection<'a> {
    Postgres(&'a mut PgConnection),
    Sqlite(&'a mut SqliteConnection),
}

impl Tx {
    pub(crate) fn postgres(tx: Transaction<'static, Postgres>, counters: Arc<Counters>) -> Self {
        Self::new(Inner::Postgres(tx), counters)
    }

    pub(crate) fn sqlite(tx: Transaction<'static, Sqlite>, counters: Arc<Counters>) -> Self {
        Self::new(Inner::Sqlite(tx), counters)
    }

    fn new(inner: Inner, counters: Arc<Counters>) -> Self {
        Self { inner, broken: false, channels: BTreeSet::new(), after_commit: Vec::new(), counters }
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

    /// As [`Tx::notify`], for those who listen about `thing` alone.
    pub fn notify_about(&mut self, channel: &'static str, thing: Uuid) {
        self.channels.insert(Cow::Owned(notify::about(channel, thing)));
    }

    #[doc(hidden)]
    pub fn connection(&mut self) -> Connection<'_> {
        self.counters.statement();
        match &mut self.inner {
            Inner::Postgres(tx) => Connection::Postgres(tx),
            Inner::Sqlite(tx) => Connection::Sqlite(tx),
        }
    }

    /// After a failed statement PostgreSQL has given the transaction up and SQLite goes on: here both end.
    #[doc(hidden)]
    pub fn note<T>(&mut self, result: Result<T, sqlx::Error>) -> Result<T, Error> {
        result.map_err(|error| {
            let error = Error::from(error);
            self.broken |= !matches!(error, Error::RowNotFound);
            error
        })
    }

    pub(crate) async fn commit(mut self, notices: &Notices) -> Result<(), Error> {
        if self.broken {
            return Err(Error::Broken);
        }
        match self.inner {
            Inner::Postgres(mut tx) => {
                for channel in &self.channels {
                    sqlx::query("select pg_notify($1, $2)")
                        .bind(NOTIFY)
                        .bind(channel.as_ref())
                        .execute(&mut *tx)
                        .await?;
                    self.counters.statement();
                }
                tx.commit().await?;
            }
            Inner::Sqlite(tx) => {
                tx.commit().await?;
                for channel in &self.channels {
                    notices.wake(channel);
                }
            }
        }
        self.counters.commit();
        for then in self.after_commit.drain(..) {
            then();
        }
        Ok(())
    }

    /// Ends a snapshot.
    pub(crate) async fn end(self) -> Result<(), Error> {
        let broken = self.broken;
        self.rollback().await;
        if broken { Err(Error::Broken) } else { Ok(()) }
    }

    pub(crate) async fn rollback(self) {
        // When this fails the connection is gone, and the transaction with it.
        let rolled_back = match self.inner {
            Inner::Postgres(tx) => tx.rollback().await,
            Inner::Sqlite(tx) => tx.rollback().await,
        };
        if let Err(error) = rolled_back {
            tracing::debug!(%error, "a rollback failed; its connection is closed");
        }
    }
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx").field("engine", &self.engine()).finish_non_exhaustive()
    }
}
