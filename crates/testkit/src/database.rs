//! A database of a test's own.

use std::sync::Arc;

use db::Db;
use kernel::EventId;
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

use crate::engines;

/// Names the PostgreSQL server of the tests: `postgres://USER@HOST:PORT/postgres`.
const POSTGRES: &str = "ENTREPOT_TEST_POSTGRES";
/// Connections of a test to PostgreSQL: many tests share one server.
const CONNECTIONS_MAX: u32 = 6;

/// A new, empty database, gone after the test.
#[derive(Clone, Debug)]
pub struct Database {
    url: String,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Sqlite {
        #[expect(dead_code, reason = "dropping the last one removes the folder")]
        folder: Arc<TempDir>,
    },
    Postgres {
        server: String,
        name: String,
    },
}

impl Database {
    /// A SQLite file in a folder of its own.
    pub fn sqlite() -> Self {
        let folder = TempDir::new().expect("a folder for a test");
        let url = format!("sqlite:{}", folder.path().join("test.sqlite").display());
        Self { url, kind: Kind::Sqlite { folder: Arc::new(folder) } }
    }

    /// A database on the server that `ENTREPOT_TEST_POSTGRES` names; `None`, with a word on it, when it is unset.
    pub async fn postgres() -> Option<Self> {
        Self::on_server(std::env::var(POSTGRES).ok(), engines::required()).await
    }

    async fn on_server(server: Option<String>, required: bool) -> Option<Self> {
        let Some(server) = server else {
            engines::missing(POSTGRES, required);
            return None;
        };
        Some(Self::create(&server, test_name()).await)
    }

    async fn create(server: &str, name: String) -> Self {
        admin(server, &format!("create database {name}")).await;
        let url = format!("{}/{name}", base(server));
        Self { url, kind: Kind::Postgres { server: server.to_owned(), name } }
    }

    /// A database for each of these services on the tests' PostgreSQL, and the URL with `{service}` where their names
    /// stand; `None` as for [`Database::postgres`].
    pub async fn per_service(services: &[&str]) -> Option<(String, Vec<Self>)> {
        let Ok(server) = std::env::var(POSTGRES) else {
            engines::missing(POSTGRES, engines::required());
            return None;
        };
        let family = test_name();
        let mut databases = Vec::new();
        for service in services {
            databases.push(Self::create(&server, format!("{family}_{service}")).await);
        }
        Some((format!("{}/{family}_{{service}}", base(&server)), databases))
    }

    /// What [`db::Options`] takes.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A database beside it, on the same engine: for a second service.
    pub async fn another(&self) -> Self {
        match &self.kind {
            Kind::Sqlite { .. } => Self::sqlite(),
            Kind::Postgres { server, .. } => {
                Self::on_server(Some(server.clone()), true).await.expect("the server that made the first")
            }
        }
    }

    /// Connects to it.
    pub async fn connect(&self) -> Db {
        let mut options = db::Options::new(self.url.clone());
        options.connections_max = CONNECTIONS_MAX;
        Db::connect(&options).await.expect("a test's database")
    }

    /// Connects and brings its schema up to date.
    pub async fn migrated(&self, sets: &[db::MigrationSet]) -> Db {
        let db = self.connect().await;
        db.migrate(sets).await.expect("a test's schema");
        db
    }

    /// Ends it. A test that fails leaves its PostgreSQL database behind, to be looked at.
    pub async fn remove(self) {
        if let Kind::Postgres { server, name } = self.kind {
            admin(&server, &format!("drop database if exists {name} with (force)")).await;
        }
    }
}

/// Where the server's databases are.
fn base(server: &str) -> &str {
    server.rsplit_once('/').map_or(server, |(base, _)| base)
}

fn test_name() -> String {
    format!("test_{}", EventId::new().uuid().simple())
}

async fn admin(server: &str, statement: &str) {
    let mut connection = PgConnection::connect(server).await.expect("the tests' PostgreSQL answers");
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned()))
        .execute(&mut connection)
        .await
        .expect("a test's database");
    connection.close().await.expect("closing a connection");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_a_server_a_test_is_skipped() {
        assert!(Database::on_server(None, false).await.is_none());
    }

    #[tokio::test]
    #[should_panic(expected = "ENTREPOT_TEST_ENGINES=require")]
    async fn where_engines_are_required_it_fails() {
        Database::on_server(None, true).await;
    }
}
