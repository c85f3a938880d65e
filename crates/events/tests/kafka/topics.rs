//! Topics are created as they are first used.

use std::time::Duration;

use events::{Bus as _, KafkaBus, KafkaSettings};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::Consumer as _;
use testkit::eventually;

use crate::fixture::{Effects, Recorder, TOPIC, event, joined, plain, settings};
use crate::on_kafka;

on_kafka! {
    async fn a_topic_has_as_many_partitions_as_were_set_when_it_was_new(brokers: String) {
        let settings = settings(&brokers, 3);
        let topic = format!("{}{TOPIC}", settings.prefix);
        let bus = KafkaBus::new(settings.clone()).unwrap();
        bus.publish(TOPIC, &event(1, 1)).await.unwrap();
        assert_eq!(partitions(&brokers, &topic), 3);

        let later = KafkaBus::new(KafkaSettings { partitions: 5, ..settings }).unwrap();
        later.publish(TOPIC, &event(1, 2)).await.unwrap();
        assert_eq!(partitions(&brokers, &topic), 3);
    }

    async fn a_new_topic_keeps_its_events_for_a_month(brokers: String) {
        let settings = settings(&brokers, 1);
        let topic = format!("{}{TOPIC}", settings.prefix);
        KafkaBus::new(settings).unwrap().publish(TOPIC, &event(1, 1)).await.unwrap();
        let topics = [ResourceSpecifier::Topic(&topic)];
        let described = admin(&brokers).describe_configs(&topics, &AdminOptions::new()).await.unwrap();
        let value = |name| described[0].as_ref().unwrap().get(name).unwrap().value.clone().unwrap();
        assert_eq!(value("retention.ms"), "2592000000");
        assert_eq!(value("min.insync.replicas"), "1");
    }

    async fn a_topic_that_was_deleted_is_created_again_by_who_publishes(brokers: String) {
        let settings = settings(&brokers, 1);
        let bus = KafkaBus::new(settings.clone()).unwrap();
        bus.publish(TOPIC, &event(1, 1)).await.unwrap();
        delete(&brokers, &format!("{}{TOPIC}", settings.prefix)).await;
        // As the relay does: until it is taken.
        eventually("the event is taken", || async { bus.publish(TOPIC, &event(1, 2)).await.ok() }).await;
    }

    async fn a_topic_that_was_deleted_is_created_again_by_who_listens(brokers: String) {
        let settings = settings(&brokers, 1);
        let topic = format!("{}{TOPIC}", settings.prefix);
        let bus = KafkaBus::new(settings).unwrap();
        let effects = Effects::new().await;
        effects.subscribe(&bus, Recorder("a")).await;
        joined(&bus).await;
        delete(&brokers, &topic).await;
        eventually("the topic is there", || async { (partitions(&brokers, &topic) == 1).then_some(()) }).await;
        bus.publish(TOPIC, &event(1, 1)).await.unwrap();
        effects.at_least(1).await;
        bus.close().await;
    }

    async fn a_topic_that_cannot_be_created_is_an_error_that_names_it(brokers: String) {
        let settings = KafkaSettings { replication: 15, ..settings(&brokers, 1) };
        let bus = KafkaBus::new(settings).unwrap();
        let error = bus.publish(TOPIC, &event(1, 1)).await.unwrap_err().to_string();
        assert!(error.contains(TOPIC) && error.contains("replication"), "{error}");
    }
}

fn partitions(brokers: &str, topic: &str) -> usize {
    let metadata = plain(brokers, "reader").fetch_metadata(Some(topic), Duration::from_secs(30)).unwrap();
    metadata.topics()[0].partitions().len()
}

async fn delete(brokers: &str, topic: &str) {
    let deleted = admin(brokers).delete_topics(&[topic], &AdminOptions::new()).await.unwrap();
    assert_eq!(deleted, [Ok(topic.to_owned())]);
}

fn admin(brokers: &str) -> AdminClient<DefaultClientContext> {
    ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap()
}
