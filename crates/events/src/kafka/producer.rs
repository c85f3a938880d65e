//! Sending, until the brokers have acknowledged: an event is handed over once and awaited for as long as they are away.
//!
//! What a broker takes from an idempotent producer is a sequence without gaps. So nothing is given up on its way, and a
//! producer that has lost its place in the sequence, or is stuck, is replaced as a whole: all that it held is sent again
//! by the next one. What comes twice by that, the inbox makes once.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::future_producer::DeliveryFuture;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _, PurgeConfig};
use tokio_util::sync::CancellationToken;

use super::{ClientLog, KafkaSettings, headers};
use crate::{BusError, Envelope};

/// How long to wait before an event is sent again; it doubles with each producer that was replaced in vain, up to the
/// longest.
const AGAIN_AFTER: Duration = Duration::from_millis(200);
const AGAIN_AFTER_LONGEST: Duration = Duration::from_secs(10);
/// How long a producer may deliver nothing before it is looked at, and again after a broker has answered. It doubles
/// with each that was replaced in vain, up to the longest.
const LOOK_AFTER: Duration = Duration::from_secs(3);
const LOOK_AFTER_LONGEST: Duration = Duration::from_secs(60);
/// How long a broker may take to show that it is there.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// An idempotent producer: what it sends again by itself comes once and in its place.
pub(super) struct Producer {
    config: ClientConfig,
    /// Of clients that ask whether a broker is there.
    asking: ClientConfig,
    current: Mutex<Current>,
    /// Events delivered since the start.
    delivered: AtomicU64,
    /// Producers replaced since the last delivery.
    in_vain: AtomicU32,
    /// Held by the one who looks whether the producer is stuck.
    looking: tokio::sync::Mutex<()>,
}

/// The producer that is in use.
struct Current {
    number: u64,
    producer: FutureProducer<ClientLog>,
    /// Another has taken its place: what it holds is to be sent again.
    replaced: CancellationToken,
    /// It holds events that nobody waits for any more.
    is_left: Arc<AtomicBool>,
}

/// An event that a producer holds.
struct PendingEvent {
    by: u64,
    delivery: DeliveryFuture,
    replaced: CancellationToken,
    waiting: Waiting,
}

/// Somebody waits for a delivery; who goes away before leaves the event to a producer that nobody has asked to send it.
struct Waiting(Option<Arc<AtomicBool>>);

impl Waiting {
    fn end(mut self) {
        self.0 = None;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(is_left) = &self.0 {
            is_left.store(true, Ordering::SeqCst);
        }
    }
}

impl Producer {
    pub(super) fn new(settings: &KafkaSettings) -> Result<Self, BusError> {
        Self::with(settings.producer(), settings.client())
    }

    fn with(config: ClientConfig, asking: ClientConfig) -> Result<Self, BusError> {
        Ok(Self {
            current: Mutex::new(Current::new(&config, 0)?),
            config,
            asking,
            delivered: AtomicU64::new(0),
            in_vain: AtomicU32::new(0),
            looking: tokio::sync::Mutex::default(),
        })
    }

    /// Sends an event; `Ok` once every broker in sync has it. An error says that the brokers do not want it as it is, or
    /// have no such topic.
    pub(super) async fn send(&self, topic: &str, source: &str, event: &Envelope) -> Result<(), KafkaError> {
        let key = event.aggregate_id.to_string();
        loop {
            let record = FutureRecord::to(topic)
                .key(&key)
                .payload(event.payload.as_slice())
                .headers(headers::of(event, source));
            let (by, error) = match self.hand_over(record) {
                Ok(handed) => (handed.by, self.delivered(handed).await),
                Err((by, error)) => (by, Err(Some(error))),
            };
            match error {
                Ok(()) => return Ok(()),
                // Its producer was replaced.
                Err(None) => {}
                Err(Some(KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull))) => {
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
                Err(Some(error)) if is_refusal(&error) => return Err(error),
                // It was given up on its way, and the sequence has a gap.
                Err(Some(error)) => {
                    self.replace(by, &error.to_string());
                    if super::topics::is_unknown(&error) {
                        return Err(error);
                    }
                    tokio::time::sleep(self.in_vain(AGAIN_AFTER, AGAIN_AFTER_LONGEST)).await;
                }
            }
        }
    }

    fn hand_over(&self, record: FutureRecord<'_, String, [u8]>) -> Result<PendingEvent, (u64, KafkaError)> {
        let mut current = self.current();
        if current.is_left.load(Ordering::SeqCst) {
            self.replace_in(&mut current, "it holds events that nobody waits for");
        }
        let by = current.number;
        let waiting = Waiting(Some(current.is_left.clone()));
        match current.producer.send_result(record) {
            Ok(delivery) => Ok(PendingEvent { by, delivery, replaced: current.replaced.clone(), waiting }),
            Err((error, _)) => {
                waiting.end();
                Err((by, error))
            }
        }
    }

    /// Waits for the delivery; `Err(None)`: the producer was replaced meanwhile.
    async fn delivered(&self, handed: PendingEvent) -> Result<(), Option<KafkaError>> {
        let PendingEvent { by, delivery, replaced, waiting } = handed;
        let delivered = tokio::select! {
            biased;
            delivered = delivery => match delivered {
                Ok(Ok(_)) => Ok(()),
                Ok(Err((error, _))) => Err(Some(error)),
                // It is gone, and its events with it.
                Err(_) => Err(None),
            },
            () = replaced.cancelled() => Err(None),
            () = self.is_stuck() => {
                self.replace(by, "it delivers nothing though a broker answers");
                Err(None)
            }
        };
        waiting.end();
        if delivered.is_ok() {
            self.delivered.fetch_add(1, Ordering::SeqCst);
            self.in_vain.store(0, Ordering::SeqCst);
        }
        delivered
    }

    /// Ends once the producer has delivered nothing for a while though a broker answers somebody new: its connections
    /// may be ones that nobody ends.
    async fn is_stuck(&self) {
        loop {
            let before = self.delivered.load(Ordering::SeqCst);
            tokio::time::sleep(self.in_vain(LOOK_AFTER, LOOK_AFTER_LONGEST)).await;
            let stands = || self.delivered.load(Ordering::SeqCst) == before;
            // One looks for all.
            let Ok(_looking) = self.looking.try_lock() else { continue };
            if stands() && self.is_answered().await {
                tokio::time::sleep(LOOK_AFTER).await;
                if stands() {
                    return;
                }
            }
        }
    }

    /// A time, doubled with each producer that was replaced in vain.
    fn in_vain(&self, first: Duration, longest: Duration) -> Duration {
        let doubled = 2_u32.saturating_pow(self.in_vain.load(Ordering::SeqCst));
        first.saturating_mul(doubled).min(longest)
    }

    async fn is_answered(&self) -> bool {
        let config = self.asking.clone();
        let asking = move || {
            let client: Result<BaseConsumer<ClientLog>, KafkaError> = config.create_with_context(ClientLog);
            client.is_ok_and(|client| client.fetch_metadata(None, ANSWER_MAX).is_ok())
        };
        tokio::task::spawn_blocking(asking).await.unwrap_or(false)
    }

    /// Replaces the producer of this number, unless that was done.
    fn replace(&self, number: u64, why: &str) {
        let mut current = self.current();
        if current.number == number {
            let why = match current.producer.client().fatal_error() {
                Some((error, reason)) => format!("{error}: {reason}"),
                None => why.to_owned(),
            };
            self.replace_in(&mut current, &why);
        }
    }

    fn replace_in(&self, current: &mut Current, why: &str) {
        match Current::new(&self.config, current.number + 1) {
            Ok(new) => std::mem::replace(current, new).end(),
            Err(error) => return tracing::error!(%error, why, "the producer cannot be replaced"),
        }
        self.in_vain.fetch_add(1, Ordering::SeqCst);
        tracing::warn!(why, "the producer is replaced, and what it held is sent again");
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Current {
    fn new(config: &ClientConfig, number: u64) -> Result<Self, KafkaError> {
        let producer = config.create_with_context(ClientLog)?;
        Ok(Self { number, producer, replaced: CancellationToken::new(), is_left: Arc::default() })
    }

    /// It sends nothing more.
    fn end(self) {
        self.replaced.cancel();
        // Its threads may take a while to notice.
        std::thread::spawn(move || {
            self.producer.purge(PurgeConfig::default().queue().inflight());
            drop(self.producer);
        });
    }
}

/// Whether the brokers will never take the event as it is, whoever sends it.
fn is_refusal(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::MessageSizeTooLarge
                | RDKafkaErrorCode::InvalidMessageSize
                | RDKafkaErrorCode::MessageBatchTooLarge
                | RDKafkaErrorCode::InvalidTopic
                | RDKafkaErrorCode::InvalidRecord
                | RDKafkaErrorCode::PolicyViolation
                | RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::ClusterAuthorizationFailed
        )
    )
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::DefaultProducerContext;
    use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
    use uuid::Uuid;

    use super::*;

    const TOPIC: &str = "my.order.v1";
    /// Far longer than anything here may take.
    const PATIENCE: Duration = Duration::from_secs(120);
    /// So long an event was once given to the broker.
    const LATE_AFTER: Duration = Duration::from_millis(100);

    fn brokers(count: i32) -> MockCluster<'static, DefaultProducerContext> {
        let brokers = MockCluster::new(count).unwrap();
        brokers.create_topic(TOPIC, 2, 1).unwrap();
        for partition in 0..2 {
            brokers.partition_leader(TOPIC, partition, Some(1)).unwrap();
        }
        brokers
    }

    fn producer(brokers: &MockCluster<'_, DefaultProducerContext>) -> Producer {
        let settings = KafkaSettings::new(brokers.bootstrap_servers());
        Producer::new(&KafkaSettings { late_after: LATE_AFTER, ..settings }).unwrap()
    }

    fn event(aggregate: u128) -> Envelope {
        let at = chrono::DateTime::from_timestamp(1_750_000_000, 0).unwrap();
        Envelope::new("order.confirmed.v1", Uuid::from_u128(aggregate), 1, at, &())
    }

    async fn send(producer: &Producer, aggregate: u128) -> Result<(), KafkaError> {
        producer.send(TOPIC, "/entrepot/my/order", &event(aggregate)).await
    }

    /// Events of twenty aggregates, at once.
    async fn send_twenty(producer: &Producer) {
        let sent = join_all((1..=20).map(|aggregate| send(producer, aggregate)));
        for sent in tokio::time::timeout(PATIENCE, sent).await.unwrap() {
            sent.unwrap();
        }
    }

    fn number(producer: &Producer) -> u64 {
        producer.current().number
    }

    #[tokio::test]
    async fn what_is_handed_over_waits_for_as_long_as_the_broker_is_away() {
        let brokers = brokers(1);
        let producer = producer(&brokers);
        send_twenty(&producer).await;
        brokers.broker_down(1).unwrap();
        let sending = send_twenty(&producer);
        tokio::pin!(sending);
        assert!(tokio::time::timeout(LATE_AFTER * 10, &mut sending).await.is_err());
        brokers.broker_up(1).unwrap();
        sending.await;
    }

    #[tokio::test]
    async fn a_producer_that_lost_its_sequence_is_replaced_with_all_that_it_held() {
        for lost in [
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING,
        ] {
            let brokers = brokers(1);
            let producer = producer(&brokers);
            send_twenty(&producer).await;
            brokers.request_errors(RDKafkaApiKey::Produce, &[lost]);
            send_twenty(&producer).await;
            send_twenty(&producer).await;
        }
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_not_sent_with_what_follows() {
        let brokers = brokers(1);
        let producer = producer(&brokers);
        send_twenty(&producer).await;
        let before = number(&producer);
        brokers.broker_down(1).unwrap();
        // Its relay leads no more.
        assert!(tokio::time::timeout(LATE_AFTER, send(&producer, 1)).await.is_err());
        brokers.broker_up(1).unwrap();
        send_twenty(&producer).await;
        assert!(number(&producer) > before);
    }

    #[tokio::test]
    async fn what_the_broker_will_never_take_is_an_error() {
        let brokers = brokers(1);
        let producer = producer(&brokers);
        send_twenty(&producer).await;
        let refused = RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
        brokers.request_errors(RDKafkaApiKey::Produce, &[refused]);
        let error = tokio::time::timeout(PATIENCE, send(&producer, 1)).await.unwrap().unwrap_err();
        assert_eq!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::MessageSizeTooLarge));
        send_twenty(&producer).await;
    }

    #[tokio::test]
    async fn a_producer_whose_connection_nobody_ends_is_replaced() {
        let brokers = brokers(2);
        let mut config = KafkaSettings::new(brokers.bootstrap_servers()).producer();
        let asking = config.clone();
        // By itself it would wait for the answer, and look for no other broker.
        config.set("socket.timeout.ms", "300000").set("topic.metadata.refresh.interval.ms", "-1");
        let producer = Producer::with(config, asking).unwrap();
        send_twenty(&producer).await;
        let before = number(&producer);
        brokers.broker_round_trip_time(1, PATIENCE * 2).unwrap();
        for partition in 0..2 {
            brokers.partition_leader(TOPIC, partition, Some(2)).unwrap();
        }
        send_twenty(&producer).await;
        assert!(number(&producer) > before);
    }
}
