//! One SQL text on two engines: PostgreSQL and SQLite behind [`Db`] and [`Tx`], with native types and native speed.
//!
//! - [`Db::write`] is the one door for changes, [`Db::read`] gives a snapshot.
//! - [`execute!`], [`fetch_one!`], [`fetch_optional!`] and [`fetch_all!`] run a statement with `$1` placeholders.
//! - [`Tx::sql`] picks one of a pair where a statement must differ; what else differs stands in this crate.
//! - [`Db::listen`] wakes on [`Tx::notify`]; [`Db::try_lead`] makes one process of several the leader.
//!
//! Why not `sqlx::Any`: it has no BOOLEAN on SQLite, wrong placeholders in its query builder, and loses types.

mod error;
mod lead;
mod macros;
mod migrate;
mod notify;
mod options;
mod statistics;
mod tx;
mod write;

use std::sync::Arc;

use sqlx::{PgPool, SqlitePool};
use uuid::Uuid;

pub use error::{Error, Retryable};
pub use lead::Lead;
pub use migrate::MigrationSet;
pub use notify::Listener;
pub use options::Options;
pub use statistics::Statistics;
pub use tx::{Connection, Tx};

#[doc(hidden)]
pub use sqlx;

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// PostgreSQL.
    Postgres,
    /// SQLite.
    Sqlite,
}

/// A service's database. Clones share its connections.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    pools: Pools,
    notices: Arc<notify::Notices>,
    leads: lead::Local,
    counters: Arc<statistics::Counters>,
}

enum Pools {
    Postgres(PgPool),
    Sqlite { writer: SqlitePool, readers: SqlitePool },
}

impl Db {
    /// Connects; a SQLite file is made when there is none.
    pub async fn connect(options: &Options) -> Result<Self, Error> {
        let pools = options.connect().await?;
        let notices = Arc::new(notify::Notices::new());
        if let Pools::Postgres(pool) = &pools {
            notices.hear(pool.clone());
        }
        let inner = Inner { pools, notices, leads: lead::Local::default(), counters: Arc::default() };
        Ok(Self(Arc::new(inner)))
    }

    /// Which engine it is.
    pub fn engine(&self) -> Engine {
        match self.0.pools {
            Pools::Postgres(_) => Engine::Postgres,
            Pools::Sqlite { .. } => Engine::Sqlite,
        }
    }

    /// Brings the schema up to date: each set in order, each migration once. Errors when a migration that has run
    /// reads otherwise now.
    pub async fn migrate(&self, sets: &[MigrationSet]) -> Result<(), Error> {
        for set in sets {
            migrate::run(&self.0.pools, set).await?;
        }
        Ok(())
    }

    /// Wakes when a transaction has notified `channel` and committed, here or in another process; and, as a safety
    /// net, after a bounded time.
    pub fn listen(&self, channel: &'static str) -> Listener {
        self.0.notices.listen(channel.to_owned(), self.engine())
    }

    /// As [`Db::listen`], for what [`Tx::notify_about`] tells of one thing alone.
    pub fn listen_about(&self, channel: &'static str, thing: Uuid) -> Listener {
        self.0.notices.listen(notify::about(channel, thing), self.engine())
    }

    /// Becomes the leader for `name` unless another is; for as long as [`Lead`] is held and its connection lives.
    pub async fn try_lead(&self, name: &str) -> Result<Option<Lead>, Error> {
        match &self.0.pools {
            Pools::Postgres(pool) => Lead::postgres(pool, name).await,
            Pools::Sqlite { .. } => Ok(self.0.leads.take(name)),
        }
    }

    /// Commits and statements since it was connected.
    pub fn statistics(&self) -> Statistics {
        self.0.counters.read()
    }

    /// Closes all connections, waiting for those in use.
    pub async fn close(&self) {
        self.0.notices.stop();
        match &self.0.pools {
            Pools::Postgres(pool) => pool.close().await,
            Pools::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
        }
    }
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db").field("engine", &self.engine()).finish_non_exhaustive()
    }
}
