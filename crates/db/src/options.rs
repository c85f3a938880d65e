//! How to connect.

use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use settings::without_password;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Postgres, Sqlite};

use crate::pool::{Limits, Pool};
use crate::{Error, Pools};

/// How long a SQLite statement waits for another process that holds the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// From how many pages on SQLite moves its log into the file by itself; before, those who watch the database do.
const LOG_PAGES_MAX: &str = "16384";
/// How long a connection to PostgreSQL stays open at most, and how long when unused.
const STAYS: (Duration, Duration) = (Duration::from_secs(1_800), Duration::from_secs(600));
/// Connections unless set otherwise.
const CONNECTIONS_MAX_DEFAULT: u32 = 8;

/// How to connect to a service's database.
#[derive(Debug, Clone)]
pub struct Options {
    /// `sqlite:PATH` or `postgres://USER@HOST:PORT/NAME`.
    pub url: String,
    /// The most connections: of PostgreSQL, or readers of SQLite (which has one writer).
    pub connections_max: u32,
}

/// Writes and single selects look rows up by their keys, some at a time. A planner that takes a set of JSON for a
/// hundred rows reads a whole table instead while the table is small, and one that plans each execution anew takes longer
/// than the execution: measured, a fifth of what PostgreSQL does for a purchase. Snapshots plan freely ([`crate::Db::read`]).
const BY_KEYS: [(&str, &str); 4] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("random_page_cost", "1"),
];

impl Options {
    /// With the usual number of connections.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), connections_max: CONNECTIONS_MAX_DEFAULT }
    }

    pub(crate) async fn connect(&self) -> Result<Pools, Error> {
        if self.url.starts_with("postgres://") || self.url.starts_with("postgresql://") {
            return self.postgres().await;
        }
        match self.url.strip_prefix("sqlite:") {
            Some(path) => self.sqlite(path).await,
            None => Err(Error::Url(without_password(&self.url))),
        }
    }

    async fn postgres(&self) -> Result<Pools, Error> {
        let options = PgConnectOptions::from_str(&self.url)
            .map_err(|_| Error::Url(without_password(&self.url)))?
            .application_name("entrepot")
            .options([("timezone", "UTC"), ("idle_in_transaction_session_timeout", "60s")])
            .options(BY_KEYS);
        // One of them listens.
        let listening = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_lazy_with(options.clone());
        let connections_max = self.connections_max.saturating_sub(1).max(1);
        let pool = Pool::<Postgres>::new(options, Limits { connections_max, stays: Some(STAYS) });
        pool.acquire().await?.release();
        Ok(Pools::Postgres { pool, listening })
    }

    async fn sqlite(&self, path: &str) -> Result<Pools, Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("wal_autocheckpoint", LOG_PAGES_MAX)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true);
        let pool =
            |options, connections_max| Pool::<Sqlite>::new(options, Limits { connections_max, stays: None });
        let writer = pool(options.clone(), 1);
        let options = options.read_only(true);
        let (readers, checker) = (pool(options.clone(), self.connections_max), pool(options, 1));
        crate::private::database(path);
        // The writer comes first: it turns the write-ahead log on.
        writer.acquire().await?.release();
        readers.acquire().await?.release();
        Ok(Pools::Sqlite { writer, readers, checker })
    }

    /// The file of SQLite alone, as it lies there: nothing beside it is read, and nothing is written.
    pub(crate) fn untouched(path: &Path) -> Pools {
        let options = SqliteConnectOptions::new().filename(path).read_only(true).immutable(true);
        let pool = || Pool::<Sqlite>::new(options.clone(), Limits { connections_max: 1, stays: None });
        Pools::Sqlite { writer: pool(), readers: pool(), checker: pool() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_url_is_told_without_its_password() {
        for url in ["postgres://order:s3cret@db:port/orders", "mysql://order:s3cret@db/orders"] {
            let Err(error) = Options::new(url).connect().await else { panic!("{url} is no URL of ours") };
            let told = error.to_string();
            assert!(told.contains("order:…@db") && !told.contains("s3cret"), "{told}");
        }
        assert_eq!(without_password("orders.sqlite"), "orders.sqlite");
    }
}
