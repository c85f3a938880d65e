//! What a database's inbox and outbox say of another's: an event that took effect at one was told by the other, and one
//! that the bus within a process has delivered came to every consumer.

use chrono::{DateTime, Utc};
use db::Tx;
use uuid::Uuid;

/// Events that are looked at: of what was lost at once, one is enough to notice it.
const EVENTS_MAX: i64 = 200;

/// Notes a consumer, if it is new.
pub async fn register(tx: &mut Tx, consumer: &str, since: DateTime<Utc>) -> Result<(), db::Error> {
    db::execute!(
        tx,
        "insert into consumers (consumer, since) values ($1, $2) on conflict (consumer) do nothing",
        consumer,
        since,
    )?;
    Ok(())
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

/// Events that were published last, since `after`, with when.
pub async fn published(tx: &mut Tx, after: DateTime<Utc>) -> Result<Vec<(Uuid, DateTime<Utc>)>, db::Error> {
    db::fetch_all!(
        tx,
        (Uuid, DateTime<Utc>),
        "select event_id, published_at from outbox where published_at > $1 order by published_at desc limit $2",
        after,
        EVENTS_MAX,
    )
}

/// Whether an event that was published at `published_at` came to a consumer; one that is newer than it need not.
pub async fn has_had(
    tx: &mut Tx,
    consumer: &str,
    event: Uuid,
    published_at: DateTime<Utc>,
) -> Result<bool, db::Error> {
    let (had,) = db::fetch_one!(
        tx,
        (bool,),
        "select exists (select 1 from inbox where consumer = $1 and event_id = $2) \
         or exists (select 1 from parked_events where consumer = $1 and event_id = $2) \
         or not exists (select 1 from consumers where consumer = $1 and since < $3)",
        consumer,
        event,
        published_at,
    )?;
    Ok(had)
}
