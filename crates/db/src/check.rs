//! Whether what is stored is whole.

use crate::{Db, Error, Pools};

/// The most faults that are told.
const CHECK: &str = "pragma quick_check(3)";

impl Db {
    /// What is damaged in a SQLite file, in its own words; none: every page and every row can be read. It reads the whole
    /// file. PostgreSQL watches its own.
    pub async fn check(&self) -> Result<Vec<String>, Error> {
        let Pools::Sqlite { readers, .. } = &self.0.pools else { return Ok(Vec::new()) };
        let mut connection = readers.lend().await?;
        let found: Result<Vec<(String,)>, Error> =
            sqlx::query_as(CHECK).fetch_all(&mut *connection).await.map_err(Error::from);
        match found {
            Ok(found) => {
                connection.give_back();
                Ok(found.into_iter().map(|(fault,)| fault).filter(|fault| fault != "ok").collect())
            }
            Err(error) if error.is_damage() => Ok(vec![error.to_string()]),
            Err(error) => Err(error),
        }
    }

    /// Moves what is in SQLite's write-ahead log into the file, as far as nobody reads it.
    pub async fn checkpoint(&self) -> Result<(), Error> {
        let Pools::Sqlite { writer, .. } = &self.0.pools else { return Ok(()) };
        let mut connection = writer.lend().await?;
        sqlx::query("pragma wal_checkpoint(truncate)").fetch_all(&mut *connection).await?;
        connection.give_back();
        Ok(())
    }
}
