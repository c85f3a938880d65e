//! The door for changes, and snapshots.

use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use futures::future::BoxFuture;
use tracing::{Instrument as _, Span};

use crate::{Db, Error, Pools, Retryable, Tx};

/// How often a transaction is run again when others come first, and after which waits: they double up to the longest,
/// and each takes up to twice as long by chance, so that those who met do not meet again.
const BACKOFF: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(1))
    .with_max_delay(Duration::from_millis(100))
    .with_max_times(11)
    .with_jitter();
/// How long a read of [`Db::search`] may take: on PostgreSQL each of its statements, on SQLite all of them.
pub const BROWSE_MAX: Duration = Duration::from_secs(2);
/// How a write begins on PostgreSQL, whatever its role's or its database's default is: guarded updates and locks are made
/// for this level.
const BEGIN_WRITE: &str = "begin isolation level read committed";
/// How a snapshot begins on PostgreSQL. It may add up whole tables, and its planner chooses freely: see
/// [`crate::options`] for what a connection does otherwise.
macro_rules! begin_snapshot {
    ($more:literal) => {
        concat!(
            "begin isolation level repeatable read read only; set local plan_cache_mode = 'auto'; \
             set local enable_hashjoin = on; set local enable_mergejoin = on",
            $more
        )
    };
}
const BEGIN_READ: &str = begin_snapshot!("");
/// [`BROWSE_MAX`], in PostgreSQL's words.
const BEGIN_BROWSE: &str = begin_snapshot!("; set local statement_timeout = '2s'");

impl Db {
    /// Runs `work` in a transaction and commits it when it is `Ok`. It may be run again, when another transaction came
    /// first or another's work in the same one failed: it must have no effect outside of the database, and makes no
    /// calls. It goes on to its end when the caller leaves: tonic drops a handler whose client hangs up.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Retryable + Send + 'static,
    {
        self.attempts(Access::Write, work).await
    }

    /// Runs `work` on a snapshot that changes nothing.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Retryable + Send + 'static,
    {
        self.attempts(Access::Read, work).await
    }

    /// Runs `work` that is one select, without a transaction around it; anything more is [`Error::MoreThanOneSelect`].
    pub async fn read_one<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Retryable + Send + 'static,
    {
        self.attempts(Access::Look, work).await
    }

    /// In a task of its own.
    pub(crate) async fn attempts<T, E, F>(&self, access: Access, work: F) -> Result<T, E>
    where
        F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Retryable + Send + 'static,
    {
        let (db, work) = (self.clone(), Arc::new(work));
        let span = span(access);
        let attempts = async move {
            (|| db.attempt(access, &work))
                .retry(BACKOFF)
                .when(E::is_retryable)
                .notify(|_, _| db.0.counters.retry())
                .await
        };
        run_to_end(Box::pin(attempts.instrument(span))).await
    }

    async fn attempt<T, E, F>(&self, access: Access, work: &Arc<F>) -> Result<T, E>
    where
        F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        match (access, &self.0.writes) {
            (Access::Write, Some(queue)) => queue.write(work.clone()).await,
            _ => self.alone(access, work.as_ref()).await,
        }
    }

    async fn alone<T, E, F>(&self, access: Access, work: &F) -> Result<T, E>
    where
        F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + Sync,
        E: From<Error>,
    {
        loop {
            let mut tx = self.begin(access).await.inspect_err(|error| self.0.counters.failed(error))?;
            match work(&mut tx).await {
                Ok(outcome) => {
                    match access {
                        Access::Write => {
                            let committed = tx.commit(&self.0.notices).await;
                            committed.inspect_err(|error| self.0.counters.failed(error))?;
                        }
                        Access::Read | Access::Look | Access::Browse => tx.end().await?,
                    }
                    return Ok(outcome);
                }
                // Each time a connection less that its server has left.
                Err(_) if tx.missed() => {}
                Err(error) => {
                    tx.rollback().await;
                    return Err(error);
                }
            }
        }
    }

    async fn begin(&self, access: Access) -> Result<Tx, Error> {
        let counters = self.0.counters.clone();
        match (&self.0.pools, access) {
            (Pools::Postgres { pool, .. }, Access::Write) => Tx::postgres(pool, BEGIN_WRITE, counters).await,
            (Pools::Postgres { pool, .. }, Access::Read) => Tx::postgres(pool, BEGIN_READ, counters).await,
            (Pools::Postgres { pool, .. }, Access::Browse) => {
                Tx::postgres(pool, BEGIN_BROWSE, counters).await
            }
            (Pools::Postgres { pool, .. }, Access::Look) => Tx::postgres_single_read(pool, counters).await,
            (Pools::Sqlite { writer, .. }, Access::Write) => {
                Tx::sqlite(writer, "begin immediate", counters).await
            }
            (Pools::Sqlite { readers, .. }, Access::Read) => Tx::sqlite(readers, "begin", counters).await,
            (Pools::Sqlite { readers, .. }, Access::Browse) => {
                Tx::sqlite_within(readers, "begin", BROWSE_MAX, counters).await
            }
            (Pools::Sqlite { readers, .. }, Access::Look) => Tx::sqlite_single_read(readers, counters).await,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Look,
    Browse,
    Write,
}

/// What is written within a trace is a span of it; what is read goes with the span that wants it.
fn span(access: Access) -> Span {
    let current = Span::current();
    if access == Access::Write { write_span(&current) } else { current }
}

/// The span of what is written within a trace; nothing's where there is none.
pub(crate) fn write_span(within: &Span) -> Span {
    if within.is_none() {
        return Span::none();
    }
    let write = tracing::debug_span!(parent: within, "write", otel.kind = "client");
    if write.is_disabled() { within.clone() } else { write }
}

/// Boxed, so that what a use case is made of does not hold all that the door is made of: the compiler counts how deep.
async fn run_to_end<T, E>(work: BoxFuture<'static, Result<T, E>>) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    match tokio::spawn(work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(E::from(Error::Panicked)),
    }
}
