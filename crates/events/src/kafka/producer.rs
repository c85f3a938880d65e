//! Sending, until the brokers have acknowledged.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};

use super::{KafkaSettings, Quiet, headers};
use crate::{BusError, Envelope};

/// How long to look for a topic.
const LOOK_MAX: Duration = Duration::from_secs(2);

/// An idempotent producer: what it sends again by itself comes once and in its place.
pub(super) struct Producer {
    config: ClientConfig,
    current: Mutex<FutureProducer<Quiet>>,
}

impl Producer {
    pub(super) fn new(settings: &KafkaSettings) -> Result<Self, BusError> {
        Self::with(settings.producer())
    }

    fn with(config: ClientConfig) -> Result<Self, BusError> {
        let current = Mutex::new(config.create_with_context(Quiet)?);
        Ok(Self { config, current })
    }

    /// Sends an event; `Ok` once every broker in sync has it.
    pub(super) async fn send(&self, topic: &str, source: &str, event: &Envelope) -> Result<(), KafkaError> {
        let producer = self.current().clone();
        let key = event.aggregate_id.to_string();
        let record = FutureRecord::to(topic)
            .key(&key)
            .payload(event.payload.as_slice())
            .headers(headers::of(event, source));
        // A full queue is an error at once: the relay sends it again.
        let sent = producer.send(record, Duration::ZERO).await;
        sent.map(|_| ()).map_err(|(error, _)| {
            self.replace_if_broken(&producer);
            error
        })
    }

    /// Looks for a topic that it believes is not there: by itself it would only after a while.
    pub(super) async fn look_for(&self, topic: &str) -> Result<(), BusError> {
        let (producer, topic) = (self.current().clone(), topic.to_owned());
        let looking = move || producer.client().fetch_metadata(Some(&topic), LOOK_MAX).map(|_| ());
        match tokio::task::spawn_blocking(looking).await {
            Ok(looked) => looked.map_err(BusError::from),
            Err(stopped) => Err(BusError(stopped.to_string())),
        }
    }

    /// After a fatal error a producer sends nothing more, ever.
    fn replace_if_broken(&self, producer: &FutureProducer<Quiet>) {
        let Some((error, reason)) = producer.client().fatal_error() else { return };
        let mut current = self.current();
        if current.client().native_ptr() != producer.client().native_ptr() {
            return;
        }
        tracing::warn!(%error, reason, "the producer is broken and is replaced");
        match self.config.create_with_context(Quiet) {
            Ok(new) => *current = new,
            Err(error) => tracing::error!(%error, "the producer cannot be replaced"),
        }
    }

    fn current(&self) -> MutexGuard<'_, FutureProducer<Quiet>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::mocking::MockCluster;
    use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
    use uuid::Uuid;

    use super::*;

    fn an_event() -> Envelope {
        let at = chrono::DateTime::from_timestamp(1_750_000_000, 0).unwrap();
        Envelope::new("order.confirmed.v1", Uuid::from_u128(7), 1, at, &())
    }

    #[tokio::test]
    async fn a_producer_that_is_broken_for_good_is_replaced() {
        let brokers = MockCluster::new(1).unwrap();
        brokers.create_topic("my.order.v1", 1, 1).unwrap();
        let producer = Producer::new(&KafkaSettings::new(brokers.bootstrap_servers())).unwrap();
        producer.send("my.order.v1", "/entrepot/my/order", &an_event()).await.unwrap();
        // Librdkafka takes this for the loss of its place in the sequence, and sends nothing more.
        let lost = RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
        brokers.request_errors(RDKafkaApiKey::Produce, &[lost]);
        producer.send("my.order.v1", "/entrepot/my/order", &an_event()).await.unwrap_err();
        producer.send("my.order.v1", "/entrepot/my/order", &an_event()).await.unwrap();
    }
}
