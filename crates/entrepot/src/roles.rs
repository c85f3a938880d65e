//! `migrate --admin`: a role and a database for each service, and no role that reaches another's database.
//!
//! A role may still connect to databases that the server opens to everybody, such as `postgres`: nothing of a hub is
//! in them, and closing them is for whoever owns the server to decide.

use std::str::FromStr as _;

use anyhow::{Context as _, Result, bail};
use percent_encoding::percent_decode_str;
use runtime::Settings;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};
use url::Url;

/// One at a time makes roles and databases: PostgreSQL refuses to change one role twice at once. An arbitrary number.
const LOCK: i64 = 0x656e_7472_6570_6f74;
/// The first version of PostgreSQL that may sort by another library than the system's, unless told.
const PROVIDERS_SINCE: i32 = 150_000;

/// A service's role and database, as `database.url` names them.
#[derive(PartialEq, Eq)]
struct DatabaseTarget {
    service: String,
    role: String,
    password: Option<String>,
    database: String,
}

/// Makes the roles and databases that are missing, and sets the rights and passwords of all. However many do so at
/// once, each is made once.
pub(crate) async fn provide(admin: &str, settings: &Settings) -> Result<()> {
    let places: Vec<DatabaseTarget> =
        settings.databases.iter().map(|(service, url)| place(service, url)).collect::<Result<_>>()?;
    // Not even the debug log hears of passwords.
    let options = PgConnectOptions::from_str(admin)
        .ok()
        .filter(|_| admin.starts_with("postgres://") || admin.starts_with("postgresql://"))
        .context("admin.url: must be a URL such as postgres://postgres@db:5432/postgres")?
        .disable_statement_logging();
    check(&places, options.get_username(), options.get_database())?;
    let mut connection = options.connect().await.context("admin.url: cannot connect")?;
    sqlx::query("select pg_advisory_lock($1)").bind(LOCK).execute(&mut connection).await?;
    for place in &places {
        let provided = async {
            role(&mut connection, place).await?;
            database(&mut connection, place).await?;
            close_to_others(&mut connection, place, &places).await?;
            open_to_its_role(&options, place).await
        };
        provided
            .await
            .with_context(|| format!("admin.url: the role and the database of {}", place.service))?;
    }
    // The lock ends with the connection.
    connection.close().await?;
    Ok(())
}

fn place(service: &str, url: &str) -> Result<DatabaseTarget> {
    let parsed = Url::parse(url).map_err(|error| anyhow::anyhow!("database.url: is not a URL: {error}"))?;
    let decoded = |text: &str, what: &str| {
        let text = percent_decode_str(text).decode_utf8();
        text.map(String::from).with_context(|| format!("database.url: the {what} of {service} is not UTF-8"))
    };
    let place = DatabaseTarget {
        service: service.to_owned(),
        role: decoded(parsed.username(), "user")?,
        password: parsed.password().map(|password| decoded(password, "password")).transpose()?,
        database: decoded(parsed.path().trim_start_matches('/'), "database's name")?,
    };
    if place.role.is_empty() || place.database.is_empty() {
        bail!(
            "database.url: must name a user and a database, with --admin: postgres://{{hub}}_{{service}}@db/{{hub}}_{{service}}"
        );
    }
    Ok(place)
}

/// Refuses what would give a service more than its own, or take from the administrator.
fn check(places: &[DatabaseTarget], admin: &str, admins_database: Option<&str>) -> Result<()> {
    for (index, place) in places.iter().enumerate() {
        let DatabaseTarget { service, role, database, .. } = place;
        for other in &places[..index] {
            if other.role == *role {
                bail!(
                    "database.url: {} and {service} share the user `{role}`: each service has a role of its own; put {{service}} in its name",
                    other.service
                );
            }
            if other.database == *database {
                bail!(
                    "database.url: {} and {service} share the database `{database}`: each service has its own; put {{service}} in its name",
                    other.service
                );
            }
        }
        if role == admin {
            bail!("admin.url: `{role}` is the user of {service}: the administrator must be another user");
        }
        if admins_database == Some(database)
            || ["postgres", "template0", "template1"].contains(&database.as_str())
        {
            bail!("database.url: `{database}` belongs to the server: {service} needs a database of its own");
        }
    }
    Ok(())
}

/// Runs a statement whose names (`%I`) and texts (`%L`) the server itself quotes.
async fn execute(connection: &mut PgConnection, template: &str, values: &[&str]) -> Result<()> {
    let statement: String = sqlx::query_scalar("select format($1, variadic $2)")
        .bind(template)
        .bind(values)
        .fetch_one(&mut *connection)
        .await?;
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await?;
    Ok(())
}

/// The role, without any right over the server, and with the password of the URL, if it has one.
async fn role(connection: &mut PgConnection, place: &DatabaseTarget) -> Result<()> {
    const RIGHTS: &str = "nosuperuser nocreatedb nocreaterole noreplication nobypassrls login";
    let is_there: bool = sqlx::query_scalar("select exists (select 1 from pg_roles where rolname = $1)")
        .bind(&place.role)
        .fetch_one(&mut *connection)
        .await?;
    let verb = if is_there { "alter" } else { "create" };
    execute(connection, &format!("{verb} role %I {RIGHTS}"), &[&place.role]).await?;
    match &place.password {
        Some(password) => execute(connection, "alter role %I password %L", &[&place.role, password]).await,
        None => Ok(()),
    }
}

/// The database, which is the role's. Text is in the order of its bytes, as on SQLite.
async fn database(connection: &mut PgConnection, place: &DatabaseTarget) -> Result<()> {
    let is_there: bool = sqlx::query_scalar("select exists (select 1 from pg_database where datname = $1)")
        .bind(&place.database)
        .fetch_one(&mut *connection)
        .await?;
    let names = [place.database.as_str(), place.role.as_str()];
    if is_there {
        return execute(connection, "alter database %I owner to %I", &names).await;
    }
    let version: i32 = sqlx::query_scalar("select current_setting('server_version_num')::int4")
        .fetch_one(&mut *connection)
        .await?;
    let provider = if version >= PROVIDERS_SINCE { "locale_provider libc" } else { "" };
    let template = format!(
        "create database %I owner %I template template0 encoding 'UTF8' {provider} lc_collate 'C' lc_ctype 'C'"
    );
    execute(connection, &template, &names).await
}

/// Nobody but its role connects to the database, whoever was allowed to before.
async fn close_to_others(
    connection: &mut PgConnection,
    place: &DatabaseTarget,
    places: &[DatabaseTarget],
) -> Result<()> {
    execute(connection, "revoke all on database %I from public", &[&place.database]).await?;
    for other in places.iter().filter(|other| *other != place) {
        let is_there: bool = sqlx::query_scalar("select exists (select 1 from pg_roles where rolname = $1)")
            .bind(&other.role)
            .fetch_one(&mut *connection)
            .await?;
        if is_there {
            let names = [place.database.as_str(), other.role.as_str()];
            execute(connection, "revoke all on database %I from %I", &names).await?;
        }
    }
    Ok(())
}

/// Its role makes its tables there, and nobody else does.
async fn open_to_its_role(options: &PgConnectOptions, place: &DatabaseTarget) -> Result<()> {
    let mut connection = options.clone().database(&place.database).connect().await?;
    execute(&mut connection, "revoke create on schema public from public", &[]).await?;
    execute(&mut connection, "grant usage, create on schema public to %I", &[&place.role]).await?;
    connection.close().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(urls: [&str; 2]) -> Result<(), String> {
        let [catalog, order] = urls;
        let places = [("catalog", catalog), ("order", order)].map(|(service, url)| place(service, url));
        let places: Result<Vec<DatabaseTarget>> = places.into_iter().collect();
        places
            .and_then(|places| check(&places, "postgres", Some("postgres")))
            .map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn names_and_passwords_are_those_of_the_url() {
        let place =
            place("order", "postgres://my%20order:p%40ss%2F'@db:5432/my%22order?sslmode=disable").unwrap();
        assert_eq!((place.role.as_str(), place.database.as_str()), ("my order", "my\"order"));
        assert_eq!(place.password.as_deref(), Some("p@ss/'"));
    }

    #[test]
    fn what_is_wrong_is_named_and_no_password_told() {
        assert_eq!(checked(["postgres://c:secret@db/c", "postgres://o:secret@db/o"]), Ok(()));
        for (urls, expected) in [
            (["postgres://x:secret@db/c", "postgres://x:secret@db/o"], "each service has a role of its own"),
            (["postgres://c:secret@db/x", "postgres://o:secret@db/x"], "share the database `x`"),
            (
                ["postgres://postgres:secret@db/c", "postgres://o@db/o"],
                "admin.url: `postgres` is the user of catalog",
            ),
            (["postgres://c:secret@db/postgres", "postgres://o@db/o"], "`postgres` belongs to the server"),
            (["postgres://db/c", "postgres://o:secret@db/o"], "must name a user and a database"),
            (["postgres://c:secret@db", "postgres://o:secret@db/o"], "must name a user and a database"),
            (["postgres://c:secret@db:port/c", "postgres://o:secret@db/o"], "is not a URL"),
        ] {
            let error = checked(urls).unwrap_err();
            assert!(error.contains(expected) && !error.contains("secret"), "{error}");
        }
    }
}
