//! From the outbox to the bus: one relay at a time per service, in order per aggregate, aggregates side by side.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use db::{Db, Leadership};
use futures::FutureExt as _;
use kernel::{Clock, EventId};
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::{Bus, BusError, Envelope, Published, inbox, outbox, trace};

/// Events on their way at once, each of another aggregate.
const IN_FLIGHT_MAX: usize = 64;
/// What the bus has taken is marked together: after so long, or when it is so many. A crash before sends it again, and
/// the inboxes know it.
const MARK_AFTER: Duration = Duration::from_millis(50);
const MARK_MAX: usize = 256;
/// How long to wait before another tries to lead, or after a failure.
const PAUSE: Duration = Duration::from_millis(500);
/// How soon it looks for what may have come behind those that were on their way.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// How long it waits for more before it looks: one statement is as good for ten events as for one.
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
    id: EventId,
    taken: Result<(), BusError>,
}

/// What a leading relay has in hand: rows of the outbox that are not marked as published yet.
#[derive(Default)]
struct Hand {
    sending: JoinSet<Sent>,
    /// Those that are being sent, and how soon afterwards to look for others of their aggregates that wait behind them, if
    /// any does.
    sent: HashMap<EventId, Option<Duration>>,
    /// Those that the bus has taken.
    taken: Vec<EventId>,
    /// When the first of these was.
    first_taken: Option<Instant>,
}

impl Hand {
    fn is_full(&self) -> bool {
        self.sending.len() >= IN_FLIGHT_MAX
    }

    /// When what was taken is to be marked.
    fn mark_at(&self) -> Option<Instant> {
        self.first_taken.map(|at| if self.taken.len() < MARK_MAX { at + MARK_AFTER } else { at })
    }
}

impl Relay {
    async fn lead(&self, mut lead: Leadership, cancel: &CancellationToken) -> Result<(), db::Error> {
        let mut woken = self.db.listen(outbox::CHANNEL);
        let mut hand = Hand::default();
        let mut sweep = tokio::time::interval(SWEEP_EVERY);
        sweep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut led = Instant::now();
        // When it looks for what it has not seen.
        let mut look_at = Some(led);
        loop {
            tokio::select! {
                () = cancel.cancelled() => return self.mark(&mut hand).await,
                () = at(look_at), if !hand.is_full() => {
                    look_at = self.send_heads(&mut hand).await?.then(Instant::now);
                }
                () = at(hand.mark_at()) => self.mark(&mut hand).await?,
                Some(sent) = hand.sending.join_next() => {
                    match self.settle(sent, &mut hand) {
                        Ok(look_again) => look_at = sooner(look_at, look_again),
                        Err(error) => {
                            tracing::warn!(topic = self.topic, %error, "sending an event ended in a panic; the relay begins anew");
                            return self.mark(&mut hand).await;
                        }
                    }
                }
                () = woken.recv() => {
                    if led.elapsed() >= LEADS_FOR {
                        if !lead.is_held().await {
                            return self.mark(&mut hand).await;
                        }
                        led = Instant::now();
                    }
                    look_at = sooner(look_at, Some(GATHER));
                }
                _ = sweep.tick() => {
                    if self.sweep().await? {
                        sweep.reset_after(SWEEP_AGAIN);
                    }
                }
            }
        }
    }

    /// Sends the next event of every aggregate that has none on its way; whether there may be more.
    async fn send_heads(&self, hand: &mut Hand) -> Result<bool, db::Error> {
        let room = IN_FLIGHT_MAX - hand.sending.len();
        let sent: db::Ids = hand.sent.keys().copied().collect();
        let taken: db::Ids = hand.taken.iter().copied().collect();
        let heads =
            self.db.read_one(move |tx| outbox::heads(tx, sent.clone(), taken.clone(), room).boxed()).await?;
        let is_full = heads.len() == room;
        // This look has passed over whatever waits behind those that are on their way.
        for look_again in hand.sent.values_mut() {
            look_again.get_or_insert(LOOK_AGAIN);
        }
        for head in heads {
            let look_again = head.is_followed.then_some(Duration::ZERO);
            let event = head.into_event();
            hand.sent.insert(event.id, look_again);
            hand.sending.spawn(send(self.bus.clone(), self.topic.clone(), event));
        }
        Ok(is_full)
    }

    /// Takes what was sent, with all others that are done by now; how soon to look for what waited behind them.
    fn settle(&self, first: Result<Sent, JoinError>, hand: &mut Hand) -> Result<Option<Duration>, JoinError> {
        let (mut next, mut look_again) = (Some(first), None);
        while let Some(done) = next {
            let Sent { id, taken } = done?;
            self.tell(id, &taken);
            let waits = hand.sent.remove(&id).flatten();
            if taken.is_ok() {
                hand.taken.push(id);
                hand.first_taken.get_or_insert_with(Instant::now);
                look_again = look_again.into_iter().chain(waits).min();
            } else {
                look_again = Some(Duration::ZERO);
            }
            next = hand.sending.try_join_next();
        }
        Ok(look_again)
    }

    /// Marks what was taken.
    async fn mark(&self, hand: &mut Hand) -> Result<(), db::Error> {
        hand.first_taken = None;
        let taken = std::mem::take(&mut hand.taken);
        if taken.is_empty() {
            return Ok(());
        }
        let (events, now) = (taken.len(), self.clock.now());
        self.db.write(move |tx| outbox::mark_published(tx, taken.clone(), now).boxed()).await?;
        self.published.add(events);
        Ok(())
    }

    /// Tells of the first that is refused, until one is taken again.
    fn tell(&self, id: EventId, taken: &Result<(), BusError>) {
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

/// The sooner of a time and one from now on.
fn sooner(at: Option<Instant>, after: Option<Duration>) -> Option<Instant> {
    at.into_iter().chain(after.map(|after| Instant::now() + after)).min()
}

/// Waits until then; without a time it never ends.
async fn at(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
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
    Sent { id: event.id, taken: published }
}
