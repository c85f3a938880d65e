//! Messages that are none of ours, and brokers that are away.

use std::time::Duration;

use events::{Bus as _, KafkaBus, KafkaSettings};
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};

use crate::fixture::{Effects, GROUP, Recorder, TOPIC, event, settings};
use crate::on_kafka;

/// Far longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);

on_kafka! {
    async fn a_message_that_is_no_event_is_passed_over(brokers: String) {
        let settings = settings(&brokers, 1);
        let topic = format!("{}{TOPIC}", settings.prefix);
        let bus = KafkaBus::new(settings).unwrap();
        bus.publish(TOPIC, &event(1, 1)).await.unwrap();
        let mut config = ClientConfig::new();
        let stranger: FutureProducer = config.set("bootstrap.servers", &brokers).create().unwrap();
        let bare = FutureRecord::to(&topic).key("1").payload("hello");
        stranger.send(bare, PATIENCE).await.unwrap();
        let half = OwnedHeaders::new().insert(Header { key: "ce_id", value: Some("x") });
        let half = FutureRecord::<str, str>::to(&topic).headers(half);
        stranger.send(half, PATIENCE).await.unwrap();
        bus.publish(TOPIC, &event(1, 2)).await.unwrap();

        let effects = Effects::new().await;
        effects.subscribe(&bus, Recorder("a")).await;
        let versions = effects.at_least(2).await.into_iter().map(|effect| effect.aggregate_version);
        assert_eq!(versions.collect::<Vec<_>>(), [1, 2]);
        bus.close().await;
    }
}

#[tokio::test]
async fn without_a_broker_publishing_errs_within_its_bound_and_consumers_wait() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings = KafkaSettings {
        publish_timeout: Duration::from_millis(300),
        ..KafkaSettings::new(format!("127.0.0.1:{port}"))
    };
    let bus = KafkaBus::new(settings).unwrap();
    let effects = Effects::new().await;
    effects.subscribe(&bus, Recorder("a")).await;
    let published = tokio::time::timeout(PATIENCE, bus.publish(TOPIC, &event(1, 1))).await;
    let error = published.unwrap().unwrap_err().to_string();
    assert!(error.contains(&format!("127.0.0.1:{port}")), "{error}");
    assert_eq!(bus.outside(), [GROUP]);
    tokio::time::timeout(PATIENCE, bus.close()).await.unwrap();
}
