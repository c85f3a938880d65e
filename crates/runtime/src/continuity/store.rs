//! What a database knows of itself and of the others.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{Clock, EventId};
use uuid::Uuid;

use super::Mark;
use crate::Error;

/// Which database it is.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) hub: String,
    pub(crate) service: String,
    generation: Uuid,
    mark: i64,
}

impl Identity {
    pub(crate) fn mark(&self) -> Mark {
        Mark { generation: self.generation, mark: self.mark }
    }
}

impl Identity {
    /// Refuses the database, which is at `place`, if it is of another service or hub.
    pub(super) fn must_be(
        &self,
        hub: &str,
        service: &'static str,
        place: impl std::fmt::Display,
    ) -> Result<(), Error> {
        if self.hub == hub && self.service == service {
            return Ok(());
        }
        Err(Error::Foreign {
            service,
            place: place.to_string(),
            is: format!("{} of the hub {}", self.service, self.hub),
            hub: hub.to_owned(),
        })
    }
}

/// As [`identity`], of a database whose schema may be of an earlier release, or none.
pub(super) async fn identity_if_any(tx: &mut Tx) -> Result<Option<Identity>, db::Error> {
    if has_table(tx, "database_identity").await? { identity(tx).await } else { Ok(None) }
}

/// Whether it was used by a release that did not record identities of databases.
pub(super) async fn is_of_earlier_release(tx: &mut Tx) -> Result<bool, db::Error> {
    Ok(has_table(tx, "outbox").await? && !has_table(tx, "database_identity").await?)
}

async fn has_table(tx: &mut Tx, name: &str) -> Result<bool, db::Error> {
    let sql = tx.sql(
        "select to_regclass(cast($1 as text)) is not null",
        "select exists (select 1 from sqlite_schema where type = 'table' and name = $1)",
    );
    let (has,) = db::fetch_one!(tx, (bool,), sql, name)?;
    Ok(has)
}

/// `None` in a database that is new, or of an earlier release.
pub(crate) async fn identity(tx: &mut Tx) -> Result<Option<Identity>, db::Error> {
    let row = db::fetch_optional!(
        tx,
        (String, String, Uuid, i64),
        "select hub, service, generation, mark from database_identity where id = 1",
    )?;
    Ok(row.map(|(hub, service, generation, mark)| Identity { hub, service, generation, mark }))
}

/// Whether nothing has ever happened in it that is kept for weeks.
pub(crate) async fn is_blank(tx: &mut Tx) -> Result<bool, db::Error> {
    let (is_blank,) = db::fetch_one!(
        tx,
        (bool,),
        "select not exists (select 1 from outbox) and not exists (select 1 from inbox) \
         and not exists (select 1 from requests)",
    )?;
    Ok(is_blank)
}

/// Names the database, unless it has a name.
pub(crate) async fn name(tx: &mut Tx, hub: &str, service: &str, now: DateTime<Utc>) -> Result<(), db::Error> {
    db::execute!(
        tx,
        "insert into database_identity (id, hub, service, generation, mark, created_at, touched_at) \
         values (1, $1, $2, $3, 0, $4, $4) on conflict (id) do nothing",
        hub,
        service,
        EventId::new().uuid(),
        now,
    )?;
    Ok(())
}

/// Writes a row, to test that the database accepts writes.
pub(crate) async fn touch(tx: &mut Tx) -> Result<(), db::Error> {
    db::execute!(tx, "update database_identity set touched_at = $1 where id = 1", Clock::system().now())?;
    Ok(())
}

/// Moves the mark on.
pub(crate) async fn advance(tx: &mut Tx) -> Result<Mark, db::Error> {
    let (generation, mark) = db::fetch_one!(
        tx,
        (Uuid, i64),
        "update database_identity set mark = mark + 1 where id = 1 returning generation, mark",
    )?;
    Ok(Mark { generation, mark })
}

/// What is known of the others.
pub(crate) async fn known(tx: &mut Tx) -> Result<Vec<(String, Mark)>, db::Error> {
    let rows = db::fetch_all!(
        tx,
        (String, Uuid, i64),
        "select service, generation, mark from known_databases order by service",
    )?;
    Ok(rows.into_iter().map(|(service, generation, mark)| (service, Mark { generation, mark })).collect())
}

/// What is known of one.
pub(crate) async fn known_of(tx: &mut Tx, service: &str) -> Result<Option<Mark>, db::Error> {
    Ok(known(tx).await?.into_iter().find(|(name, _)| name == service).map(|(_, mark)| mark))
}

/// Notes how far another has come, if it is the one that is known and further.
pub(crate) async fn note(
    tx: &mut Tx,
    service: &str,
    Mark { generation, mark }: Mark,
    now: DateTime<Utc>,
) -> Result<(), db::Error> {
    db::execute!(
        tx,
        "insert into known_databases (service, generation, mark, noted_at) values ($1, $2, $3, $4) \
         on conflict (service) do update set mark = excluded.mark, noted_at = excluded.noted_at \
         where known_databases.generation = excluded.generation and known_databases.mark < excluded.mark",
        service,
        generation,
        mark,
        now,
    )?;
    Ok(())
}

/// Takes another as it is from now on, and keeps who said so.
pub(crate) async fn adopt(
    tx: &mut Tx,
    service: &str,
    own: Mark,
    by: &str,
    now: DateTime<Utc>,
) -> Result<(), db::Error> {
    let known = known_of(tx, service).await?;
    db::execute!(
        tx,
        "insert into adoptions (id, service, adopted_by, adopted_at, known_generation, known_mark, generation, mark) \
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        EventId::new().uuid(),
        service,
        by,
        now,
        known.map(|known| known.generation),
        known.map(|known| known.mark),
        own.generation,
        own.mark,
    )?;
    replace(tx, service, own, now).await
}

/// Takes another as it is.
pub(crate) async fn replace(
    tx: &mut Tx,
    service: &str,
    Mark { generation, mark }: Mark,
    now: DateTime<Utc>,
) -> Result<(), db::Error> {
    db::execute!(
        tx,
        "insert into known_databases (service, generation, mark, noted_at) values ($1, $2, $3, $4) \
         on conflict (service) do update set generation = excluded.generation, mark = excluded.mark, \
         noted_at = excluded.noted_at",
        service,
        generation,
        mark,
        now,
    )?;
    Ok(())
}

/// When somebody last adopted this database or another, by what it holds; the earliest time there is when nobody has.
pub(crate) async fn last_adopted(tx: &mut Tx) -> Result<DateTime<Utc>, db::Error> {
    let (at,) = db::fetch_one!(tx, (Option<DateTime<Utc>>,), "select max(adopted_at) from adoptions")?;
    Ok(at.unwrap_or(DateTime::UNIX_EPOCH))
}

/// How often somebody adopted the database of a service, by what this one holds.
pub(crate) async fn adopted(tx: &mut Tx, service: &str) -> Result<i64, db::Error> {
    let (times,) = db::fetch_one!(tx, (i64,), "select count(*) from adoptions where service = $1", service)?;
    Ok(times)
}
