//! Events that could not be handled.

use chrono::{DateTime, Utc};
use db::Tx;
use uuid::Uuid;

use crate::Envelope;
use crate::envelope::EnvelopeRow;

/// How much of a reason is kept, in characters.
const REASON_CHARACTERS_MAX: usize = 500;

pub(crate) async fn put(
    tx: &mut Tx,
    consumer: &str,
    event: &Envelope,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<(), db::Error> {
    let reason: String = reason.chars().take(REASON_CHARACTERS_MAX).collect();
    db::execute!(
        tx,
        "insert into parked_events (consumer, event_id, kind, aggregate_id, aggregate_version, occurred_at, \
         traceparent, payload, reason, parked_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         on conflict (consumer, event_id) do nothing",
        consumer,
        event.id.uuid(),
        event.kind.as_str(),
        event.aggregate_id,
        event.aggregate_version,
        event.occurred_at,
        event.traceparent.as_deref(),
        event.payload.as_slice(),
        reason,
        now,
    )?;
    Ok(())
}

/// The first parked event of a key.
pub(crate) async fn first(
    tx: &mut Tx,
    consumer: &str,
    aggregate_id: Uuid,
) -> Result<Option<Envelope>, db::Error> {
    let row = db::fetch_optional!(
        tx,
        EnvelopeRow,
        "select event_id, kind, aggregate_id, aggregate_version, occurred_at, traceparent, payload \
         from parked_events where consumer = $1 and aggregate_id = $2 order by aggregate_version limit 1",
        consumer,
        aggregate_id,
    )?;
    Ok(row.map(Envelope::from))
}

pub(crate) async fn remove(tx: &mut Tx, consumer: &str, event: &Envelope) -> Result<bool, db::Error> {
    let removed = db::execute!(
        tx,
        "delete from parked_events where consumer = $1 and event_id = $2",
        consumer,
        event.id.uuid(),
    )?;
    Ok(removed == 1)
}

/// How many of a key are parked.
pub(crate) async fn count(tx: &mut Tx, consumer: &str, aggregate_id: Uuid) -> Result<i64, db::Error> {
    let (count,) = db::fetch_one!(
        tx,
        (i64,),
        "select count(*) from parked_events where consumer = $1 and aggregate_id = $2",
        consumer,
        aggregate_id,
    )?;
    Ok(count)
}
