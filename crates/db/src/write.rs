//! The door for changes, and snapshots.

use std::time::Duration;

use futures::future::BoxFuture;
use tracing::Instrument as _;

use crate::{Db, Error, Pools, Retryable, Tx};

/// How often a transaction is run again when others come first.
const ATTEMPTS_MAX: u32 = 12;
/// The first wait before it is run again; it doubles, up to the longest.
const BACKOFF_FIRST: Duration = Duration::from_millis(2);
const BACKOFF_LONGEST: Duration = Duration::from_millis(200);

impl Db {
    /// Runs `work` in a transaction and commits it when it is `Ok`. When another transaction came first, it is run
    /// again: it must have no effect outside of the database, and makes no calls. It goes on to its end when the
    /// caller leaves: `begin` of sqlx is not cancel-safe on PostgreSQL, and tonic drops a handler whose client hangs
    /// up.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Retryable + Send + 'static,
    {
        let db = self.clone();
        to_its_end(async move { db.attempts(Access::Write, work).await }).await
    }

    /// Runs `work` on a snapshot that changes nothing.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Retryable + Send + 'static,
    {
        let db = self.clone();
        to_its_end(async move { db.attempts(Access::Read, work).await }).await
    }

    async fn attempts<T, E, F>(&self, access: Access, work: F) -> Result<T, E>
    where
        F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + Sync,
        E: From<Error> + Retryable,
    {
        let mut backoff = BACKOFF_FIRST;
        for _ in 1..ATTEMPTS_MAX {
            match self.attempt(access, &work).await {
                Err(error) if error.is_retryable() => {
                    tokio::time::sleep(jittered(backoff)).await;
                    backoff = (backoff * 2).min(BACKOFF_LONGEST);
                }
                settled => return settled,
            }
        }
        self.attempt(access, &work).await
    }

    async fn attempt<T, E, F>(&self, access: Access, work: &F) -> Result<T, E>
    where
        F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + Sync,
        E: From<Error>,
    {
        let mut tx = self.begin(access).await?;
        match work(&mut tx).await {
            Ok(outcome) => {
                if access == Access::Write {
                    tx.commit(&self.0.notices).await?;
                } else {
                    tx.end().await?;
                }
                Ok(outcome)
            }
            Err(error) => {
                tx.rollback().await;
                Err(error)
            }
        }
    }

    async fn begin(&self, access: Access) -> Result<Tx, Error> {
        let counters = self.0.counters.clone();
        Ok(match (&self.0.pools, access) {
            (Pools::Postgres(pool), Access::Write) => Tx::postgres(pool.begin().await?, counters),
            (Pools::Postgres(pool), Access::Read) => {
                let snapshot = "begin isolation level repeatable read read only";
                Tx::postgres(pool.begin_with(snapshot).await?, counters)
            }
            (Pools::Sqlite { writer, .. }, Access::Write) => {
                Tx::sqlite(writer.begin_with("begin immediate").await?, counters)
            }
            (Pools::Sqlite { readers, .. }, Access::Read) => Tx::sqlite(readers.begin().await?, counters),
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

async fn to_its_end<T, E>(work: impl Future<Output = Result<T, E>> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    match tokio::spawn(work.in_current_span()).await {
        Ok(outcome) => outcome,
        Err(_) => Err(E::from(Error::Panicked)),
    }
}

/// Between half and all of it, so that those who met do not meet again.
fn jittered(backoff: Duration) -> Duration {
    use std::hash::{BuildHasher as _, RandomState};
    let half = backoff / 2;
    let spread = u64::try_from(half.as_micros()).unwrap_or(u64::MAX).max(1);
    half + Duration::from_micros(RandomState::new().hash_one(()) % spread)
}
