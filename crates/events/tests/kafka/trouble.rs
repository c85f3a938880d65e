//! Messages that are none of ours, and brokers that are away.

use std::time::Duration;

use events::{Bus as _, KafkaBus, KafkaSettings};
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use testkit::eventually;

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
async fn without_a_broker_events_wait_and_the_bus_says_so() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let late_after = Duration::from_millis(300);
    let settings = KafkaSettings { late_after, ..KafkaSettings::new(format!("127.0.0.1:{port}")) };
    let bus = KafkaBus::new(settings).unwrap();
    let effects = Effects::new().await;
    effects.subscribe(&bus, Recorder("a")).await;
    assert_eq!(bus.late(), None);
    let event = event(1, 1);
    let mut publishing = bus.publish(TOPIC, &event);
    let late = async {
        eventually("it is late", || async { bus.late() }).await;
    };
    tokio::select! {
        published = &mut publishing => panic!("nobody took it: {published:?}"),
        () = late => {}
    }
    assert!(bus.late() >= Some(late_after));
    // Its relay leads no more.
    drop(publishing);
    assert_eq!(bus.late(), None);
    assert_eq!(bus.missing_from_groups(), [GROUP]);
    let started = tokio::time::timeout(PATIENCE, bus.prepare(&[TOPIC.to_owned()])).await.unwrap();
    let error = started.unwrap_err().to_string();
    assert!(error.contains(&format!("127.0.0.1:{port}")), "{error}");
    tokio::time::timeout(PATIENCE, bus.close()).await.unwrap();
}
