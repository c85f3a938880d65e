//! Says that a database is meant to be as it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use db::{Db, Tx};
use futures::future::BoxFuture;
use hub::Profile;
use kernel::EventId;
use proto::operator::internal::v1::DatabaseMark;
use rpc::idempotency::{self, Key};
use rpc::{Caller, Role};

use super::store::Identity;
use super::{Mark, OpenDatabase, files, settle, store, verify};
use crate::{Error, Settings, Spec, folder, operator};

/// A database that was adopted.
#[derive(Debug, Clone)]
pub struct Adopted {
    /// Whose.
    pub service: &'static str,
    /// Which one it is.
    pub generation: String,
}

/// What a service does when its database is adopted, before it serves: it was made anew or is older than what was done
/// with it. It is told of how many adoptions its database knows nothing, this one included.
pub type AdoptionHook = fn(Arc<Profile>, Db, u32) -> BoxFuture<'static, anyhow::Result<()>>;

/// Accepts the databases of `services` as they are: after a deliberate restore, or a known loss. The others, which must
/// match each other, know them as they are from now on, and each keeps who said so. `specs` are all services of the hub.
pub async fn adopt(
    settings: &Settings,
    specs: &[Spec],
    services: &[&'static str],
    by: &str,
    hooks: &[(&'static str, AdoptionHook)],
) -> Result<Vec<Adopted>, Error> {
    // Looked at first: taking the folder makes it.
    if !files::are_any(settings, specs) {
        return Err(Error::NoDatabases { folder: settings.folder.clone() });
    }
    let _folder = match specs.iter().all(|spec| settings.databases.contains_key(spec.name)) {
        true => None,
        false => Some(folder::take(&settings.folder)?),
    };
    let opened = super::open_meant(settings, specs, services).await?;
    let adopted = adopt_all(settings, &opened, services, by, hooks).await;
    for one in opened {
        one.db.close().await;
    }
    adopted
}

async fn adopt_all(
    settings: &Settings,
    opened: &[OpenDatabase],
    services: &[&'static str],
    by: &str,
    hooks: &[(&'static str, AdoptionHook)],
) -> Result<Vec<Adopted>, Error> {
    verify(opened, &[], services).await?;
    let databases: BTreeMap<_, _> = opened.iter().map(|opened| (opened.service, opened.db.clone())).collect();
    let now = operator::clock(settings, &databases).await?.now();
    settle(opened, &[], settings.profile.code(), now).await?;
    let mut adopted = Vec::new();
    for one in opened.iter().filter(|one| services.contains(&one.service)) {
        let service = one.service;
        // First: what is known as adopted is fit to serve.
        for (_, hook) in hooks.iter().filter(|(name, _)| *name == service) {
            let times = unknown(one, opened).await?.saturating_add(1);
            let done = hook(settings.profile.clone(), one.db.clone(), times).await;
            done.map_err(|problem| Error::NotAdopted { service, problem: format!("{problem:#}") })?;
        }
        let generation = make_known(settings, one, opened, (by, now)).await?;
        adopted.push(Adopted { service, generation });
    }
    Ok(adopted)
}

/// Of how many adoptions a database knows nothing that another knows.
async fn unknown(one: &OpenDatabase, opened: &[OpenDatabase]) -> Result<u32, Error> {
    let service = one.service;
    let (mut own, mut most) = (0, 0);
    for other in opened {
        let times = other.db.read(move |tx| Box::pin(store::adopted(tx, service))).await;
        let times = times.map_err(|source| other.failed(source))?;
        most = most.max(times);
        if other.service == service {
            own = times;
        }
    }
    Ok(u32::try_from(most - own).unwrap_or(u32::MAX))
}

/// The database and the others know each other as they are; its generation.
async fn make_known(
    settings: &Settings,
    one: &OpenDatabase,
    opened: &[OpenDatabase],
    (by, now): (&str, DateTime<Utc>),
) -> Result<String, Error> {
    let service = one.service;
    let own = named(one).await.map_err(|source| one.failed(source))?.mark();
    for other in opened {
        let theirs = named(other).await.map_err(|source| other.failed(source))?.mark();
        let (by, name) = (by.to_owned(), other.service);
        let written: Result<(), db::Error> = other
            .db
            .write(move |tx| {
                let by = by.clone();
                Box::pin(async move { store::adopt(tx, service, own, &by, now).await })
            })
            .await;
        written.map_err(|source| other.failed(source))?;
        let known: Result<(), db::Error> =
            one.db.write(move |tx| Box::pin(store::replace(tx, name, theirs, now))).await;
        known.map_err(|source| one.failed(source))?;
    }
    record(settings, one, own, by).await.map_err(|source| one.failed(source))?;
    Ok(own.generation.to_string())
}

async fn named(one: &OpenDatabase) -> Result<Identity, db::Error> {
    let identity = one.db.read(|tx| Box::pin(store::identity(tx))).await?;
    identity.ok_or(db::Error::RowNotFound)
}

/// Among the requests, where operators look who did what.
async fn record(settings: &Settings, one: &OpenDatabase, mark: Mark, by: &str) -> Result<(), db::Error> {
    let clock = kernel::Clock::system();
    let message = DatabaseMark {
        service: one.service.to_owned(),
        generation: mark.generation.to_string(),
        mark: mark.mark,
    };
    let caller = Caller::new(Role::Operator, by);
    let key = Key::of_work(&caller, "AdoptDatabase", EventId::new().uuid(), &message);
    tracing::info!(hub = settings.profile.code(), service = one.service, by, "a database was adopted");
    one.db
        .write(move |tx: &mut Tx| {
            let (key, clock, message) = (key.clone(), clock.clone(), message.clone());
            Box::pin(async move {
                idempotency::begin(tx, &clock, &key).await?;
                idempotency::finish(tx, &key, &Ok(message)).await
            })
        })
        .await
}
