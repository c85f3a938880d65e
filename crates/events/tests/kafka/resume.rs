//! Stopping, and going on.

use std::time::Duration;

use async_trait::async_trait;
use db::Tx;
use events::{Bus as _, Envelope, Handler, HandlerError, KafkaBus, KafkaSettings};
use rdkafka::consumer::Consumer as _;
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::mpsc;

use crate::fixture::{Effects, GROUP, Recorder, TOPIC, event, joined, plain, settings};
use crate::on_kafka;

const EVENTS: i64 = 40;

on_kafka! {
    async fn a_consumer_goes_on_exactly_where_it_was(brokers: String) {
        let settings = KafkaSettings { instance: Some("payment-0".to_owned()), ..settings(&brokers, 1) };
        let bus = KafkaBus::new(settings.clone()).unwrap();
        let before = Effects::new().await;
        before.subscribe(&bus, Recorder("before")).await;
        for version in 1..=EVENTS {
            bus.publish(TOPIC, &event(1, version)).await.unwrap();
        }
        // Somewhere on its way.
        before.at_least(5).await;
        bus.close().await;
        let first = before.all().await;
        assert_eq!(committed(&settings, &brokers), i64::try_from(first.len()).unwrap());

        // Another database, so that what came again would be seen.
        let bus = KafkaBus::new(settings.clone()).unwrap();
        let after = Effects::new().await;
        after.subscribe(&bus, Recorder("after")).await;
        bus.publish(TOPIC, &event(1, EVENTS + 1)).await.unwrap();
        let missing = usize::try_from(EVENTS).unwrap() + 1 - first.len();
        let second = after.at_least(missing).await;
        let versions = first.iter().chain(&second).map(|effect| effect.aggregate_version);
        assert_eq!(versions.collect::<Vec<_>>(), (1..=EVENTS + 1).collect::<Vec<_>>());
        bus.close().await;
        assert_eq!(committed(&settings, &brokers), EVENTS + 1);
    }

    async fn an_event_whose_effect_was_cut_short_comes_again(brokers: String) {
        let settings = settings(&brokers, 1);
        let bus = KafkaBus::new(settings.clone()).unwrap();
        let (begun, mut has_begun) = mpsc::unbounded_channel();
        let stop = Effects::new().await.subscribe(&bus, NeverEnds(begun)).await;
        bus.publish(TOPIC, &event(1, 1)).await.unwrap();
        has_begun.recv().await.unwrap();
        stop.cancel();
        bus.close().await;

        let bus = KafkaBus::new(settings).unwrap();
        let effects = Effects::new().await;
        effects.subscribe(&bus, Recorder("after")).await;
        assert_eq!(effects.at_least(1).await[0].aggregate_version, 1);
        bus.close().await;
    }

    async fn a_stopped_subscription_leaves_its_group_and_the_bus_goes_on(brokers: String) {
        let bus = KafkaBus::new(settings(&brokers, 1)).unwrap();
        let effects = Effects::new().await;
        let stop = effects.subscribe(&bus, Recorder("a")).await;
        joined(&bus).await;
        stop.cancel();
        testkit::eventually("it has left", || async { (bus.missing_from_groups().len() == 1).then_some(()) }).await;
        bus.publish(TOPIC, &event(1, 1)).await.unwrap();
        effects.subscribe(&bus, Recorder("again")).await;
        assert_eq!(effects.at_least(1).await[0].instance, "again");
        bus.close().await;
    }
}

/// Up to where the group has committed the one partition.
fn committed(settings: &KafkaSettings, brokers: &str) -> i64 {
    let mut partitions = TopicPartitionList::new();
    partitions.add_partition(&format!("{}{TOPIC}", settings.prefix), 0);
    let group = format!("{}{GROUP}", settings.prefix);
    let offsets = plain(brokers, &group).committed_offsets(partitions, Duration::from_secs(30)).unwrap();
    match offsets.elements()[0].offset() {
        Offset::Offset(offset) => offset,
        none => panic!("nothing was committed: {none:?}"),
    }
}

/// Says that it has begun.
struct NeverEnds(mpsc::UnboundedSender<()>);

#[async_trait]
impl Handler for NeverEnds {
    async fn handle(&self, _tx: &mut Tx, _event: &Envelope) -> Result<(), HandlerError> {
        self.0.send(()).unwrap();
        std::future::pending().await
    }
}
