//! The databases of a hub of a release, on either engine, as files of this repository.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{DateTime, Utc};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use kernel::Clock;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use testkit::Database;

use super::calls::Exchange;
use crate::process::{Data, Process};

/// The carrier stands still, but for what is reported and for the hub's clock.
const CONFIG: &str = "[sandbox]\nenabled = true\nday_length = \"86400s\"\n[order]\nlease_seconds = 1\n";
const KEY: &str = "key.pem";
const READS: &str = "reads.txt.gz";
const REPLAYS: &str = "replays.txt.gz";
const TIME: &str = "time.txt";

/// An engine with the databases of a hub on it.
pub(crate) enum Engine {
    Sqlite,
    Postgres { url: String, brokers: String, prefix: String, databases: Vec<Database> },
}

impl Engine {
    /// PostgreSQL, with Kafka, as the production shape needs both; `None` where one is missing.
    pub(crate) async fn postgres() -> Option<Self> {
        let brokers = testkit::kafka()?;
        let (url, databases) = Database::per_service(&services::names()).await?;
        let prefix = format!("t{}.", kernel::EventId::new().uuid().simple());
        Some(Self::Postgres { url, brokers, prefix, databases })
    }

    /// The folder of its files in a fixture.
    fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres { .. } => "postgres",
        }
    }

    /// Starts the hub of these data.
    pub(crate) async fn start(&self, data: &Data) -> Process {
        match self {
            Self::Sqlite => data.start_configured(CONFIG, &[]).await,
            Self::Postgres { url, brokers, prefix, .. } => {
                let config = format!("{CONFIG}[kafka]\nprefix = \"{prefix}\"\npartitions = 1\n");
                let arguments = ["--shape", "production", "--database", url, "--kafka", brokers];
                data.start_configured(&config, &arguments).await
            }
        }
    }

    /// Runs statements on a service's database while no hub runs.
    pub(crate) async fn execute(&self, data: &Data, service: &str, sql: String) {
        match self {
            Self::Sqlite => {
                let url = format!("sqlite:{}", file(data, service).display());
                let mut connection = SqliteConnection::connect(&url).await.unwrap();
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Self::Postgres { url, .. } => {
                let url = url.replace("{service}", service);
                let mut connection = PgConnection::connect(&url).await.unwrap();
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }

    /// Writes what the stopped hub has stored into the fixture.
    pub(crate) async fn save(&self, data: &Data, fixture: &Fixture) {
        let folder = fixture.0.join(self.name());
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::copy(data.hub().join(KEY), folder.join(KEY)).unwrap();
        for service in services::names() {
            match self {
                Self::Sqlite => {
                    self.execute(data, service, "vacuum".to_owned()).await;
                    let stored = std::fs::read(file(data, service)).unwrap();
                    pack(&folder.join(format!("{service}.sqlite.gz")), &stored);
                }
                Self::Postgres { url, .. } => {
                    let stored = dump(&url.replace("{service}", service));
                    pack(&folder.join(format!("{service}.sql.gz")), stored.as_bytes());
                }
            }
        }
    }

    /// Puts the fixture's databases where a hub finds them, at the time at which they were left.
    pub(crate) async fn restore(&self, data: &Data, fixture: &Fixture) {
        let folder = fixture.0.join(self.name());
        std::fs::create_dir(data.hub()).unwrap();
        std::fs::copy(folder.join(KEY), data.hub().join(KEY)).unwrap();
        let end = match self {
            Self::Sqlite => "sqlite.gz",
            Self::Postgres { .. } => "sql.gz",
        };
        for service in services::names() {
            let kept = folder.join(format!("{service}.{end}"));
            if !kept.is_file() {
                // The release did not have this service: the hub makes its database.
                continue;
            }
            let stored = unpack(&kept);
            match self {
                Self::Sqlite => std::fs::write(file(data, service), stored).unwrap(),
                Self::Postgres { .. } => {
                    self.execute(data, service, String::from_utf8(stored).unwrap()).await;
                }
            }
            let ahead = self.time(fixture) - Clock::system().now();
            let ahead = ahead.num_microseconds().filter(|ahead| *ahead >= 0);
            let ahead = ahead.expect("the fixture's time has not come: a clock moves forward only");
            self.execute(data, service, format!("update hub_clock set ahead_us = {ahead}")).await;
        }
    }

    /// The hub's time when it was stopped.
    fn time(&self, fixture: &Fixture) -> DateTime<Utc> {
        std::fs::read_to_string(fixture.0.join(self.name()).join(TIME)).unwrap().trim().parse().unwrap()
    }

    /// Writes what the hub answered at its time.
    pub(crate) fn note(&self, fixture: &Fixture, time: &str, reads: &[Exchange], replays: &[Exchange]) {
        let folder = fixture.0.join(self.name());
        std::fs::write(folder.join(TIME), format!("{time}\n")).unwrap();
        pack(&folder.join(READS), Exchange::write(reads).as_bytes());
        pack(&folder.join(REPLAYS), Exchange::write(replays).as_bytes());
    }

    /// What the hub answered: to those who read, and to requests that were made again.
    pub(crate) fn noted(&self, fixture: &Fixture) -> (Vec<Exchange>, Vec<Exchange>) {
        let folder = fixture.0.join(self.name());
        let read = |name| Exchange::read(&String::from_utf8(unpack(&folder.join(name))).unwrap());
        (read(READS), read(REPLAYS))
    }

    pub(crate) async fn remove(self) {
        if let Self::Postgres { databases, .. } = self {
            for database in databases {
                database.remove().await;
            }
        }
    }
}

/// The folder of a release's databases.
pub(crate) struct Fixture(PathBuf);

impl Fixture {
    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
    }

    /// Of this day.
    pub(crate) fn of(day: &str) -> Self {
        Self(Self::folder().join(day))
    }

    /// Of every release there is one of.
    pub(crate) fn all() -> Vec<Self> {
        let days = std::fs::read_dir(Self::folder()).unwrap();
        let mut fixtures: Vec<_> = days.map(|day| Self(day.unwrap().path())).collect();
        fixtures.retain(|fixture| fixture.0.is_dir());
        assert!(!fixtures.is_empty(), "there are no fixtures");
        fixtures
    }
}

fn file(data: &Data, service: &str) -> PathBuf {
    data.hub().join(format!("{service}.sqlite"))
}

/// A database as SQL that needs no program of PostgreSQL.
fn dump(url: &str) -> String {
    let mut command = Command::new("pg_dump");
    command.args([
        "--inserts",
        "--rows-per-insert=100",
        "--no-owner",
        "--no-privileges",
        "--no-comments",
        url,
    ]);
    let dumped = command.output().unwrap();
    assert!(dumped.status.success(), "{}", String::from_utf8_lossy(&dumped.stderr));
    let text = String::from_utf8(dumped.stdout).unwrap();
    // What begins with a backslash is said to psql.
    text.lines()
        .filter(|line| !line.starts_with(['\\', '-']) && !line.is_empty())
        .fold(String::new(), |text, line| text + line + "\n")
}

fn pack(file: &Path, content: &[u8]) {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(content).unwrap();
    std::fs::write(file, packer.finish().unwrap()).unwrap();
}

fn unpack(file: &Path) -> Vec<u8> {
    let packed = std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut content = Vec::new();
    GzDecoder::new(packed.as_slice()).read_to_end(&mut content).unwrap();
    content
}
