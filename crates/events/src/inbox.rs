//! Each event takes effect once: its id is written with the effect.

use chrono::{DateTime, Utc};
use db::Tx;
use uuid::Uuid;

use crate::{Consumer, Envelope, HandlerError, parked};

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InboxResult {
    /// It took effect.
    Handled,
    /// A later version of the aggregate had been handled: it has no effect, and is noted.
    Ignored,
    /// It had come before.
    Duplicate,
    /// An earlier event of its key is parked: so is this one.
    Parked,
}

/// Why an event that waits behind a parked one was not tried.
pub(crate) const BEHIND: &str = "waits behind an earlier event of its key";

/// Lets an event take effect, within one transaction.
pub(crate) async fn take(
    tx: &mut Tx,
    consumer: &Consumer,
    event: &Envelope,
    now: DateTime<Utc>,
) -> Result<InboxResult, HandlerError> {
    match note(tx, consumer.name, event, now).await?.as_deref() {
        Some("handled") => {
            consumer.handler.handle(tx, event).await?;
            Ok(InboxResult::Handled)
        }
        Some(_) => Ok(InboxResult::Ignored),
        None if is_noted(tx, consumer.name, event).await? => Ok(InboxResult::Duplicate),
        None => {
            parked::put(tx, consumer.name, event, BEHIND, now).await?;
            Ok(InboxResult::Parked)
        }
    }
}

/// One statement on the usual way: notes the event unless it came before or its key is parked, and says whether it
/// is to take effect.
async fn note(
    tx: &mut Tx,
    consumer: &str,
    event: &Envelope,
    now: DateTime<Utc>,
) -> Result<Option<String>, db::Error> {
    let noted = db::fetch_optional!(
        tx,
        (String,),
        "insert into inbox (consumer, event_id, kind, aggregate_id, aggregate_version, outcome, handled_at) \
         select $1, $2, $3, $4, $5, case when exists (select 1 from inbox where consumer = $1 \
             and aggregate_id = $4 and aggregate_version >= $5) then 'ignored' else 'handled' end, $6 \
         where not exists (select 1 from parked_events where consumer = $1 and aggregate_id = $4) \
         on conflict (consumer, event_id) do nothing returning outcome",
        consumer,
        event.id.uuid(),
        event.kind.as_str(),
        event.aggregate_id,
        event.aggregate_version,
        now,
    )?;
    Ok(noted.map(|(outcome,)| outcome))
}

/// Notes an event of a parked key that is tried again.
pub(crate) async fn note_replayed(
    tx: &mut Tx,
    consumer: &str,
    event: &Envelope,
    now: DateTime<Utc>,
) -> Result<bool, db::Error> {
    let noted = db::execute!(
        tx,
        "insert into inbox (consumer, event_id, kind, aggregate_id, aggregate_version, outcome, handled_at) \
         values ($1, $2, $3, $4, $5, 'handled', $6) on conflict (consumer, event_id) do nothing",
        consumer,
        event.id.uuid(),
        event.kind.as_str(),
        event.aggregate_id,
        event.aggregate_version,
        now,
    )?;
    Ok(noted == 1)
}

/// Whether it came before; an id that came with another event names no event.
async fn is_noted(tx: &mut Tx, consumer: &str, event: &Envelope) -> Result<bool, HandlerError> {
    let found = db::fetch_optional!(
        tx,
        (String, Uuid, i64),
        "select kind, aggregate_id, aggregate_version from inbox where consumer = $1 and event_id = $2",
        consumer,
        event.id.uuid(),
    )?;
    match found {
        None => Ok(false),
        Some((kind, id, version))
            if kind == event.kind && id == event.aggregate_id && version == event.aggregate_version =>
        {
            Ok(true)
        }
        Some((kind, id, _)) => Err(HandlerError::Poison(format!(
            "its id was already used by {kind} of {id}: an id names one event"
        ))),
    }
}

/// Deletes a batch of the events handled before `before`; returns how many. A duplicate that comes later than that would take effect again: keep it far longer than the bus keeps events.
pub(crate) async fn sweep(tx: &mut Tx, before: DateTime<Utc>, limit: i64) -> Result<u64, db::Error> {
    db::execute!(
        tx,
        "delete from inbox where (consumer, event_id) in \
         (select consumer, event_id from inbox where handled_at < $1 order by handled_at limit $2)",
        before,
        limit,
    )
}
