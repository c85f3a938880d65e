//! From the outbox to the bus: one relay at a time per service, in order per aggregate, aggregates side by side.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use db::{Db, Leadership};
use kernel::{Clock, EventId};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::{Bus, BusError, Envelope, Published, inbox, outbox, trace};

/// Aggregates whose events are on their way at once.
const IN_FLIGHT_MAX: usize = 64;
/// Rows that are looked at in one turn: more than can be in flight, so that some are always new.
const BATCH_ROWS: i64 = 160;
/// How long to wait before another tries to lead, or after a failure.
const PAUSE: Duration = Duration::from_millis(500);
/// How long it waits for more before it looks or marks: one statement is as good for ten events as for one.
const GATHER: Duration = Duration::from_millis(2);
/// How often it asks whether it still leads.
const LEADS_FOR: Duration = Duration::from_secs(1);
/// How often old rows are deleted, and how many at a time; while there are more, again after a breath.
const SWEEP_EVERY: Duration = Duration::from_secs(600);
const SWEEP_AGAIN: Duration = Duration::from_millis(100);
const SWEEP_ROWS: i64 = 500;
/// How long published events stay, for operators.
const OUTBOX_KEPT: chrono::Duration = chrono::Duration::days(7);
/// How long the inbox remembers an event: far longer than any bus keeps it.
const INBOX_KEPT: chrono::Duration = chrono::Duration::days(60);

/// Relays the outbox of a service to `topic` until cancelled, and counts what was published.
pub async fn run(
    db: Db,
    clock: Clock,
    bus: Arc<dyn Bus>,
    topic: String,
    published: Published,
    cancel: CancellationToken,
) {
    let relay = Relay { db, clock, bus, topic, published, is_refused: AtomicBool::new(false) };
    while !cancel.is_cancelled() {
        match relay.db.try_become_leader("relay").await {
            Ok(Some(lead)) => {
                if let Err(error) = relay.lead(lead, &cancel).await {
                    tracing::warn!(topic = relay.topic, %error, "the relay failed and pauses");
                }
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(topic = relay.topic, %error, "the relay cannot become leader"),
        }
        cancel.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
    }
}

struct Relay {
    db: Db,
    clock: Clock,
    bus: Arc<dyn Bus>,
    topic: String,
    published: Published,
    /// The bus does not take what it is given, and this was told.
    is_refused: AtomicBool,
}

/// An event that the bus has or has not taken.
struct Sent {
    aggregate_id: Uuid,
    id: EventId,
    taken: Result<(), BusError>,
}

impl Relay {
    async fn lead(&self, mut lead: Leadership, cancel: &CancellationToken) -> Result<(), db::Error> {
        let mut woken = self.db.listen(outbox::CHANNEL);
        let mut in_flight = JoinSet::new();
        let mut aggregates = HashSet::new();
        let mut sweep = tokio::time::interval(SWEEP_EVERY);
        sweep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut led = Instant::now();
        // Whether something may wait that it has not seen.
        let mut looks = true;
        loop {
            if looks && in_flight.len() < IN_FLIGHT_MAX {
                looks = self.send_heads(&mut in_flight, &mut aggregates).await?;
            }
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                Some(sent) = in_flight.join_next() => {
                    tokio::time::sleep(GATHER).await;
                    looks |= self.settle(sent, &mut in_flight, &mut aggregates).await?;
                }
                () = woken.recv() => {
                    if led.elapsed() >= LEADS_FOR {
                        if !lead.is_held().await {
                            return Ok(());
                        }
                        led = Instant::now();
                    }
                    tokio::time::sleep(GATHER).await;
                    looks = true;
                }
                _ = sweep.tick() => {
                    if self.sweep().await? {
                        sweep.reset_after(SWEEP_AGAIN);
                    }
                }
            }
        }
    }

    /// Sends the next event of every aggregate that has none on its way; whether it left some.
    async fn send_heads(
        &self,
        in_flight: &mut JoinSet<Sent>,
        aggregates: &mut HashSet<Uuid>,
    ) -> Result<bool, db::Error> {
        let heads =
            self.db.read_one(|tx| Box::pin(async move { outbox::heads(tx, BATCH_ROWS).await })).await?;
        let are_all = i64::try_from(heads.len()).is_ok_and(|count| count < BATCH_ROWS);
        for event in heads {
            if in_flight.len() >= IN_FLIGHT_MAX {
                return Ok(true);
            }
            if aggregates.insert(event.aggregate_id) {
                in_flight.spawn(send(self.bus.clone(), self.topic.clone(), event));
            }
        }
        Ok(!are_all)
    }

    /// Marks what was taken, with all others that are done by now; whether an event waited behind one of them.
    async fn settle(
        &self,
        first: Result<Sent, tokio::task::JoinError>,
        in_flight: &mut JoinSet<Sent>,
        aggregates: &mut HashSet<Uuid>,
    ) -> Result<bool, db::Error> {
        let mut done = vec![first];
        while let Some(next) = in_flight.try_join_next() {
            done.push(next);
        }
        // A task that panicked is not among these: its aggregate stays out until another relay leads.
        let done: Vec<Sent> = done.into_iter().flatten().collect();
        self.tell(&done);
        let taken: Vec<EventId> = done.iter().filter(|sent| sent.taken.is_ok()).map(|sent| sent.id).collect();
        let now = self.clock.now();
        let mut waits = taken.len() < done.len();
        if !taken.is_empty() {
            let events = taken.len();
            waits |= self
                .db
                .write(move |tx| {
                    let taken = taken.clone();
                    Box::pin(async move { outbox::mark_published(tx, &taken, now).await })
                })
                .await?;
            self.published.add(events);
        }
        for sent in done {
            aggregates.remove(&sent.aggregate_id);
        }
        Ok(waits)
    }

    /// Tells of the first that is refused, until one is taken again.
    fn tell(&self, done: &[Sent]) {
        for Sent { id, taken, .. } in done {
            let topic = &self.topic;
            match taken {
                Ok(()) => self.is_refused.store(false, Ordering::Relaxed),
                Err(error) if self.is_refused.swap(true, Ordering::Relaxed) => {
                    tracing::debug!(topic, event.id = %id, %error, "another event was not published");
                }
                Err(error) => {
                    tracing::warn!(topic, event.id = %id, %error, "an event was not published; it is sent again until it is");
                }
            }
        }
    }

    /// Deletes some of what is old; whether there may be more.
    async fn sweep(&self) -> Result<bool, db::Error> {
        let now = self.clock.now();
        let (outbox_before, inbox_before) = (now - OUTBOX_KEPT, now - INBOX_KEPT);
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let outbox = outbox::sweep(tx, outbox_before, SWEEP_ROWS).await?;
                    let inbox = inbox::sweep(tx, inbox_before, SWEEP_ROWS).await?;
                    let full = u64::try_from(SWEEP_ROWS).unwrap_or(u64::MAX);
                    Ok::<_, db::Error>(outbox.max(inbox) >= full)
                })
            })
            .await
    }
}

async fn send(bus: Arc<dyn Bus>, topic: String, mut event: Envelope) -> Sent {
    let span = trace::published(&topic, &event);
    event.traceparent = telemetry::traceparent_of(&span).or(event.traceparent);
    let published = bus.publish(&topic, &event).instrument(span.clone()).await;
    if published.is_err() {
        span.record("otel.status_code", "ERROR");
        drop(span);
        tokio::time::sleep(PAUSE).await;
    }
    Sent { aggregate_id: event.aggregate_id, id: event.id, taken: published }
}
