//! A hub's bus on the tests' cluster, and a consumer whose effects can be looked at.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::DateTime;
use db::{Db, MigrationSet, Tx};
use events::{Bus as _, Consumer, Envelope, Handler, HandlerError, KafkaBus, KafkaSettings, Subscription};
use kernel::{Clock, EventId};
use rdkafka::ClientConfig;
use rdkafka::consumer::BaseConsumer;
use testkit::{Database, eventually};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The hub's topic and its one consumer, before the prefix.
pub(crate) const TOPIC: &str = "my.order.v1";
pub(crate) const GROUP: &str = "my.payment.order";
const KIND: &str = "order.confirmed.v1";

const EFFECTS: MigrationSet = MigrationSet {
    name: "effects",
    files: &[(
        "0001_effects.sql",
        "create table effects (place INTEGER primary key, instance TEXT not null, aggregate_id UUID not null, \
         aggregate_version BIGINT not null)",
    )],
};

/// Settings of a deployment of a test's own.
pub(crate) fn settings(brokers: &str, partitions: u16) -> KafkaSettings {
    let prefix = format!("test-{}.", EventId::new().uuid().simple());
    KafkaSettings { prefix, partitions, ..KafkaSettings::new(brokers) }
}

/// Version `version` of aggregate `aggregate`.
pub(crate) fn event(aggregate: u128, version: i64) -> Envelope {
    let at = DateTime::from_timestamp_micros(1_750_000_000_123_456).unwrap();
    Envelope::new(KIND, Uuid::from_u128(aggregate), version, at, &())
}

/// A plain client on the same cluster, which knows nothing of us.
pub(crate) fn plain(brokers: &str, group: &str) -> BaseConsumer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("group.id", group).set("enable.auto.commit", "false");
    config.create().unwrap()
}

/// An effect, as it was committed.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Effect {
    pub(crate) instance: String,
    pub(crate) aggregate_id: Uuid,
    pub(crate) aggregate_version: i64,
}

/// Where effects are written: a service's database.
#[derive(Clone)]
pub(crate) struct Effects {
    db: Db,
    _database: Database,
}

impl Effects {
    pub(crate) async fn new() -> Self {
        let database = Database::sqlite();
        let db = database.migrated(&[events::MIGRATIONS, EFFECTS]).await;
        Self { db, _database: database }
    }

    /// All of them, in the order of their commits.
    pub(crate) async fn all(&self) -> Vec<Effect> {
        let read = self.db.read(|tx| {
            Box::pin(async move {
                db::fetch_all!(
                    tx,
                    Effect,
                    "select instance, aggregate_id, aggregate_version from effects order by place"
                )
            })
        });
        let effects: Result<Vec<Effect>, db::Error> = read.await;
        effects.unwrap()
    }

    /// Waits until there are so many, or more.
    pub(crate) async fn at_least(&self, count: usize) -> Vec<Effect> {
        eventually(&format!("{count} effects"), || async {
            Some(self.all().await).filter(|effects| effects.len() >= count)
        })
        .await
    }

    /// Subscribes a handler that writes to it; the token stops its deliveries.
    pub(crate) async fn subscribe(
        &self,
        bus: &KafkaBus,
        handler: impl Handler + 'static,
    ) -> CancellationToken {
        let consumer = Consumer {
            name: "payment.order",
            services: &["order"],
            kinds: &[KIND],
            batched: &[KIND],
            handler: Arc::new(handler),
        };
        let stop = CancellationToken::new();
        let subscription = Subscription::new("my", consumer, self.db.clone(), Clock::system(), stop.clone());
        bus.subscribe(subscription).await.unwrap();
        stop
    }
}

/// Writes each event down, under the name of an instance.
pub(crate) struct Recorder(pub(crate) &'static str);

#[async_trait]
impl Handler for Recorder {
    async fn handle(&self, tx: &mut Tx, event: &Envelope) -> Result<(), HandlerError> {
        db::execute!(
            tx,
            "insert into effects (instance, aggregate_id, aggregate_version) values ($1, $2, $3)",
            self.0,
            event.aggregate_id,
            event.aggregate_version,
        )?;
        Ok(())
    }
}

/// Waits until the bus's consumers are in their groups.
pub(crate) async fn joined(bus: &KafkaBus) {
    eventually("the consumers are in their groups", || async {
        bus.missing_from_groups().is_empty().then_some(())
    })
    .await;
}
