//! Topics are created as they are first used.

use std::time::Duration;

use events::{Bus as _, KafkaBus, KafkaSettings};
use rdkafka::consumer::Consumer as _;

use crate::fixture::{TOPIC, event, plain, settings};
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
