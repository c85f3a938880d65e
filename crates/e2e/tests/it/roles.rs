//! `migrate --admin` makes a role and a database for each service, and no role reaches another's.

use std::process::Output;

use kernel::EventId;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::process::program;

/// What must not be seen anywhere.
const PASSWORD: &str = "kept-to-itself";

/// A hub's places on the tests' server.
struct Places {
    admin: String,
    /// `HOST:PORT`.
    server: String,
    /// Begins the names: with what must be quoted in SQL.
    family: String,
}

impl Places {
    /// `None` where there is no PostgreSQL: the test says so and is skipped.
    async fn new() -> Option<Self> {
        // Says why there is none, and fails where there must be one.
        testkit::Database::postgres().await?.remove().await;
        let admin = std::env::var("ENTREPOT_TEST_POSTGRES").unwrap();
        let server = admin.split_once("://").unwrap().1.rsplit_once('/').unwrap().0;
        let server = server.rsplit_once('@').map_or(server, |(_, server)| server).to_owned();
        Some(Self { admin, server, family: format!("T-{}'s", EventId::new().uuid().simple()) })
    }

    fn role(&self, service: &str) -> String {
        format!("{}_{service}", self.family)
    }

    fn database(&self, service: &str) -> String {
        format!("{}_{service}_db", self.family)
    }

    /// The URL with the roles' password, or none.
    fn template(&self, password: &str) -> String {
        let Self { family, server, .. } = self;
        let password = if password.is_empty() { String::new() } else { format!(":{password}") };
        format!("postgres://{family}_{{service}}{password}@{server}/{family}_{{service}}_db")
    }

    async fn migrate(&self, database: &str) -> Output {
        let mut command = tokio::process::Command::new(program());
        command.args(["--log", "trace", "migrate", "--admin", &self.admin, "--database", database]);
        let output = command.output().await.unwrap();
        for said in [&output.stdout, &output.stderr] {
            assert!(!String::from_utf8_lossy(said).contains(PASSWORD), "a password was told");
        }
        output
    }

    async fn migrated(&self, database: &str) {
        let output = self.migrate(database).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    async fn as_admin(&self) -> PgConnection {
        PgConnection::connect(&self.admin).await.unwrap()
    }

    async fn execute(&self, statement: String) {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut self.as_admin().await).await.unwrap();
    }

    /// Each role connects to its own database and to no other service's.
    async fn each_reaches_its_own_alone(&self) {
        for service in services::names() {
            for other in services::names() {
                let (role, database) = (self.role(service), self.database(other));
                let url = format!("postgres://{role}@{}/{database}", self.server);
                match PgConnection::connect(&url).await {
                    Ok(connection) => {
                        assert_eq!(service, other, "{role} reaches {database}");
                        connection.close().await.unwrap();
                    }
                    Err(error) => {
                        assert_ne!(service, other, "{error}");
                        let refusal = error.into_database_error().unwrap();
                        // insufficient_privilege
                        assert_eq!(refusal.code().as_deref(), Some("42501"), "{refusal}");
                    }
                }
            }
        }
    }

    /// What is kept of each role's password.
    async fn kept(&self) -> Vec<String> {
        let mut kept = Vec::new();
        for service in services::names() {
            let password: Option<String> =
                sqlx::query_scalar("select rolpassword from pg_authid where rolname = $1")
                    .bind(self.role(service))
                    .fetch_one(&mut self.as_admin().await)
                    .await
                    .unwrap();
            kept.push(password.expect("a role with a password"));
        }
        kept
    }

    /// Whether a role has any right over the server.
    async fn is_mighty(&self, service: &str) -> bool {
        sqlx::query_scalar(
            "select rolsuper or rolcreatedb or rolcreaterole or rolreplication or rolbypassrls from pg_roles where rolname = $1",
        )
        .bind(self.role(service))
        .fetch_one(&mut self.as_admin().await)
        .await
        .unwrap()
    }

    async fn remove(self) {
        for service in services::names() {
            let (role, database) = (self.role(service), self.database(service));
            self.execute(format!("drop database if exists \"{database}\" with (force)")).await;
            self.execute(format!("drop role if exists \"{role}\"")).await;
        }
    }
}

mod each_service_has_a_role_that_reaches_its_own_database_alone {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        let Some(places) = Places::new().await else { return };
        let template = places.template(PASSWORD);
        // Several at once, and again.
        futures::join!(places.migrated(&template), places.migrated(&template), places.migrated(&template));
        places.migrated(&template).await;
        places.each_reaches_its_own_alone().await;
        for service in services::names() {
            assert!(!places.is_mighty(service).await);
            let made: (String, String) = sqlx::query_as(
                "select pg_encoding_to_char(encoding), datcollate from pg_database where datname = $1",
            )
            .bind(places.database(service))
            .fetch_one(&mut places.as_admin().await)
            .await
            .unwrap();
            assert_eq!(made, ("UTF8".to_owned(), "C".to_owned()));
        }
        places.remove().await;
    }
}

mod passwords_are_those_of_the_url {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        let Some(places) = Places::new().await else { return };
        places.migrated(&places.template(PASSWORD)).await;
        let first = places.kept().await;
        // A URL without one leaves them as they are.
        places.migrated(&places.template("")).await;
        assert_eq!(places.kept().await, first);
        places.migrated(&places.template("another")).await;
        let second = places.kept().await;
        assert!(first.iter().zip(&second).all(|(first, second)| first != second));
        places.remove().await;
    }
}

mod rights_that_were_changed_are_put_right {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        let Some(places) = Places::new().await else { return };
        let template = places.template(PASSWORD);
        places.migrated(&template).await;
        let (order, catalog, database) =
            (places.role("order"), places.role("catalog"), places.database("catalog"));
        places.execute(format!("grant connect on database \"{database}\" to public")).await;
        places.execute(format!("grant all on database \"{database}\" to \"{order}\"")).await;
        places.execute(format!("alter database \"{database}\" owner to \"{order}\"")).await;
        places.execute(format!("alter role \"{order}\" superuser createdb createrole")).await;
        places.execute(format!("alter role \"{catalog}\" nologin")).await;
        places.migrated(&template).await;
        assert!(!places.is_mighty("order").await);
        places.each_reaches_its_own_alone().await;
        places.remove().await;
    }
}

mod services_with_one_role_are_refused {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        let Some(places) = Places::new().await else { return };
        let (family, server) = (&places.family, &places.server);
        let one = format!("postgres://{family}:{PASSWORD}@{server}/{family}_{{service}}_db");
        let refused = places.migrate(&one).await;
        assert!(!refused.status.success());
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(told.contains("database.url: catalog and logistics share the user"), "{told}");
        assert!(told.contains("each service has a role of its own"), "{told}");
        let made: i64 = sqlx::query_scalar("select count(*) from pg_roles where rolname = $1")
            .bind(family)
            .fetch_one(&mut places.as_admin().await)
            .await
            .unwrap();
        assert_eq!(made, 0);
        places.remove().await;
    }
}
