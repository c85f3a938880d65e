//! Says that a database is meant to be as it is.

use std::collections::BTreeMap;

use db::Tx;
use kernel::EventId;
use proto::operator::internal::v1::DatabaseMark;
use rpc::replay::{self, Key};
use rpc::{Caller, Role};

use super::store::Identity;
use super::{Mark, Opened, settle, store, verify};
use crate::{Error, Settings, Spec, folder, operator};

/// A database that was adopted.
#[derive(Debug, Clone)]
pub struct Adopted {
    /// Whose.
    pub service: &'static str,
    /// Which one it is.
    pub generation: String,
}

/// Takes the databases of `services` as they are: a deliberate restore, or a loss that is known. The others, which must
/// fit each other, know them as they are from now on, and each keeps who said so. `specs` are all services of the hub.
pub async fn adopt(
    settings: &Settings,
    specs: &[Spec],
    services: &[&'static str],
    by: &str,
) -> Result<Vec<Adopted>, Error> {
    let _folder = match specs.iter().all(|spec| settings.databases.contains_key(spec.name)) {
        true => None,
        false => Some(folder::take(&settings.folder)?),
    };
    let opened = super::open_all(settings, specs).await?;
    verify(&opened, &[], services).await?;
    let databases: BTreeMap<_, _> = opened.iter().map(|opened| (opened.service, opened.db.clone())).collect();
    let now = operator::clock(settings, &databases).await?.now();
    let code = settings.profile.code();
    settle(&opened, &[], code, now).await?;
    let mut adopted = Vec::new();
    for one in opened.iter().filter(|one| services.contains(&one.service)) {
        let service = one.service;
        let failed = |source| Error::Database { service, source };
        let own = named(one).await.map_err(failed)?;
        for other in &opened {
            let theirs = named(other).await.map_err(failed)?.mark();
            let (mark, by, name) = (own.mark(), by.to_owned(), other.service);
            let written: Result<(), db::Error> = other
                .db
                .write(move |tx| {
                    let by = by.clone();
                    Box::pin(async move { store::adopt(tx, service, mark, &by, now).await })
                })
                .await;
            written.map_err(failed)?;
            let known: Result<(), db::Error> =
                one.db.write(move |tx| Box::pin(store::replace(tx, name, theirs, now))).await;
            known.map_err(failed)?;
        }
        record(settings, one, own.mark(), by).await.map_err(failed)?;
        adopted.push(Adopted { service, generation: own.mark().generation.to_string() });
    }
    for one in opened {
        one.db.close().await;
    }
    Ok(adopted)
}

async fn named(one: &Opened) -> Result<Identity, db::Error> {
    let identity = one.db.read(|tx| Box::pin(store::identity(tx))).await?;
    identity.ok_or(db::Error::RowNotFound)
}

/// Among the requests, where operators look who did what.
async fn record(settings: &Settings, one: &Opened, mark: Mark, by: &str) -> Result<(), db::Error> {
    let clock = kernel::Clock::system();
    let message = DatabaseMark {
        service: one.service.to_owned(),
        generation: mark.generation.to_string(),
        mark: mark.mark,
    };
    let caller = Caller::new(Role::Operator, by);
    let request_id = EventId::new().uuid().to_string();
    let Ok(key) = Key::of(Some(&caller), "AdoptDatabase", &request_id, &message) else { return Ok(()) };
    tracing::info!(hub = settings.profile.code(), service = one.service, by, "a database was adopted");
    one.db
        .write(move |tx: &mut Tx| {
            let (key, clock, message) = (key.clone(), clock.clone(), message.clone());
            Box::pin(async move {
                replay::begin(tx, &clock, &key).await?;
                replay::finish(tx, &key, &Ok(message)).await
            })
        })
        .await
}
