//! Migrations: sets of SQL files, append-only. Each set keeps its own table of what has run, so that the sets of
//! several crates live in one database.

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{Connection as _, SqlSafeStr as _, SqliteConnection};

use crate::{Error, Pools};

/// The migrations of a crate.
#[derive(Debug, Clone, Copy)]
pub struct MigrationSet {
    /// Lower case letters; part of the name of its table.
    pub name: &'static str,
    /// `("0001_orders.sql", include_str!(…))`: the number orders them; a file that has run never changes.
    pub files: &'static [(&'static str, &'static str)],
}

pub(crate) async fn run(pools: &Pools, set: &MigrationSet) -> Result<(), Error> {
    let failed = |source| failed(set.name, source);
    let migrations =
        set.files.iter().map(|(file, sql)| migration(file, sql)).collect::<Result<_, _>>().map_err(failed)?;
    let mut migrator = Migrator::with_migrations(migrations);
    migrator.dangerous_set_table_name(table(set.name));
    match pools {
        Pools::Postgres { pool, .. } => {
            // The migrator locks out others, for the session, and keeps the lock when it fails: closing the
            // connection gives it back, or the next to migrate would wait for ever.
            let mut connection = pool.acquire().await?;
            migrator.run(&mut *connection).await.map_err(failed)?;
            connection.release();
        }
        Pools::Sqlite { writer, .. } => {
            let mut connection = writer.acquire().await?;
            in_turn(&migrator, &mut connection).await.map_err(failed)?;
            connection.release();
        }
    }
    Ok(())
}

/// What stands between a database and its work, such as a full disk or damage, is no fault of the migration.
fn failed(set: &'static str, source: MigrateError) -> Error {
    match source {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)
            if crate::error::is_of_the_database(&error) =>
        {
            Error::from(error)
        }
        source => Error::Migration { set, problem: problem(set, &source), source: Box::new(source) },
    }
}

/// Where what has run of a set is kept.
fn table(set: &str) -> String {
    format!("_migrations_{set}")
}

/// The problem and the remedy: the migrator's own message names a table that only a single set has.
fn problem(set: &str, error: &MigrateError) -> String {
    match error {
        MigrateError::Dirty(number) => format!(
            "{number} was started but never finished: undo its changes, then delete its row from the table {}",
            table(set)
        ),
        MigrateError::VersionMissing(number) => format!(
            "{number} has run here but this program does not have it: a newer version was here; start that one, or restore a backup"
        ),
        MigrateError::VersionMismatch(number) => format!(
            "{number} differs from what has run here, by its row in the table {}: start the version that ran it, or restore a backup",
            table(set)
        ),
        other => other.to_string(),
    }
}

/// On SQLite the migrator takes no lock of its own: processes that start at once would all run the same file.
async fn in_turn(migrator: &Migrator, connection: &mut SqliteConnection) -> Result<(), MigrateError> {
    let mut tx = connection.begin_with("begin immediate").await?;
    migrator.run(&mut *tx).await?;
    tx.commit().await?;
    Ok(())
}

fn migration(file: &'static str, sql: &'static str) -> Result<Migration, MigrateError> {
    let (number, name) = file.trim_end_matches(".sql").split_once('_').unwrap_or((file, ""));
    let version = number.parse().map_err(|_| {
        MigrateError::Source(format!("{file} does not begin with a number such as 0001_").into())
    })?;
    Ok(Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false))
}
