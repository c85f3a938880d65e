//! Events written with the change that they tell of.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::EventId;
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use crate::Envelope;
use crate::envelope::EnvelopeRow;

/// The channel on which the relay is woken.
pub(crate) const CHANNEL: &str = "outbox";

/// A service's outbox.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outbox;

impl Outbox {
    /// Puts an event in. [`db::Error::Conflict`] when the aggregate has told of this version already.
    pub async fn put(&self, tx: &mut Tx, event: &Envelope) -> Result<(), db::Error> {
        self.put_all(tx, std::slice::from_ref(event)).await
    }

    /// As [`Outbox::put`], of several, in one statement.
    pub async fn put_all(&self, tx: &mut Tx, events: &[Envelope]) -> Result<(), db::Error> {
        if events.is_empty() {
            return Ok(());
        }
        let mut rows: Vec<NewRow<'_>> = events.iter().map(NewRow::from).collect();
        rows.sort_unstable_by_key(|row| (row.aggregate_id, row.aggregate_version));
        let sql = tx.sql(
            "insert into outbox (event_id, kind, aggregate_id, aggregate_version, occurred_at, traceparent, payload) \
             select event_id, kind, aggregate_id, aggregate_version, occurred_at, traceparent, decode(payload, 'hex') \
             from jsonb_to_recordset($1) as rows (event_id uuid, kind text, aggregate_id uuid, \
             aggregate_version bigint, occurred_at timestamptz, traceparent text, payload text)",
            "insert into outbox (event_id, kind, aggregate_id, aggregate_version, occurred_at, traceparent, payload) \
             select unhex(value ->> 'event_id', '-'), value ->> 'kind', unhex(value ->> 'aggregate_id', '-'), \
             value ->> 'aggregate_version', value ->> 'occurred_at', value ->> 'traceparent', \
             unhex(value ->> 'payload') from jsonb_each($1)",
        );
        db::execute!(tx, sql, Json(&rows))?;
        tx.notify(CHANNEL);
        Ok(())
    }
}

/// An event as a row.
#[derive(Serialize)]
struct NewRow<'a> {
    event_id: Uuid,
    kind: &'a str,
    aggregate_id: Uuid,
    aggregate_version: i64,
    #[serde(serialize_with = "db::timestamp")]
    occurred_at: DateTime<Utc>,
    traceparent: Option<&'a str>,
    #[serde(serialize_with = "db::hex")]
    payload: &'a [u8],
}

impl<'a> From<&'a Envelope> for NewRow<'a> {
    fn from(event: &'a Envelope) -> Self {
        Self {
            event_id: event.id.uuid(),
            kind: &event.kind,
            aggregate_id: event.aggregate_id,
            aggregate_version: event.aggregate_version,
            occurred_at: event.occurred_at,
            traceparent: event.traceparent.as_deref(),
            payload: &event.payload,
        }
    }
}

/// The next event of an aggregate.
#[derive(sqlx::FromRow)]
pub(crate) struct Head {
    #[sqlx(flatten)]
    event: EnvelopeRow,
    /// Whether another of the aggregate waits behind it.
    pub(crate) is_followed: bool,
}

impl Head {
    pub(crate) fn into_event(self) -> Envelope {
        self.event.into()
    }
}

/// The next event of each aggregate, oldest first, at most so many, of those that are not published: neither marked, nor
/// `taken` by the bus already. An event that is being `sent` is none of them, and keeps those behind it back. Never
/// "later than the last one sent": ids are taken before the commit, and a late commit would be missed.
pub(crate) async fn heads(
    tx: &mut Tx,
    sent: db::Ids,
    taken: db::Ids,
    limit: usize,
) -> Result<Vec<Head>, db::Error> {
    macro_rules! select {
        ($is_sent:literal, $is_taken:literal, $earlier_is_taken:literal) => {
            concat!(
                "select event_id, kind, aggregate_id, aggregate_version, occurred_at, traceparent, payload, \
                 exists (select 1 from outbox as later where later.aggregate_id = outbox.aggregate_id \
                     and later.published_at is null and later.aggregate_version > outbox.aggregate_version) as is_followed \
                 from outbox where published_at is null and not ",
                $is_sent,
                " and not ",
                $is_taken,
                " and not exists (select 1 from outbox as earlier \
                     where earlier.aggregate_id = outbox.aggregate_id and earlier.published_at is null \
                     and earlier.aggregate_version < outbox.aggregate_version and not ",
                $earlier_is_taken,
                ") order by event_id limit $3"
            )
        };
    }
    let sql = tx.sql(
        select!("event_id = any($1)", "event_id = any($2)", "earlier.event_id = any($2)"),
        select!(
            "event_id in (select unhex(value, '-') from json_each($1))",
            "event_id in (select unhex(value, '-') from json_each($2))",
            "earlier.event_id in (select unhex(value, '-') from json_each($2))"
        ),
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    db::fetch_all!(tx, Head, sql, sent, taken, limit)
}

/// Notes that the bus has taken these, at `at` or, if the clock went back meanwhile, when they occurred: they are kept for as
/// long as others count from then.
pub(crate) async fn mark_published(
    tx: &mut Tx,
    ids: Vec<EventId>,
    at: DateTime<Utc>,
) -> Result<(), db::Error> {
    let sql = tx.sql(
        "update outbox set published_at = case when occurred_at > $1 then occurred_at else $1 end \
         where event_id = any($2)",
        "update outbox set published_at = case when occurred_at > $1 then occurred_at else $1 end \
         where event_id in (select unhex(value, '-') from json_each($2))",
    );
    db::execute!(tx, sql, at, ids.into_iter().collect::<db::Ids>())?;
    Ok(())
}

/// Deletes published events of before `before`, a batch at a time, and notes that it did; how many.
pub(crate) async fn sweep(tx: &mut Tx, before: DateTime<Utc>, limit: i64) -> Result<u64, db::Error> {
    db::execute!(
        tx,
        "insert into outbox_swept (id, through) select 1, $1 where exists \
         (select 1 from outbox where published_at < $1) on conflict (id) do update set through = \
         case when excluded.through > outbox_swept.through then excluded.through else outbox_swept.through end",
        before,
    )?;
    // Ids go up with time; `max` is not for them on PostgreSQL.
    let newest = db::fetch_optional!(
        tx,
        (Uuid,),
        "select event_id from (select event_id from outbox where published_at < $1 \
         order by published_at limit $2) as swept order by event_id desc limit 1",
        before,
        limit,
    )?;
    if let Some((newest,)) = newest {
        db::execute!(
            tx,
            "update outbox_swept set through_event = $1 where through_event is null or through_event < $1",
            newest,
        )?;
    }
    db::execute!(
        tx,
        "delete from outbox where event_id in \
         (select event_id from outbox where published_at < $1 order by published_at limit $2)",
        before,
        limit,
    )
}
