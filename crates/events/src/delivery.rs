//! Delivering one event to one consumer, until it took effect or is parked.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use db::{Batches, Db};
use futures::future::join_all;
use kernel::Clock;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::counts::{ConsumedCounts, Counts};
use crate::inbox::{self, InboxResult, TakeEvent};
use crate::{Consumer, Envelope, HandlerError, parked, topic, trace};

/// How often an event is tried before it is parked, unless it is the database that fails: then it waits.
const ATTEMPTS_MAX: u32 = 8;
/// The first wait before it is tried again; it doubles, up to the longest.
const BACKOFF_FIRST: Duration = Duration::from_millis(20);
const BACKOFF_LONGEST: Duration = Duration::from_secs(2);

/// A consumer with its database: what a bus delivers to.
#[derive(Clone, Debug)]
pub struct Subscription {
    hub: String,
    topics: Vec<String>,
    consumer: Arc<Consumer>,
    db: Db,
    batches: Batches<Consumer, TakeEvent>,
    clock: Clock,
    stop: CancellationToken,
    held: Option<DeliveryPauses>,
    counts: Arc<Counts>,
}

/// Those for whose sake deliveries wait; none: they go on.
pub type DeliveryPauses = watch::Receiver<BTreeSet<String>>;

/// What came of replaying a parked key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// Events that took effect.
    pub replayed: i64,
    /// Events that are still parked.
    pub parked: i64,
    /// Why the first of these could not be handled; empty: none is left.
    pub reason: String,
}

impl Subscription {
    /// The consumer's interest at a hub; `stop` ends deliveries that wait.
    pub fn new(hub: &str, consumer: Consumer, db: Db, clock: Clock, stop: CancellationToken) -> Self {
        let topics = consumer.services.iter().map(|service| topic(hub, service)).collect();
        let (hub, consumer, batches) = (hub.to_owned(), Arc::new(consumer), Batches::new(&db));
        Self { hub, topics, consumer, db, batches, clock, stop, held: None, counts: Arc::default() }
    }

    /// Delivers while nobody holds it.
    #[must_use]
    pub fn held_by(self, holders: DeliveryPauses) -> Self {
        Self { held: Some(holders), ..self }
    }

    /// Whose it is.
    pub fn consumer(&self) -> &'static str {
        self.consumer.name
    }

    /// The services whose events it takes.
    pub fn publishers(&self) -> &'static [&'static str] {
        self.consumer.services
    }

    /// The consumer group, whose members share its events: `my.payment.order`.
    pub fn group(&self) -> String {
        format!("{}.{}", self.hub, self.consumer.name)
    }

    /// What became of the events that this process gave it since the start.
    pub fn taken(&self) -> ConsumedCounts {
        self.counts.read()
    }

    /// Ends its deliveries.
    pub fn stopping(&self) -> &CancellationToken {
        &self.stop
    }

    /// What it hears, such as `my.order.v1`.
    pub fn topics(&self) -> &[String] {
        &self.topics
    }

    /// Delivers an event. Returns once its effect, or that it is parked, has been committed; `false` when it was
    /// stopped before. Those of different aggregates may be delivered at once, and take effect together where they can.
    pub async fn deliver(&self, event: &Envelope) -> bool {
        let delivering =
            self.deliver_to_its_end(event).instrument(trace::consumed(self.consumer.name, event));
        self.stop.run_until_cancelled(delivering).await.is_some()
    }

    /// As [`Subscription::deliver`], of several that can be delivered at once (see [`Subscription::at_once`]).
    pub async fn deliver_at_once(&self, events: impl IntoIterator<Item = &Envelope>) -> bool {
        let delivered = join_all(events.into_iter().map(|event| self.deliver(event))).await;
        delivered.into_iter().all(|done| done)
    }

    /// How many of these, from the first on, can be delivered at once: one, or as many as are batched and of different
    /// aggregates, since those of one aggregate take effect in their order.
    pub fn at_once<'e>(&self, events: impl IntoIterator<Item = &'e Envelope>) -> usize {
        let mut aggregates = HashSet::new();
        let together =
            |event: &&Envelope| self.consumer.goes_together(event) && aggregates.insert(event.aggregate_id);
        events.into_iter().take_while(together).count().max(1)
    }

    async fn deliver_to_its_end(&self, event: &Envelope) {
        let mut backoff = BACKOFF_FIRST;
        let mut attempts = 0;
        loop {
            if let Some(mut held) = self.held.clone() {
                // An error says that nobody can hold it any more.
                drop(held.wait_for(BTreeSet::is_empty).await);
            }
            match self.attempt(event).await {
                Ok(taken) => return self.tell(event, taken),
                Err(HandlerError::Poison(reason)) => {
                    if self.park(event, &reason).await {
                        return;
                    }
                }
                // Whatever the event says, it would be the same with any other.
                Err(HandlerError::Database(error)) if error.is_transient() => {
                    tracing::warn!(consumer = self.consumer.name, %error, "an event waits for the database");
                }
                Err(error) => {
                    attempts += 1;
                    if attempts >= ATTEMPTS_MAX && self.park(event, &error.to_string()).await {
                        return;
                    }
                }
            }
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(BACKOFF_LONGEST);
        }
    }

    async fn attempt(&self, event: &Envelope) -> Result<InboxResult, HandlerError> {
        let taking = TakeEvent { event: event.clone(), now: self.clock.now() };
        if self.consumer.goes_together(event) {
            self.batches.run(&self.consumer, taking).await
        } else {
            self.db.run(&self.consumer, taking).await
        }
    }

    fn tell(&self, event: &Envelope, taken: InboxResult) {
        self.counts.count(taken);
        match taken {
            InboxResult::Handled => {
                tracing::debug!(consumer = self.consumer.name, event.kind, event.id = %event.id, "an event took effect");
            }
            other => {
                tracing::debug!(consumer = self.consumer.name, event.kind, event.id = %event.id, outcome = ?other, "an event had no effect");
            }
        }
    }

    /// Whether it could be parked.
    async fn park(&self, event: &Envelope, reason: &str) -> bool {
        let (consumer, owned, text, now) =
            (self.consumer.name, event.clone(), reason.to_owned(), self.clock.now());
        let parked: Result<(), db::Error> = self
            .db
            .write(move |tx| {
                let (event, text) = (owned.clone(), text.clone());
                Box::pin(async move { parked::put(tx, consumer, &event, &text, now).await })
            })
            .await;
        if let Err(error) = parked {
            tracing::warn!(consumer, event.kind, event.id = %event.id, reason, %error, "an event could not be parked yet");
            return false;
        }
        tracing::error!(
            consumer, event.kind, event.id = %event.id, reason,
            "an event could not be handled and is parked"
        );
        self.counts.count(InboxResult::Parked);
        true
    }

    /// Tries the parked events of a key again, in their order, until one fails or none is left.
    pub async fn replay(&self, aggregate_id: Uuid) -> Result<Replayed, db::Error> {
        let mut replayed = 0;
        loop {
            match self.replay_first(aggregate_id).await {
                Ok(true) => {
                    self.counts.count(InboxResult::Handled);
                    replayed += 1;
                }
                Ok(false) => return Ok(Replayed { replayed, parked: 0, reason: String::new() }),
                Err(HandlerError::Database(error)) if error.is_transient() => return Err(error),
                Err(error) => {
                    let parked = self.parked_count(aggregate_id).await?;
                    return Ok(Replayed { replayed, parked, reason: error.to_string() });
                }
            }
        }
    }

    async fn replay_first(&self, aggregate_id: Uuid) -> Result<bool, HandlerError> {
        let (consumer, now) = (self.consumer.clone(), self.clock.now());
        self.db
            .write(move |tx| {
                let consumer = consumer.clone();
                Box::pin(async move {
                    let Some(event) = parked::first(tx, consumer.name, aggregate_id).await? else {
                        return Ok(false);
                    };
                    parked::remove(tx, consumer.name, &event).await?;
                    let is_new = inbox::note_replayed(tx, consumer.name, &event, now).await?;
                    if is_new && consumer.acts_on(&event) {
                        consumer.handler.handle(tx, &event).await?;
                    }
                    Ok(true)
                })
            })
            .await
    }

    async fn parked_count(&self, aggregate_id: Uuid) -> Result<i64, db::Error> {
        let consumer = self.consumer.name;
        self.db.read(move |tx| Box::pin(async move { parked::count(tx, consumer, aggregate_id).await })).await
    }
}
