//! One SQL text on two engines: PostgreSQL and SQLite behind [`Db`] and [`Tx`], with native types and native speed.
//!
//! - A use case is a [`Command`] or a [`Query`]: [`Db::run`] commits one, [`Db::query`] answers the other.
//! - [`Batches`] runs commands of one kind together, by the statements of one.
//! - [`Db::write`] is the one door for changes, [`Db::read`] gives a snapshot, [`Db::read_one`] runs one select;
//!   [`Db::search`] is a read whose cost its caller chooses: few run at once, each within a bound of time.
//! - [`execute!`], [`fetch_one!`], [`fetch_optional!`] and [`fetch_all!`] run a statement with `$1` placeholders.
//! - [`Tx::sql`] picks one of a pair where a statement must differ; what else differs stands in this crate.
//! - [`Db::check`] says whether what is stored is whole; [`Db::untouched`] looks at a file before it is opened.
//! - [`Db::listen`] wakes on [`Tx::notify`]; [`Db::try_become_leader`] makes one process of several the leader.
//!
//! Why not `sqlx::Any`: it has no BOOLEAN on SQLite, wrong placeholders in its query builder, and loses types.

mod batch;
mod check;
mod command;
mod error;
mod ids;
mod json;
mod leadership;
mod macros;
mod migrate;
mod notify;
mod options;
mod pool;
mod private;
mod queue;
mod search;
mod statistics;
mod tx;
mod write;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::{PgPool, Postgres, Sqlite};
use uuid::Uuid;

pub use batch::{Batched, Batches, Entry, Outcome, run_alone};
pub use command::{Application, Command, Query, ReadMode, Runner};
pub use error::{Error, Retryable, Unavailability};
pub use ids::Ids;
pub use json::{hex, optional_hex, optional_timestamp, timestamp};
pub use leadership::Leadership;
pub use migrate::MigrationSet;
pub use notify::Listener;
pub use options::Options;
pub use private::{private_file, private_folder};
pub use statistics::{Connections, Statistics};
pub use tx::{Connection, Tx};
pub use write::BROWSE_MAX;

use pool::Pool;
use queue::TimeLimits;

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
    /// Of SQLite: those who wait for its one writer.
    writes: Option<queue::Queue>,
    notices: Arc<notify::Notifications>,
    leads: leadership::Local,
    counters: Arc<statistics::Counters>,
    browsing: search::SearchSlots,
    /// Set when it is closed.
    closing: Arc<AtomicBool>,
}

enum Pools {
    Postgres { pool: Pool<Postgres>, listening: PgPool },
    Sqlite { writer: Pool<Sqlite>, readers: Pool<Sqlite>, checker: Pool<Sqlite> },
}

impl Db {
    /// Connects; a SQLite file is made when there is none.
    pub async fn connect(options: &Options) -> Result<Self, Error> {
        Self::connect_with(options, TimeLimits::default()).await
    }

    pub(crate) async fn connect_with(options: &Options, patience: TimeLimits) -> Result<Self, Error> {
        Ok(Self::over(options.connect().await?, options.connections_max, patience))
    }

    /// A file of SQLite as it lies there, to be read: without its write-ahead log, and nothing is written or made. It may be
    /// in the midst of a change.
    pub fn untouched(file: &Path) -> Self {
        Self::over(Options::untouched(file), 1, TimeLimits::default())
    }

    fn over(pools: Pools, connections_max: u32, patience: TimeLimits) -> Self {
        let notices = Arc::new(notify::Notifications::new(pools.engine()));
        let counters = Arc::<statistics::Counters>::default();
        let writes = match &pools {
            Pools::Postgres { pool, listening } => {
                notices.start(listening.clone(), pool.clone(), counters.clone());
                None
            }
            Pools::Sqlite { writer, .. } => {
                Some(queue::Queue::start(writer.clone(), notices.clone(), counters.clone(), patience))
            }
        };
        let leads = leadership::Local::default();
        let browsing = search::SearchSlots::of(connections_max);
        let closing = Arc::default();
        Self(Arc::new(Inner { pools, writes, notices, leads, counters, browsing, closing }))
    }

    /// Which engine it is.
    pub fn engine(&self) -> Engine {
        self.0.pools.engine()
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

    /// As [`Db::listen`], for notifications by [`Tx::notify_about`] about one object.
    pub fn listen_about(&self, channel: &'static str, thing: Uuid) -> Listener {
        self.0.notices.listen(notify::about(channel, thing), self.engine())
    }

    /// Becomes the leader for `name` unless another is; for as long as [`Leadership`] is held and its connection lives.
    pub async fn try_become_leader(&self, name: &str) -> Result<Option<Leadership>, Error> {
        match &self.0.pools {
            Pools::Postgres { pool, .. } => Leadership::postgres(pool, name).await,
            Pools::Sqlite { .. } => Ok(self.0.leads.take(name)),
        }
    }

    /// Commits and statements since it was connected.
    pub fn statistics(&self) -> Statistics {
        self.0.counters.read()
    }

    /// The connections to it: of PostgreSQL with the one that listens; of SQLite, the writer's and the readers'.
    pub fn connections(&self) -> Connections {
        let [one, other] = match &self.0.pools {
            Pools::Postgres { pool, listening } => {
                [pool.connections(), Connections { max: 1, open: listening.size(), idle: 0 }]
            }
            Pools::Sqlite { writer, readers, .. } => [writer.connections(), readers.connections()],
        };
        Connections { max: one.max + other.max, open: one.open + other.open, idle: one.idle + other.idle }
    }

    /// Closes all connections, waiting for those in use, and tells others what is left to tell.
    pub async fn close(&self) {
        self.0.closing.store(true, Ordering::Relaxed);
        self.0.notices.stop();
        match &self.0.pools {
            Pools::Postgres { pool, listening } => {
                let mut all = pool.drain().await;
                if let Some(last) = all.last_mut() {
                    self.0.notices.notify_the_last(last, &self.0.counters).await;
                }
                close(all).await;
                listening.close().await;
            }
            Pools::Sqlite { writer, readers, checker } => {
                close(checker.drain().await).await;
                close(readers.drain().await).await;
                close(writer.drain().await).await;
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.notices.stop();
    }
}

impl Pools {
    fn engine(&self) -> Engine {
        match self {
            Self::Postgres { .. } => Engine::Postgres,
            Self::Sqlite { .. } => Engine::Sqlite,
        }
    }
}

async fn close<C: sqlx::Connection>(connections: Vec<C>) {
    for connection in connections {
        if let Err(error) = connection.close().await {
            tracing::debug!(%error, "a connection failed while it was being closed");
        }
    }
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db").field("engine", &self.engine()).finish_non_exhaustive()
    }
}
