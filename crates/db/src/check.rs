//! Whether what is stored is whole.

use std::sync::atomic::Ordering;

use sqlx::Sqlite;

use crate::pool::PooledConnection;
use crate::{Db, Error, Pools};

/// The most faults that are told.
const CHECK: &str = "pragma quick_check(3)";
/// As well: whether indexes and tables say the same.
const THOROUGH_CHECK: &str = "pragma integrity_check(3)";
/// After how many virtual-machine operations SQLite checks whether the database is being closed.
const OPERATIONS_BETWEEN_LOOKS: i32 = 10_000;

impl Db {
    /// The damage that SQLite reports in its file; empty: every page and every row can be read. It reads the whole
    /// file, and ends when the database is closed. PostgreSQL watches its own.
    pub async fn check(&self) -> Result<Vec<String>, Error> {
        let Pools::Sqlite { readers, .. } = &self.0.pools else { return Ok(Vec::new()) };
        self.faults(readers.acquire().await?, CHECK).await
    }

    /// As [`Db::check`], and whether the indexes fit their tables: it takes several times as long, on a connection of its
    /// own.
    pub async fn check_thoroughly(&self) -> Result<Vec<String>, Error> {
        let Pools::Sqlite { checker, .. } = &self.0.pools else { return Ok(Vec::new()) };
        self.faults(checker.acquire().await?, THOROUGH_CHECK).await
    }

    /// Moves all that is in SQLite's write-ahead log into the file: it waits for those who read.
    pub async fn checkpoint(&self) -> Result<(), Error> {
        self.move_log("pragma wal_checkpoint(truncate)").await
    }

    /// As [`Db::checkpoint`], without a wait: what somebody reads stays in the log.
    pub async fn checkpoint_passively(&self) -> Result<(), Error> {
        self.move_log("pragma wal_checkpoint(passive)").await
    }

    async fn move_log(&self, how: &'static str) -> Result<(), Error> {
        let Pools::Sqlite { writer, .. } = &self.0.pools else { return Ok(()) };
        let mut connection = writer.acquire().await?;
        sqlx::query(how).fetch_all(&mut *connection).await?;
        connection.release();
        Ok(())
    }

    async fn faults(
        &self,
        mut connection: PooledConnection<Sqlite>,
        check: &'static str,
    ) -> Result<Vec<String>, Error> {
        let closing = self.0.closing.clone();
        let goes_on = move || !closing.load(Ordering::Relaxed);
        connection.lock_handle().await?.set_progress_handler(OPERATIONS_BETWEEN_LOOKS, goes_on);
        let found: Result<Vec<(String,)>, Error> =
            sqlx::query_as(check).fetch_all(&mut *connection).await.map_err(Error::from);
        connection.lock_handle().await?.remove_progress_handler();
        match found {
            Ok(found) => {
                connection.release();
                Ok(found.into_iter().map(|(fault,)| fault).filter(|fault| fault != "ok").collect())
            }
            Err(error) if error.is_damage() => Ok(vec![error.to_string()]),
            Err(error) => {
                // Ended, it leaves the connection whole, and the database can be closed as a whole.
                if matches!(error, Error::SearchTimeout) {
                    connection.release();
                }
                Err(error)
            }
        }
    }
}
