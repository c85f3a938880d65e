//! The bus of several processes: Apache Kafka.
//!
//! The contract is the one of [`Bus`]: at least once, in order per key. An event is published when every broker in
//! sync has it; a consumer's offset is stored after the event's effect has been committed. So a crash, of anybody,
//! repeats events and loses none, and the inbox makes each take effect once.
//!
//! No Kafka transactions: outbox and inbox give the same guarantee with a database that is there anyway.

mod backlog;
mod consumer;
mod headers;
mod lane;
mod member;
mod producer;
mod settings;
mod topics;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

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
use topics::Topics;

/// Events over Kafka. It needs no broker to be made, and waits for one that is away.
pub struct KafkaBus {
    settings: KafkaSettings,
    topics: Arc<Topics>,
    producer: Producer,
    backlog: Backlog,
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
        match tokio::time::timeout(self.settings.publish_timeout, self.topics.ensure(&names)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(BusError(format!("{}: {}", away().0, error.0))),
            Err(_) => Err(away()),
        }
    }

    /// Creates a topic that was deleted, for the event to be sent again.
    async fn make_anew(&self, name: &str) -> Result<(), BusError> {
        self.topics.forget(name).await;
        self.topics.ensure(&[name.to_owned()]).await?;
        self.producer.look_for(name).await
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
        let published = async {
            self.topics.ensure(std::slice::from_ref(&name)).await?;
            let sent = self.producer.send(&name, &headers::source(topic), event).await;
            if sent.as_ref().is_err_and(topics::is_unknown) {
                self.make_anew(&name).await?;
            }
            sent.map_err(BusError::from)
        };
        tokio::time::timeout(self.settings.publish_timeout, published).await.unwrap_or_else(|_| {
            Err(BusError(format!("no broker at {} took it in time", self.settings.brokers)))
        })
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
    fn outside(&self) -> Vec<String> {
        let members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        let outside = members.iter().filter(|member| !member.joined.load(Ordering::SeqCst));
        outside.map(|member| member.group.clone()).collect()
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
struct Quiet;

impl rdkafka::consumer::ConsumerContext for Quiet {}

impl ClientContext for Quiet {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(facility, message, "librdkafka");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "librdkafka");
    }
}
