//! Events on their way: written to the outbox of one service's database, relayed over the bus, taken by another's inbox
//! with a small effect. What is measured is the crate `events` with its databases and its bus; no service runs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use db::{Batched, Batches, Command, Db, Entry, MigrationSet, Options, Outcome, Tx};
use events::{
    Bus, Consumer, Envelope, Handled, Handler, HandlerError, KafkaBus, LocalBus, Outbox, Published,
    Subscription,
};
use kernel::{Clock, EventId};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use uuid::Uuid;

use crate::bench::counters::Counters;
use crate::bench::subject::{OUTBOX, Subject, check_unused, count, engine, settings};
use crate::bench::tally::Parts;
use crate::bench::work::{Findings, Unit, Work};
use crate::bench::{Plan, SETTLE_PATIENCE};
use crate::configuration::{Configuration, Shape};
use crate::fleet::{HUB, Usage};
use crate::profiles;

/// Whose database has the outbox, and whose has the inbox and the effect.
const PUBLISHER: &str = "order";
const CONSUMER: &str = "catalog";
/// The one kind of event.
const KIND: &str = "bench.done.v1";
/// Where effects are kept.
const EFFECTS: MigrationSet = MigrationSet {
    name: "bench",
    files: &[("0001_effects.sql", "create table effects (event_id UUID primary key);")],
};
/// What is counted.
const WAITING: &str = "select count(*) from outbox where published_at is null";
const EFFECTS_KEPT: &str = "select count(*) from effects";
const PARKED: &str = "select count(*) from parked_events";
/// How often it is looked whether events wait.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What the publishers share.
pub(super) struct Publishing {
    app: Arc<Publisher>,
    batches: Batches<Publisher, Publish>,
    effects: Effects,
    clock: Clock,
}

impl Work for Publishing {
    const UNIT: Unit =
        Unit { one: "event", many: "events", whole: "event", parts: &["its outbox", "its effect"] };
    type Subject = Pair;

    async fn start(plan: &Plan<'_>) -> Result<Pair> {
        Pair::start(plan).await
    }

    async fn prepare(pair: &Pair, _: usize) -> Result<Self> {
        let batches = Batches::new(&pair.publisher);
        Ok(Self { app: Arc::new(Publisher), batches, effects: pair.effects.clone(), clock: Clock::system() })
    }

    async fn once(&self, _: usize, _: &mut fastrand::Rng) -> Result<Parts, Status> {
        let event = Envelope::new(KIND, EventId::new(), 1, self.clock.now(), &());
        let effect = self.effects.expect(event.id);
        let begun = Instant::now();
        let written = self.batches.run(&self.app, Publish(event)).await;
        written.map_err(|error| Status::unavailable(error.to_string()))?;
        let in_outbox = begun.elapsed();
        let effect = tokio::time::timeout(SETTLE_PATIENCE, effect).await;
        effect
            .map_err(|_| Status::deadline_exceeded("the event took no effect in time"))?
            .map_err(|_| Status::aborted("the event's effect was given up"))?;
        Ok(vec![(0, in_outbox), (1, begun.elapsed() - in_outbox)])
    }

    async fn check(&self, pair: &Pair) -> Result<Findings> {
        let (published, effects) =
            (count(&pair.publisher, OUTBOX).await?, count(&pair.consumer, EFFECTS_KEPT).await?);
        let mut found = Findings::default();
        found.seen.push(format!("{published} events were published, {effects} took effect."));
        if published != effects {
            found.violations.push(format!("{published} events were published, but {effects} took effect"));
        }
        let parked = count(&pair.consumer, PARKED).await?;
        if parked > 0 {
            found.violations.push(format!("{parked} events are parked"));
        }
        Ok(found)
    }
}

/// What writes events; it has nothing else to do.
struct Publisher;

impl db::Application for Publisher {
    type Error = db::Error;
}

/// Puts an event into the outbox, with others that come at once, as the services do.
struct Publish(Envelope);

impl Command<Publisher> for Publish {
    type Output = ();

    async fn run(&self, _: &Publisher, tx: &mut Tx) -> Result<(), db::Error> {
        Outbox.put(tx, &self.0).await
    }
}

impl Batched<Publisher> for Publish {
    fn key(&self) -> Uuid {
        self.0.aggregate_id
    }

    async fn run_all(
        batch: &[Entry<'_, Self>],
        _: &Publisher,
        tx: &mut Tx,
    ) -> Result<Vec<Outcome<Publisher, Self>>, db::Error> {
        let events: Vec<Envelope> = batch.iter().map(|publish| publish.0.clone()).collect();
        Outbox.put_all(tx, &events).await?;
        Ok(batch.iter().map(|_| Ok(())).collect())
    }
}

/// Those who wait for an event's effect.
#[derive(Clone, Default)]
struct Effects(Arc<Mutex<HashMap<Uuid, oneshot::Sender<()>>>>);

impl Effects {
    fn expect(&self, event: EventId) -> oneshot::Receiver<()> {
        let (told, effect) = oneshot::channel();
        self.waiting().insert(event.uuid(), told);
        effect
    }

    fn tell(&self, events: &[Uuid]) {
        let mut waiting = self.waiting();
        for told in events.iter().filter_map(|event| waiting.remove(event)) {
            // Who no longer waits need not be told.
            let _ = told.send(());
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<Uuid, oneshot::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the effects of events, and tells those who wait once they are committed.
    async fn keep(&self, tx: &mut Tx, events: Vec<Uuid>) -> Result<(), HandlerError> {
        let sql = tx.sql(
            "insert into effects (event_id) select unnest($1)",
            "insert into effects (event_id) select unhex(value, '-') from json_each($1)",
        );
        db::execute!(tx, sql, events.iter().copied().collect::<db::Ids>())?;
        let effects = self.clone();
        tx.after_commit(move || effects.tell(&events));
        Ok(())
    }
}

#[async_trait]
impl Handler for Effects {
    async fn handle(&self, tx: &mut Tx, event: &Envelope) -> Result<(), HandlerError> {
        self.keep(tx, vec![event.id.uuid()]).await
    }

    async fn handle_all(
        &self,
        tx: &mut Tx,
        events: &[Entry<'_, Envelope>],
    ) -> Result<Vec<Handled>, HandlerError> {
        self.keep(tx, events.iter().map(|event| event.id.uuid()).collect()).await?;
        Ok(events.iter().map(|_| Ok(())).collect())
    }
}

/// Two databases and the way between them.
pub(super) struct Pair {
    publisher: Db,
    consumer: Db,
    effects: Effects,
    /// Of Kafka: it has to be closed.
    kafka: Option<Arc<KafkaBus>>,
    stop: CancellationToken,
    relay: JoinSet<()>,
    heading: String,
}

impl Pair {
    async fn start(plan: &Plan<'_>) -> Result<Self> {
        let specs = [PUBLISHER, CONSUMER].map(profiles::service).into_iter().collect::<Result<Vec<_>, _>>();
        let settings = settings(plan.configuration, plan.folder, &specs.map_err(anyhow::Error::msg)?).await?;
        let connect = |service: &'static str| {
            let file = || format!("sqlite:{}", plan.folder.join(format!("{service}.sqlite")).display());
            let url = settings.databases.get(service).cloned().unwrap_or_else(file);
            open(Options { url, connections_max: settings.connections_max }, service)
        };
        let (publisher, consumer) = (connect(PUBLISHER).await?, connect(CONSUMER).await?);
        let topic = events::topic(HUB, PUBLISHER);
        let kafka = kafka(plan.configuration, &topic).await?;
        let bus: Arc<dyn Bus> = match &kafka {
            Some(kafka) => kafka.clone(),
            None => Arc::new(LocalBus::new()),
        };
        let (effects, stop, clock) = (Effects::default(), CancellationToken::new(), Clock::system());
        let hears = Consumer {
            name: "bench.effects",
            services: &[PUBLISHER],
            kinds: &[KIND],
            batched: &[KIND],
            handler: Arc::new(effects.clone()),
        };
        let subscription = Subscription::new(HUB, hears, consumer.clone(), clock.clone(), stop.child_token());
        bus.subscribe(subscription).await.context("subscribing to events")?;
        let mut relay = JoinSet::new();
        let published = Published::default();
        relay.spawn(events::relay::run(publisher.clone(), clock, bus, topic, published, stop.child_token()));
        let way = if kafka.is_some() { "Kafka" } else { "a bus within the process" };
        let engine = engine(plan.configuration);
        let heading = format!("Outbox, relay, {way} and inbox within this process, on {engine}.");
        Ok(Self { publisher, consumer, effects, kafka, stop, relay, heading })
    }
}

/// A database with the tables of events, and nothing in them: a relay would publish what somebody else left there.
async fn open(options: Options, service: &str) -> Result<Db> {
    let db = Db::connect(&options).await.with_context(|| format!("the database of {service}"))?;
    db.migrate(&[events::MIGRATIONS, EFFECTS]).await.with_context(|| format!("the database of {service}"))?;
    check_unused(&db, service, EFFECTS_KEPT).await?;
    Ok(db)
}

/// The bus of the production shape, with topics of this run alone.
async fn kafka(configuration: &Configuration, topic: &str) -> Result<Option<Arc<KafkaBus>>> {
    if configuration.process.shape == Shape::Embedded {
        return Ok(None);
    }
    let mut settings =
        configuration.kafka.clone().context("kafka.brokers: is needed with shape = production")?;
    settings.prefix = format!("bench-{}.", proof::request_id());
    let bus = KafkaBus::new(settings).context("kafka.brokers")?;
    bus.prepare(&[topic.to_owned()]).await.context("kafka.brokers")?;
    Ok(Some(Arc::new(bus)))
}

impl Subject for Pair {
    fn heading(&self) -> String {
        self.heading.clone()
    }

    async fn counters(&self) -> Result<Counters> {
        Ok([&self.publisher, &self.consumer].map(|db| Counters::from(db.statistics())).into_iter().sum())
    }

    fn usage(&self) -> Option<Usage> {
        None
    }

    /// Until every event has taken effect and the relay has marked it.
    async fn settle(&self) -> Result<()> {
        let settled = async {
            while count(&self.publisher, WAITING).await? > 0 {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            Ok(())
        };
        tokio::time::timeout(SETTLE_PATIENCE, settled).await.context("events were not published in time")?
    }

    async fn stop(mut self) -> Result<()> {
        self.stop.cancel();
        while self.relay.join_next().await.is_some() {}
        if let Some(kafka) = &self.kafka {
            kafka.close().await;
        }
        self.publisher.close().await;
        self.consumer.close().await;
        Ok(())
    }
}
