//! Compares the databases that one process has, before it serves.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use db::Engine;
use events::witness;

use super::opening::or_close;
use super::{Mark, OpenDatabase, gap, remedy, store};
use crate::Error;

/// A consumer of a service, with the services that it hears.
pub(crate) struct ConsumerSources {
    pub(crate) service: &'static str,
    pub(crate) consumer: &'static str,
    pub(crate) publishers: &'static [&'static str],
}

/// What was found of a database.
struct CheckedDatabase<'a> {
    opened: &'a OpenDatabase,
    own: Option<Mark>,
    /// It has no name and nothing has ever happened in it.
    is_blank: bool,
    known: Vec<(String, Mark)>,
    adopted_at: DateTime<Utc>,
}

/// Whether the databases fit each other; those of `meant` are as they are meant to be.
/// When they do not, they are closed.
pub(crate) async fn verify(
    databases: &[OpenDatabase],
    hearing: &[ConsumerSources],
    meant: &[&str],
) -> Result<(), Error> {
    or_close(databases, compare(databases, hearing, meant).await).await
}

async fn compare(
    databases: &[OpenDatabase],
    hearing: &[ConsumerSources],
    meant: &[&str],
) -> Result<(), Error> {
    let mut found = BTreeMap::new();
    for opened in databases {
        found.insert(opened.service, read(opened).await.map_err(|source| opened.failed(source))?);
    }
    let is_meant = |service: &str| meant.contains(&service);
    let judged = found.values().filter(|one| !is_meant(one.opened.service));
    for one in judged {
        if let Some(gap) = mark_gap(one, &found, meant) {
            return Err(broken(one.opened, gap));
        }
    }
    for (publisher, one) in found.iter().filter(|(service, _)| !is_meant(service)) {
        let others = found.values().filter(|other| other.opened.service != *publisher);
        for other in others.filter(|other| !is_meant(other.opened.service)) {
            let gap = unpublished(one, other).await;
            if let Some(gap) = gap.map_err(|source| other.opened.failed(source))? {
                return Err(broken(one.opened, gap));
            }
        }
    }
    for heard in hearing.iter().filter(|heard| !is_meant(heard.service)) {
        for publisher in heard.publishers.iter().filter(|publisher| !is_meant(publisher)) {
            let (Some(one), Some(from)) = (found.get(heard.service), found.get(publisher)) else { continue };
            let gap = not_received(one, heard.consumer, from).await;
            if let Some(gap) = gap.map_err(|source| one.opened.failed(source))? {
                return Err(broken(one.opened, gap));
            }
        }
    }
    Ok(())
}

/// Takes them as they are: each is named and known to all others from now on, and its consumers are noted. When that
/// fails, they are closed.
pub(crate) async fn settle(
    databases: &[OpenDatabase],
    hearing: &[ConsumerSources],
    hub: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    or_close(databases, take(databases, hearing, hub, now).await).await
}

async fn take(
    databases: &[OpenDatabase],
    hearing: &[ConsumerSources],
    hub: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let mut marks = Vec::new();
    for opened in databases {
        let consumers: Vec<&str> = hearing
            .iter()
            .filter(|heard| heard.service == opened.service)
            .map(|heard| heard.consumer)
            .collect();
        let named = opened.name(hub, consumers, now).await;
        let mark = named.map_err(|source| opened.failed(source))?;
        marks.push((opened.service, mark));
    }
    note(databases, &marks, now).await?;
    // So that a log that is lost does not take this along.
    for opened in databases {
        opened.db.checkpoint().await.map_err(|source| opened.failed(source))?;
    }
    // And so that it is noticed, whatever else it takes along: the others know of a mark that is in the log alone.
    marks.clear();
    for opened in databases {
        let mark = opened.db.write(|tx| Box::pin(store::advance(tx))).await;
        marks.push((opened.service, mark.map_err(|source| opened.failed(source))?));
    }
    note(databases, &marks, now).await
}

/// Notes in each how far the others have come.
async fn note(
    databases: &[OpenDatabase],
    marks: &[(&'static str, Mark)],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    for opened in databases {
        let others: Vec<_> =
            marks.iter().filter(|(service, _)| *service != opened.service).copied().collect();
        let noted: Result<(), db::Error> = opened
            .db
            .write(move |tx| {
                let others = others.clone();
                Box::pin(async move {
                    for (service, mark) in others {
                        store::note(tx, service, mark, now).await?;
                    }
                    Ok(())
                })
            })
            .await;
        noted.map_err(|source| opened.failed(source))?;
    }
    Ok(())
}

async fn read(opened: &OpenDatabase) -> Result<CheckedDatabase<'_>, db::Error> {
    let read = opened.db.read(|tx| {
        Box::pin(async move {
            let adopted_at = store::last_adopted(tx).await?;
            let is_blank = store::is_blank(tx).await?;
            Ok::<_, db::Error>((store::identity(tx).await?, store::known(tx).await?, adopted_at, is_blank))
        })
    });
    let (identity, known, adopted_at, is_blank) = read.await?;
    let is_blank = is_blank && identity.is_none();
    Ok(CheckedDatabase { opened, own: identity.map(|identity| identity.mark()), is_blank, known, adopted_at })
}

/// What an earlier release left knows no marks: there, a database in which nothing has happened is none of those that
/// have had events of each other. Later, it may be of a service that is new.
fn is_lost(one: &CheckedDatabase<'_>, other: &CheckedDatabase<'_>) -> bool {
    one.is_blank && other.own.is_none()
}

fn broken(opened: &OpenDatabase, gap: String) -> Error {
    let (place, remedy) = (opened.place.to_string(), remedy(opened.service, opened.db.engine()));
    Error::Discontinued { service: opened.service, place, gap, remedy }
}

fn mark_gap(
    one: &CheckedDatabase<'_>,
    all: &BTreeMap<&'static str, CheckedDatabase<'_>>,
    meant: &[&str],
) -> Option<String> {
    let service = one.opened.service;
    let mut others = all.values().filter(|other| !meant.contains(&other.opened.service));
    others.find_map(|other| {
        let (_, known) = other.known.iter().find(|(name, _)| name == service)?;
        let continues = one.own.is_some_and(|own| own.continues(*known));
        (!continues).then(|| gap(service, one.own, other.opened.service, *known))
    })
}

/// An event of `one` that took effect at another, of which it knows nothing.
async fn unpublished(
    one: &CheckedDatabase<'_>,
    other: &CheckedDatabase<'_>,
) -> Result<Option<String>, db::Error> {
    let (service, after) = (one.opened.service, one.adopted_at.max(other.adopted_at));
    let taken = other.opened.db.read(move |tx| Box::pin(witness::taken(tx, service, after))).await?;
    let is_lost = is_lost(one, other);
    let unknown = one.opened.db.read(move |tx| {
        let taken = taken.clone();
        Box::pin(async move {
            for (event, taken_at) in taken {
                if is_lost || !witness::has_told(tx, event, taken_at).await? {
                    return Ok::<_, db::Error>(Some(event));
                }
            }
            Ok(None)
        })
    });
    let other = other.opened.service;
    Ok(unknown.await?.map(|event| {
        format!(
            "the database of {service} does not know the event {event}, which {other} has received from it"
        )
    }))
}

/// An event that the bus has delivered to all, of which a consumer knows nothing. Only the bus within a process counts an
/// event as published once it took effect.
async fn not_received(
    one: &CheckedDatabase<'_>,
    consumer: &'static str,
    from: &CheckedDatabase<'_>,
) -> Result<Option<String>, db::Error> {
    if from.opened.db.engine() != Engine::Sqlite {
        return Ok(None);
    }
    let (publisher, after) = (from.opened.service, one.adopted_at.max(from.adopted_at));
    let published = from.opened.db.read(move |tx| Box::pin(witness::published(tx, after))).await?;
    let is_lost = is_lost(one, from);
    let unknown = one.opened.db.read(move |tx| {
        let published = published.clone();
        Box::pin(async move {
            for (event, at) in published {
                if is_lost || !witness::has_had(tx, consumer, event, at).await? {
                    return Ok::<_, db::Error>(Some(event));
                }
            }
            Ok(None)
        })
    });
    let service = one.opened.service;
    Ok(unknown.await?.map(|event| {
        format!(
            "the database of {service} does not know the event {event}, which {publisher} has delivered to it"
        )
    }))
}
