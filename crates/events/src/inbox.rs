//! Each event takes effect once: its id is written with the effect.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use db::{Batched, Command, Entry, Outcome, Tx};
use kernel::EventId;
use serde::Serialize;
use sqlx::types::Json;
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

/// Lets an event take effect.
#[derive(Debug)]
pub(crate) struct TakeEvent {
    pub(crate) event: Envelope,
    /// The hub's time.
    pub(crate) now: DateTime<Utc>,
}

impl Command<Consumer> for TakeEvent {
    type Output = InboxResult;

    async fn run(&self, consumer: &Consumer, tx: &mut Tx) -> Result<InboxResult, HandlerError> {
        let outcome = note(tx, consumer.name, &[self]).await?.remove(&self.event.id.uuid());
        match outcome.as_deref() {
            Some(HANDLED) => {
                if consumer.acts_on(&self.event) {
                    consumer.handler.handle(tx, &self.event).await?;
                }
                Ok(InboxResult::Handled)
            }
            Some(_) => Ok(InboxResult::Ignored),
            None => self.not_noted(consumer, tx).await,
        }
    }
}

impl Batched<Consumer> for TakeEvent {
    /// What one event of an aggregate does to the next is for the inbox to see.
    fn key(&self) -> Uuid {
        self.event.aggregate_id
    }

    fn bytes(&self) -> usize {
        self.event.payload.len()
    }

    async fn run_all(
        batch: &[Entry<'_, Self>],
        consumer: &Consumer,
        tx: &mut Tx,
    ) -> Result<Vec<Outcome<Consumer, Self>>, HandlerError> {
        let commands: Vec<&Self> = batch.iter().map(Entry::command).collect();
        let mut noted = note(tx, consumer.name, &commands).await?;
        let mut to_handle: Vec<Entry<'_, Envelope>> = Vec::with_capacity(batch.len());
        let mut outcomes = Vec::with_capacity(batch.len());
        for entry in batch {
            let event = &entry.command().event;
            outcomes.push(match noted.remove(&event.id.uuid()).as_deref() {
                Some(HANDLED) => {
                    if consumer.acts_on(event) {
                        to_handle.push(entry.with(event));
                    }
                    Ok(InboxResult::Handled)
                }
                Some(_) => Ok(InboxResult::Ignored),
                None => of_one(entry.not_noted(consumer, tx).await)?,
            });
        }
        let mut failed = handle_all(consumer, tx, to_handle).await?;
        if !failed.is_empty() {
            forget(tx, consumer.name, failed.keys().copied().collect()).await?;
        }
        let outcome = |(entry, outcome): (&Entry<'_, Self>, _)| match failed.remove(&entry.event.id) {
            Some(error) => Err(error),
            None => outcome,
        };
        Ok(batch.iter().zip(outcomes).map(outcome).collect())
    }
}

/// Lets events take effect, kind by kind; those that cannot now, with why.
async fn handle_all(
    consumer: &Consumer,
    tx: &mut Tx,
    mut events: Vec<Entry<'_, Envelope>>,
) -> Result<HashMap<EventId, HandlerError>, HandlerError> {
    let mut failed = HashMap::new();
    // Those of a kind in the order in which they came.
    events.sort_by(|one, other| one.kind.cmp(&other.kind));
    for of_a_kind in events.chunk_by(|one, other| one.kind == other.kind) {
        let handled = consumer.handler.handle_all(tx, of_a_kind).await?;
        if handled.len() != of_a_kind.len() {
            return Err(db::Error::Outcomes.into());
        }
        for (event, handled) in of_a_kind.iter().zip(handled) {
            failed.extend(of_one(handled)?.err().map(|error| (event.id, error)));
        }
    }
    Ok(failed)
}

/// What came of one event, whatever comes of the others; after an error of the database nothing comes of any.
fn of_one<T>(outcome: Result<T, HandlerError>) -> Result<Result<T, HandlerError>, HandlerError> {
    match outcome {
        Err(error @ HandlerError::Database(_)) => Err(error),
        outcome => Ok(outcome),
    }
}

impl TakeEvent {
    /// What becomes of one that was noted before, or whose key is parked.
    async fn not_noted(&self, consumer: &Consumer, tx: &mut Tx) -> Result<InboxResult, HandlerError> {
        if is_noted(tx, consumer.name, &self.event).await? {
            return Ok(InboxResult::Duplicate);
        }
        parked::put(tx, consumer.name, &self.event, BEHIND, self.now).await?;
        Ok(InboxResult::Parked)
    }
}

/// The outcome of an event that takes effect.
const HANDLED: &str = "handled";

/// An event as a row of the inbox.
#[derive(Serialize)]
struct NewRow<'a> {
    event_id: Uuid,
    kind: &'a str,
    aggregate_id: Uuid,
    aggregate_version: i64,
}

/// One statement on the usual way: notes events of different aggregates unless they came before or their keys are parked,
/// and says which are to take effect. In the order of their ids: two who are given the same wait for one another once.
async fn note(
    tx: &mut Tx,
    consumer: &str,
    events: &[&TakeEvent],
) -> Result<HashMap<Uuid, String>, db::Error> {
    let Some(first) = events.first() else { return Ok(HashMap::new()) };
    let mut rows: Vec<NewRow<'_>> = events
        .iter()
        .map(|TakeEvent { event, .. }| NewRow {
            event_id: event.id.uuid(),
            kind: &event.kind,
            aggregate_id: event.aggregate_id,
            aggregate_version: event.aggregate_version,
        })
        .collect();
    rows.sort_unstable_by_key(|row| row.event_id);
    let sql = tx.sql(
        "insert into inbox (consumer, event_id, kind, aggregate_id, aggregate_version, outcome, handled_at) \
         select $1, event_id, kind, aggregate_id, aggregate_version, case when exists (select 1 from inbox \
             where consumer = $1 and inbox.aggregate_id = rows.aggregate_id \
             and inbox.aggregate_version >= rows.aggregate_version) then 'ignored' else 'handled' end, $2 \
         from jsonb_to_recordset($3) as rows (event_id uuid, kind text, aggregate_id uuid, aggregate_version bigint) \
         where not exists (select 1 from parked_events where consumer = $1 \
             and parked_events.aggregate_id = rows.aggregate_id) order by event_id \
         on conflict (consumer, event_id) do nothing returning event_id, outcome",
        "insert into inbox (consumer, event_id, kind, aggregate_id, aggregate_version, outcome, handled_at) \
         select $1, event_id, kind, aggregate_id, aggregate_version, case when exists (select 1 from inbox \
             where consumer = $1 and inbox.aggregate_id = rows.aggregate_id \
             and inbox.aggregate_version >= rows.aggregate_version) then 'ignored' else 'handled' end, $2 \
         from (select unhex(value ->> 'event_id', '-') as event_id, value ->> 'kind' as kind, \
             unhex(value ->> 'aggregate_id', '-') as aggregate_id, value ->> 'aggregate_version' as aggregate_version \
             from jsonb_each($3)) as rows \
         where not exists (select 1 from parked_events where consumer = $1 \
             and parked_events.aggregate_id = rows.aggregate_id) \
         on conflict (consumer, event_id) do nothing returning event_id, outcome",
    );
    let noted = db::fetch_all!(tx, (Uuid, String), sql, consumer, first.now, Json(&rows))?;
    Ok(noted.into_iter().collect())
}

/// Takes out events that this transaction has noted: they have had no effect, and will come again.
async fn forget(tx: &mut Tx, consumer: &str, events: db::Ids) -> Result<(), db::Error> {
    let sql = tx.sql(
        "delete from inbox where consumer = $1 and event_id = any($2)",
        "delete from inbox where consumer = $1 and event_id in (select unhex(value, '-') from json_each($2))",
    );
    db::execute!(tx, sql, consumer, events)?;
    Ok(())
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
