//! Opens a service's database: whole, migrated, and of this hub and service.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use db::Db;
use tokio::task::JoinHandle;

use super::{Mark, store};
use crate::{Error, Settings, Spec};

/// How long a start waits for the check of a file; a larger one is checked while the hub serves.
const CHECK_MAX: Duration = Duration::from_secs(3);

/// The check of a file: what is damaged.
pub(crate) type Check = JoinHandle<Result<Vec<String>, db::Error>>;

/// A database that was opened.
pub(crate) struct Opened {
    pub(crate) service: &'static str,
    pub(crate) db: Db,
    /// Its file, or that it is one of a server.
    pub(crate) place: Place,
    /// The check that goes on.
    pub(crate) check: Option<Check>,
}

/// Where a database is.
#[derive(Debug, Clone)]
pub(crate) struct Place(Option<PathBuf>);

impl Place {
    fn of(url: &str) -> Self {
        Self(url.strip_prefix("sqlite:").map(PathBuf::from))
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Some(file) => write!(f, "{}", file.display()),
            None => f.write_str("on PostgreSQL"),
        }
    }
}

/// Opens and migrates.
pub(crate) async fn open(settings: &Settings, spec: &Spec) -> Result<Opened, Error> {
    let service = spec.name;
    let failed = |source| Error::Database { service, source };
    let mut options = db::Options::new(settings.database_url(service));
    options.connections_max = settings.connections_max;
    let place = Place::of(&options.url);
    let damaged =
        |faults: Vec<String>| Error::Damaged { service, place: place.to_string(), faults: faults.join("; ") };
    let db = Db::connect(&options).await.map_err(|error| match error.is_damage() {
        true => damaged(vec![error.to_string()]),
        false => failed(error),
    })?;
    let mut check = tokio::spawn({
        let db = db.clone();
        async move { db.check().await }
    });
    let check = match tokio::time::timeout(CHECK_MAX, &mut check).await {
        Ok(checked) => {
            let faults = checked.unwrap_or(Err(db::Error::Panicked)).map_err(failed)?;
            if !faults.is_empty() {
                return Err(damaged(faults));
            }
            None
        }
        Err(_) => Some(check),
    };
    let sets = [events::MIGRATIONS, rpc::replay::MIGRATIONS, crate::MIGRATIONS, spec.migrations];
    db.migrate(&sets).await.map_err(failed)?;
    is_ours(&db, settings.profile.code(), service, &place).await?;
    Ok(Opened { service, db, place, check })
}

async fn is_ours(db: &Db, hub: &str, service: &'static str, place: &Place) -> Result<(), Error> {
    let found = db.read(|tx| Box::pin(store::identity(tx))).await;
    match found.map_err(|source| Error::Database { service, source })? {
        Some(found) if found.hub != hub || found.service != service => Err(Error::Foreign {
            service,
            place: place.to_string(),
            is: format!("{} of the hub {}", found.service, found.hub),
            hub: hub.to_owned(),
        }),
        _ => Ok(()),
    }
}

impl Opened {
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
