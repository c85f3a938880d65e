//! One leader of several processes.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, PgPool, Postgres};

use crate::Error;

/// Being the leader, until dropped.
pub struct Lead(Held);

enum Held {
    /// An advisory lock of the session: it ends with the connection, and a lost connection lets another lead.
    Postgres(Option<PoolConnection<Postgres>>),
    Local {
        leads: Local,
        name: String,
    },
}

/// Who leads within this process: with SQLite there is no other.
#[derive(Clone, Default)]
pub(crate) struct Local(Arc<Mutex<HashSet<String>>>);

impl Local {
    pub(crate) fn take(&self, name: &str) -> Option<Lead> {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names
            .insert(name.to_owned())
            .then(|| Lead(Held::Local { leads: self.clone(), name: name.to_owned() }))
    }
}

impl Lead {
    pub(crate) async fn postgres(pool: &PgPool, name: &str) -> Result<Option<Self>, Error> {
        let mut connection = pool.acquire().await?;
        let (taken,): (bool,) = sqlx::query_as("select pg_try_advisory_lock(hashtextextended($1, 0))")
            .bind(name)
            .fetch_one(&mut *connection)
            .await?;
        Ok(taken.then_some(Self(Held::Postgres(Some(connection)))))
    }

    /// Whether it still leads; false once its connection is lost.
    pub async fn is_held(&mut self) -> bool {
        match &mut self.0 {
            Held::Local { .. } => true,
            Held::Postgres(Some(connection)) => connection.ping().await.is_ok(),
            Held::Postgres(None) => false,
        }
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        match &mut self.0 {
            Held::Local { leads, name } => {
                leads.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
            }
            // Closing the connection, not returning it to the pool, gives the lock back.
            Held::Postgres(connection) => drop(connection.take().map(PoolConnection::detach)),
        }
    }
}

impl std::fmt::Debug for Lead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lead")
    }
}
