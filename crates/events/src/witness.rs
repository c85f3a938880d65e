//! What a database's inbox and outbox say of another's: an event that took effect at one was told by the other, and one
//! that the bus within a process has delivered came to every consumer.

use chrono::{DateTime, Utc};
use db::Tx;
use sqlx::types::Json;
use uuid::Uuid;

/// Events that are looked at: of what was lost at once, one is enough to notice it.
const EVENTS_MAX: i64 = 200;

/// Notes which kinds of events a consumer acts on; of each since when.
pub async fn register(
    tx: &mut Tx,
    consumer: &str,
    kinds: &[&str],
    since: DateTime<Utc>,
) -> Result<(), db::Error> {
    let names: Vec<String> = kinds.iter().map(|kind| acting_on(consumer, kind)).collect();
    // Also what the release before 0.5 noted of it, which was of all kinds: such a release begins anew.
    let sql = tx.sql(
        "delete from consumers where (consumer = $1 or consumer like $2) \
         and consumer not in (select value from jsonb_array_elements_text($3) as names (value))",
        "delete from consumers where (consumer = $1 or consumer like $2) \
         and consumer not in (select value from json_each($3))",
    );
    db::execute!(tx, sql, consumer, acting_on(consumer, "%"), Json(&names))?;
    let sql = tx.sql(
        "insert into consumers (consumer, since) select value, $2 from jsonb_array_elements_text($1) as names (value) \
         on conflict (consumer) do nothing",
        "insert into consumers (consumer, since) select value, $2 from json_each($1) where true \
         on conflict (consumer) do nothing",
    );
    db::execute!(tx, sql, Json(&names), since)?;
    Ok(())
}

/// What a consumer is noted by: with a kind that a later release adds, it has not had what was published before.
fn acting_on(consumer: &str, kind: &str) -> String {
    format!("{consumer} {kind}")
}

/// An event that was published.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct PublishedEvent {
    /// Its id.
    pub event_id: Uuid,
    /// What has happened.
    pub kind: String,
    /// When it was published, in the hub's time.
    pub published_at: DateTime<Utc>,
}

/// Events of `publisher` that took effect here last, since `after`, with when.
pub async fn taken(
    tx: &mut Tx,
    publisher: &str,
    after: DateTime<Utc>,
) -> Result<Vec<(Uuid, DateTime<Utc>)>, db::Error> {
    db::fetch_all!(
        tx,
        (Uuid, DateTime<Utc>),
        "select event_id, handled_at from inbox where kind like $1 and handled_at > $2 \
         order by handled_at desc limit $3",
        format!("{publisher}.%"),
        after,
        EVENTS_MAX,
    )
}

/// Whether this database has told of an event that took effect elsewhere at `taken_at`, or may have forgotten that it has:
/// an event may take effect long after it was told.
pub async fn has_told(tx: &mut Tx, event: Uuid, taken_at: DateTime<Utc>) -> Result<bool, db::Error> {
    let (told,) = db::fetch_one!(
        tx,
        (bool,),
        "select exists (select 1 from outbox where event_id = $1) \
         or exists (select 1 from outbox_swept where through >= $2 or through_event >= $1)",
        event,
        taken_at,
    )?;
    Ok(told)
}

/// Events of these kinds that were published last, since `after`.
pub async fn published(
    tx: &mut Tx,
    kinds: &[&str],
    after: DateTime<Utc>,
) -> Result<Vec<PublishedEvent>, db::Error> {
    let sql = tx.sql(
        "select event_id, kind, published_at from outbox where published_at > $1 \
         and kind in (select value from jsonb_array_elements_text($2) as kinds (value)) \
         order by published_at desc limit $3",
        "select event_id, kind, published_at from outbox where published_at > $1 \
         and kind in (select value from json_each($2)) order by published_at desc limit $3",
    );
    db::fetch_all!(tx, PublishedEvent, sql, after, Json(kinds), EVENTS_MAX)
}

/// Whether a published event came to a consumer; one that did not act on its kind yet need not have had it.
pub async fn has_had(tx: &mut Tx, consumer: &str, published: &PublishedEvent) -> Result<bool, db::Error> {
    let (had,) = db::fetch_one!(
        tx,
        (bool,),
        "select exists (select 1 from inbox where consumer = $1 and event_id = $2) \
         or exists (select 1 from parked_events where consumer = $1 and event_id = $2) \
         or not exists (select 1 from consumers where consumer = $4 and since < $3)",
        consumer,
        published.event_id,
        published.published_at,
        acting_on(consumer, &published.kind),
    )?;
    Ok(had)
}
