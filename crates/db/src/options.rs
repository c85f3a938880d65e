//! How to connect.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::{Error, Pools};

/// How long a SQLite statement waits for another process that holds the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a caller waits for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
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
            None => Err(Error::Url(self.url.clone())),
        }
    }

    async fn postgres(&self) -> Result<Pools, Error> {
        let options = PgConnectOptions::from_str(&self.url)
            .map_err(|_| Error::Url(self.url.clone()))?
            .application_name("entrepot")
            .options([("timezone", "UTC"), ("idle_in_transaction_session_timeout", "60s")]);
        let pool = PgPoolOptions::new()
            .max_connections(self.connections_max)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options)
            .await?;
        Ok(Pools::Postgres(pool))
    }

    async fn sqlite(&self, path: &str) -> Result<Pools, Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true);
        // The writer comes first: it makes the file and turns the write-ahead log on.
        let pool =
            SqlitePoolOptions::new().acquire_timeout(ACQUIRE_TIMEOUT).idle_timeout(None).max_lifetime(None);
        let writer = pool.clone().max_connections(1).min_connections(1).connect_with(options.clone()).await?;
        let readers =
            pool.max_connections(self.connections_max).connect_with(options.read_only(true)).await?;
        Ok(Pools::Sqlite { writer, readers })
    }
}
