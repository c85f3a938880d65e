//! Opens a service's database: whole, migrated, and of this hub and service.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use db::{Db, Engine};
use tokio::task::JoinHandle;

use super::{Mark, restore, store};
use crate::{Error, Settings, Spec};

/// How long a start waits for the check of a file; a larger one is checked while the hub serves.
const CHECK_MAX: Duration = Duration::from_secs(3);

/// The check of a file, as far as the start did not wait for it.
pub(crate) struct PendingCheck {
    db: Db,
    /// The one that goes on.
    quick: Option<JoinHandle<Result<Vec<String>, db::Error>>>,
}

impl PendingCheck {
    /// What is damaged. Left, it goes on until the database is closed.
    pub(crate) async fn finish(self) -> Result<Vec<String>, db::Error> {
        if let Some(quick) = self.quick {
            let faults = quick.await.unwrap_or(Err(db::Error::Panicked))?;
            if !faults.is_empty() {
                return Ok(faults);
            }
        }
        let db = self.db;
        let thorough = tokio::spawn(async move { db.check_thoroughly().await });
        thorough.await.unwrap_or(Err(db::Error::Panicked))
    }
}

/// A database that was opened.
pub(crate) struct OpenDatabase {
    pub(crate) service: &'static str,
    pub(crate) db: Db,
    /// Its file, or that it is one of a server.
    pub(crate) place: DatabaseLocation,
    /// What is left of its check.
    pub(crate) check: Option<PendingCheck>,
}

/// Where a database is.
#[derive(Debug, Clone)]
pub(crate) struct DatabaseLocation(Option<PathBuf>);

impl DatabaseLocation {
    pub(super) fn of(url: &str) -> Self {
        Self(url.strip_prefix("sqlite:").map(PathBuf::from))
    }

    pub(super) fn file(&self) -> Option<&Path> {
        self.0.as_deref()
    }

    pub(super) fn engine(&self) -> Engine {
        if self.0.is_some() { Engine::Sqlite } else { Engine::Postgres }
    }
}

impl std::fmt::Display for DatabaseLocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Some(file) => write!(f, "{}", file.display()),
            None => f.write_str("on PostgreSQL"),
        }
    }
}

/// Opens and migrates. What is refused is closed, and what is of another service or hub is left as it is.
pub(crate) async fn open(settings: &Settings, spec: &Spec) -> Result<OpenDatabase, Error> {
    let service = spec.name;
    let mut options = db::Options::new(settings.database_url(service));
    options.connections_max = settings.connections_max;
    let place = DatabaseLocation::of(&options.url);
    let db = Db::connect(&options).await.map_err(|source| failed(service, &place, source))?;
    let mut opened = OpenDatabase { service, db, place, check: None };
    match opened.prepare(settings.profile.code(), spec).await {
        Ok(()) => Ok(opened),
        Err(error) => {
            opened.db.close().await;
            Err(error)
        }
    }
}

/// Closes what a start has opened when it fails, so that no log is left beside a file that is put back.
pub(super) async fn or_close<T>(opened: &[OpenDatabase], result: Result<T, Error>) -> Result<T, Error> {
    if result.is_err() {
        for one in opened {
            one.db.close().await;
        }
    }
    result
}

fn failed(service: &'static str, place: &DatabaseLocation, source: db::Error) -> Error {
    if source.is_damage() {
        return damaged(service, place, &[source.to_string()]);
    }
    match &place.0 {
        Some(file) if source.is_unopenable() => {
            Error::Unopenable { service, place: file.display().to_string(), source }
        }
        _ => Error::Database { service, source },
    }
}

fn damaged(service: &'static str, place: &DatabaseLocation, faults: &[String]) -> Error {
    let (place, remedy) = (place.to_string(), restore(place.engine()));
    Error::Damaged { service, place, faults: faults.join("; "), remedy: remedy.to_owned() }
}

impl OpenDatabase {
    async fn prepare(&mut self, hub: &str, spec: &Spec) -> Result<(), Error> {
        let mut quick = tokio::spawn({
            let db = self.db.clone();
            async move { db.check().await }
        });
        let quick = match tokio::time::timeout(CHECK_MAX, &mut quick).await {
            Ok(checked) => {
                let faults =
                    checked.unwrap_or(Err(db::Error::Panicked)).map_err(|error| self.failed(error))?;
                if !faults.is_empty() {
                    return Err(damaged(self.service, &self.place, &faults));
                }
                None
            }
            Err(_) => Some(quick),
        };
        self.check = Some(PendingCheck { db: self.db.clone(), quick });
        let identity = self.db.read(|tx| Box::pin(store::identity_if_any(tx))).await;
        if let Some(identity) = identity.map_err(|error| self.failed(error))? {
            identity.must_be(hub, self.service, &self.place)?;
        }
        let sets = [events::MIGRATIONS, rpc::idempotency::MIGRATIONS, crate::MIGRATIONS, spec.migrations];
        self.db.migrate(&sets).await.map_err(|error| self.failed(error))
    }

    /// Why it cannot be used.
    pub(super) fn failed(&self, source: db::Error) -> Error {
        failed(self.service, &self.place, source)
    }

    /// Names the database if it has no name yet, and notes its consumers.
    pub(super) async fn name(
        &self,
        hub: &str,
        consumers: Vec<&'static str>,
        now: DateTime<Utc>,
    ) -> Result<Mark, db::Error> {
        let (hub, service) = (hub.to_owned(), self.service);
        self.db
            .write(move |tx| {
                let (hub, consumers) = (hub.clone(), consumers.clone());
                Box::pin(async move {
                    store::name(tx, &hub, service, now).await?;
                    for consumer in consumers {
                        events::witness::register(tx, consumer, now).await?;
                    }
                    let identity = store::identity(tx).await?;
                    identity.map(|identity| identity.mark()).ok_or(db::Error::RowNotFound)
                })
            })
            .await
    }
}
