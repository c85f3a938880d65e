//! What operators see of a service's events. Pages begin after the row whose position is given.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::EventId;
use uuid::Uuid;

pub use crate::delivery::Replayed;

/// An event of the outbox.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct OutboxEvent {
    /// Its id.
    #[sqlx(try_from = "Uuid")]
    pub event_id: EventId,
    /// What has happened.
    pub kind: String,
    /// What it is about.
    pub aggregate_id: Uuid,
    /// The version of that.
    pub aggregate_version: i64,
    /// When.
    pub occurred_at: DateTime<Utc>,
    /// When the bus took it.
    pub published_at: Option<DateTime<Utc>>,
}

/// Events of the outbox, newest first, before the one given.
pub async fn outbox(
    tx: &mut Tx,
    unpublished_only: bool,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<OutboxEvent>, db::Error> {
    db::fetch_all!(
        tx,
        OutboxEvent,
        "select event_id, kind, aggregate_id, aggregate_version, occurred_at, published_at from outbox \
         where ($1 = false or published_at is null) and event_id < $2 order by event_id desc limit $3",
        unpublished_only,
        before.unwrap_or(Uuid::max()),
        limit,
    )
}

/// How many events wait for the bus.
pub async fn unpublished_count(tx: &mut Tx) -> Result<i64, db::Error> {
    let (count,) = db::fetch_one!(tx, (i64,), "select count(*) from outbox where published_at is null")?;
    Ok(count)
}

/// The event that has waited for the bus longest, if any. Ids are taken by the machine's time, when the change was made.
pub async fn oldest_unpublished(tx: &mut Tx) -> Result<Option<EventId>, db::Error> {
    let oldest = db::fetch_optional!(
        tx,
        (Uuid,),
        "select event_id from outbox where published_at is null order by event_id limit 1",
    )?;
    Ok(oldest.map(|(id,)| EventId::from(id)))
}

/// How many events each consumer has parked; those that have none are missing.
pub async fn parked_counts(tx: &mut Tx) -> Result<Vec<(String, i64)>, db::Error> {
    db::fetch_all!(
        tx,
        (String, i64),
        "select consumer, count(*) from parked_events group by consumer order by consumer",
    )
}

/// An event of the inbox.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct InboxEvent {
    /// Who has it.
    pub consumer: String,
    /// Its id.
    #[sqlx(try_from = "Uuid")]
    pub event_id: EventId,
    /// What has happened.
    pub kind: String,
    /// What it is about.
    pub aggregate_id: Uuid,
    /// The version of that.
    pub aggregate_version: i64,
    /// `handled` or `ignored`.
    pub outcome: String,
    /// When.
    pub handled_at: DateTime<Utc>,
}

/// Events of the inbox, newest first, before the position (event, consumer) given.
pub async fn inbox(
    tx: &mut Tx,
    before: Option<(Uuid, String)>,
    limit: i64,
) -> Result<Vec<InboxEvent>, db::Error> {
    let (event_id, consumer) = before.unwrap_or((Uuid::max(), String::new()));
    db::fetch_all!(
        tx,
        InboxEvent,
        "select consumer, event_id, kind, aggregate_id, aggregate_version, outcome, handled_at from inbox \
         where event_id < $1 or (event_id = $1 and consumer < $2) order by event_id desc, consumer desc limit $3",
        event_id,
        consumer,
        limit,
    )
}

/// A parked event.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ParkedEvent {
    /// Who could not handle it.
    pub consumer: String,
    /// Its id.
    #[sqlx(try_from = "Uuid")]
    pub event_id: EventId,
    /// What has happened.
    pub kind: String,
    /// Its key.
    pub aggregate_id: Uuid,
    /// The version of that.
    pub aggregate_version: i64,
    /// What went wrong.
    pub reason: String,
    /// When it was parked.
    pub parked_at: DateTime<Utc>,
}

/// Parked events, oldest first, after the position (event, consumer) given.
pub async fn parked(
    tx: &mut Tx,
    after: Option<(Uuid, String)>,
    limit: i64,
) -> Result<Vec<ParkedEvent>, db::Error> {
    let (event_id, consumer) = after.unwrap_or((Uuid::nil(), String::new()));
    db::fetch_all!(
        tx,
        ParkedEvent,
        "select consumer, event_id, kind, aggregate_id, aggregate_version, reason, parked_at from parked_events \
         where event_id > $1 or (event_id = $1 and consumer > $2) order by event_id, consumer limit $3",
        event_id,
        consumer,
        limit,
    )
}
