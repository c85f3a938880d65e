//! One leader of several processes.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::{Connection as _, Postgres};

use crate::Error;
use crate::pool::{Pool, PooledConnection};

/// Being the leader, until dropped.
pub struct Leadership(Lock);

enum Lock {
    /// An advisory lock of the session: it ends with the connection, and a lost connection lets another lead.
    Postgres(PooledConnection<Postgres>),
    Local {
        leads: Local,
        name: String,
    },
}

/// Who leads within this process: with SQLite there is no other.
#[derive(Clone, Default)]
pub(crate) struct Local(Arc<Mutex<HashSet<String>>>);

impl Local {
    pub(crate) fn take(&self, name: &str) -> Option<Leadership> {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names
            .insert(name.to_owned())
            .then(|| Leadership(Lock::Local { leads: self.clone(), name: name.to_owned() }))
    }
}

impl Leadership {
    pub(crate) async fn postgres(pool: &Pool<Postgres>, name: &str) -> Result<Option<Self>, Error> {
        let mut connection = pool.acquire().await?;
        let (taken,): (bool,) = sqlx::query_as("select pg_try_advisory_lock(hashtextextended($1, 0))")
            .bind(name)
            .fetch_one(&mut *connection)
            .await?;
        if taken {
            return Ok(Some(Self(Lock::Postgres(connection))));
        }
        connection.release();
        Ok(None)
    }

    /// Whether it still leads; false once its connection is lost.
    pub async fn is_held(&mut self) -> bool {
        match &mut self.0 {
            Lock::Local { .. } => true,
            Lock::Postgres(connection) => connection.ping().await.is_ok(),
        }
    }
}

impl Drop for Leadership {
    fn drop(&mut self) {
        // Of PostgreSQL the connection is closed, not given back: that frees the lock.
        if let Lock::Local { leads, name } = &self.0 {
            leads.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        }
    }
}

impl std::fmt::Debug for Leadership {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Leadership")
    }
}
