//! The bus of several processes: Apache Kafka.
//!
//! The contract is the one of [`Bus`]: at least once, in order per key. An event is published when every broker in
//! sync has it; a consumer's offset is stored after the event's effect has been committed. So a crash, of anybody,
//! repeats events and loses none, and the inbox makes each take effect once.
//!
//! No Kafka transactions: outbox and inbox give the same guarantee with a database that is there anyway.

mod backlog;
mod consumer;
mod group_absence;
mod headers;
mod lane;
mod member;
mod producer;
mod publish_backlog;
mod settings;
mod topics;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::{Bus, BusError, Envelope, Subscription};

pub use self::settings::{INSTANCE, KafkaSettings, SETTINGS};
use backlog::Backlog;
use consumer::Consumer;
use producer::Producer;
use publish_backlog::PublishBacklog;
use topics::{NotCreated, Topics};

/// How long to wait before topics are asked for again.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// Events over Kafka. It needs no broker to be made, and waits for one that is away.
pub struct KafkaBus {
    settings: KafkaSettings,
    topics: Arc<Topics>,
    producer: Producer,
    backlog: Backlog,
    waits: PublishBacklog,
    members: Mutex<Vec<Member>>,
    stop: CancellationToken,
    consumers: TaskTracker,
}

/// A consumer group, and whether we are in it.
struct Member {
    group: String,
    joined: Arc<AtomicBool>,
}

impl KafkaBus {
    /// A bus with these settings.
    pub fn new(settings: KafkaSettings) -> Result<Self, BusError> {
        Ok(Self {
            topics: Arc::new(Topics::new(&settings)?),
            producer: Producer::new(&settings)?,
            backlog: Backlog::new(&settings),
            waits: PublishBacklog::new(settings.late_after, &settings.brokers),
            settings,
            members: Mutex::default(),
            stop: CancellationToken::new(),
            consumers: TaskTracker::new(),
        })
    }

    /// Creates these topics now where they are not there; an error when no broker can be reached in time.
    pub async fn prepare(&self, topics: &[String]) -> Result<(), BusError> {
        let names: Vec<String> = topics.iter().map(|topic| self.settings.named(topic)).collect();
        let away = || BusError(format!("no broker answers at {}", self.settings.brokers));
        match tokio::time::timeout(self.settings.late_after, self.topics.ensure(&names)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(BusError(format!("{}: {error}", away().0))),
            Err(_) => Err(away()),
        }
    }

    /// Hands an event over, to a topic that it creates where there is none.
    async fn hand_over(&self, name: &str, topic: &str, event: &Envelope) -> Result<(), BusError> {
        loop {
            match self.topics.ensure(&[name.to_owned()]).await {
                Ok(()) => {}
                Err(NotCreated::Refused(error)) => return Err(BusError(error)),
                Err(NotCreated::Away(error)) => {
                    tracing::debug!(%error, "a topic could not be looked up; trying again");
                    tokio::time::sleep(AGAIN_AFTER).await;
                    continue;
                }
            }
            match self.producer.send(name, &headers::source(topic), event).await {
                Ok(()) => return Ok(()),
                // It was deleted, or the broker has lost its data.
                Err(error) if topics::is_unknown(&error) => self.topics.forget(name).await,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Ends all consumers: what is in flight takes effect and is committed, within a bound. Dropping the bus does the
    /// same without waiting for it.
    pub async fn close(&self) {
        self.stop.cancel();
        self.consumers.close();
        self.consumers.wait().await;
    }
}

#[async_trait]
impl Bus for KafkaBus {
    async fn publish(&self, topic: &str, event: &Envelope) -> Result<(), BusError> {
        let name = self.settings.named(topic);
        self.waits.during(self.hand_over(&name, topic, event)).await
    }

    async fn subscribe(&self, subscription: Subscription) -> Result<(), BusError> {
        let joined = Arc::<AtomicBool>::default();
        let group = self.settings.named(&subscription.group());
        let consumer = Consumer::new(
            &self.settings,
            self.topics.clone(),
            subscription,
            joined.clone(),
            self.stop.child_token(),
        );
        consumer.start(self.consumers.token())?;
        self.members.lock().unwrap_or_else(PoisonError::into_inner).push(Member { group, joined });
        Ok(())
    }

    async fn waiting(&self, subscription: &Subscription) -> Result<i64, BusError> {
        let topics = subscription.topics().iter().map(|topic| self.settings.named(topic)).collect();
        self.backlog.of(&self.settings.named(&subscription.group()), topics).await
    }

    /// A member without a partition of its own is in its group.
    fn missing_from_groups(&self) -> Vec<String> {
        let members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        let outside = members.iter().filter(|member| !member.joined.load(Ordering::SeqCst));
        outside.map(|member| member.group.clone()).collect()
    }

    fn late(&self) -> Option<Duration> {
        self.waits.late()
    }
}

impl Drop for KafkaBus {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl std::fmt::Debug for KafkaBus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaBus").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl From<KafkaError> for BusError {
    fn from(error: KafkaError) -> Self {
        Self(error.to_string())
    }
}

/// What librdkafka says goes to the debug log: what matters of it, we say ourselves, once.
#[derive(Debug, Clone, Copy)]
struct ClientLog;

impl rdkafka::consumer::ConsumerContext for ClientLog {}

impl ClientContext for ClientLog {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(facility, message, "librdkafka");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "librdkafka");
    }
}
