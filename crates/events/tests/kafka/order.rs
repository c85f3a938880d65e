//! Order and effect.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use db::Tx;
use events::{Bus as _, Envelope, Handler, HandlerError, KafkaBus};
use futures::future::join_all;
use rdkafka::consumer::Consumer as _;
use testkit::eventually;
use uuid::Uuid;

use crate::fixture::{Effects, Recorder, TOPIC, event, plain, settings};
use crate::on_kafka;

const KEYS: u128 = 20;
const VERSIONS: i64 = 10;

on_kafka! {
    async fn every_event_takes_effect_once_and_in_order_of_its_key(brokers: String) {
        let settings = settings(&brokers, 3);
        let bus = KafkaBus::new(settings.clone()).unwrap();
        let effects = Effects::new().await;
        effects.subscribe(&bus, Recorder("a")).await;
        join_all((1..=KEYS).map(|key| publish_each_twice(&bus, key))).await;

        let count = usize::try_from(KEYS).unwrap() * usize::try_from(VERSIONS).unwrap();
        let mut versions: HashMap<Uuid, Vec<i64>> = HashMap::new();
        for effect in effects.at_least(count).await {
            versions.entry(effect.aggregate_id).or_default().push(effect.aggregate_version);
        }
        let in_order: Vec<i64> = (1..=VERSIONS).collect();
        for key in (1..=KEYS).map(Uuid::from_u128) {
            assert_eq!(versions.remove(&key), Some(in_order.clone()), "of {key}");
        }
        let topic = format!("{}{TOPIC}", settings.prefix);
        let used = (0..3).filter(|partition| {
            let reader = plain(&brokers, "reader");
            let (first, next) = reader.fetch_watermarks(&topic, *partition, Duration::from_secs(30)).unwrap();
            next > first
        });
        assert!(used.count() > 1, "one partition has everything");
        bus.close().await;
    }

    async fn an_event_that_waits_keeps_only_its_partition_waiting(brokers: String) {
        let bus = KafkaBus::new(settings(&brokers, 8)).unwrap();
        let effects = Effects::new().await;
        let free = Arc::<AtomicBool>::default();
        effects.subscribe(&bus, Waits { key: Uuid::from_u128(1), free: free.clone() }).await;
        for key in 1..=KEYS {
            bus.publish(TOPIC, &event(key, 1)).await.unwrap();
        }
        bus.publish(TOPIC, &event(1, 2)).await.unwrap();

        // Of 20 keys on 8 partitions, most are on another than the first.
        let others = effects.at_least(8).await;
        assert!(others.iter().all(|effect| effect.aggregate_id != Uuid::from_u128(1)));
        free.store(true, Ordering::SeqCst);
        let all = effects.at_least(usize::try_from(KEYS).unwrap() + 1).await;
        let of_first = all.iter().filter(|effect| effect.aggregate_id == Uuid::from_u128(1));
        assert_eq!(of_first.map(|effect| effect.aggregate_version).collect::<Vec<_>>(), [1, 2]);
        bus.close().await;
    }

    async fn a_deployment_hears_its_own_events_alone(brokers: String) {
        let bus = KafkaBus::new(settings(&brokers, 1)).unwrap();
        let other = KafkaBus::new(settings(&brokers, 1)).unwrap();
        let effects = Effects::new().await;
        effects.subscribe(&bus, Recorder("a")).await;
        other.publish(TOPIC, &event(1, 1)).await.unwrap();
        bus.publish(TOPIC, &event(2, 1)).await.unwrap();
        let heard = eventually("an effect", || async { effects.all().await.into_iter().next() }).await;
        assert_eq!(heard.aggregate_id, Uuid::from_u128(2));
        bus.close().await;
    }
}

async fn publish_each_twice(bus: &KafkaBus, key: u128) {
    for version in 1..=VERSIONS {
        let event = event(key, version);
        bus.publish(TOPIC, &event).await.unwrap();
        bus.publish(TOPIC, &event).await.unwrap();
    }
}

/// Has no database for one key until it is free.
struct Waits {
    key: Uuid,
    free: Arc<AtomicBool>,
}

#[async_trait]
impl Handler for Waits {
    async fn handle(&self, tx: &mut Tx, event: &Envelope) -> Result<(), HandlerError> {
        if event.aggregate_id == self.key && !self.free.load(Ordering::SeqCst) {
            return Err(HandlerError::Database(db::Error::Unavailable(db::Unavailability::Closed)));
        }
        Recorder("a").handle(tx, event).await
    }
}
