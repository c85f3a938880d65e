//! What others see of an event.

use std::time::Duration;

use events::{Bus as _, Envelope, KafkaBus};
use rdkafka::consumer::Consumer as _;
use rdkafka::message::{Headers as _, Message as _};
use rdkafka::{Offset, TopicPartitionList};

use crate::fixture::{TOPIC, event, plain, settings};
use crate::on_kafka;

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

on_kafka! {
    async fn an_event_is_a_cloudevent_to_everybody(brokers: String) {
        let settings = settings(&brokers, 1);
        let bus = KafkaBus::new(settings.clone()).unwrap();
        let sent = Envelope { traceparent: Some(TRACE.to_owned()), payload: vec![8, 1], ..event(7, 3) };
        bus.publish(TOPIC, &sent).await.unwrap();

        let reader = plain(&brokers, "reader");
        let mut partitions = TopicPartitionList::new();
        let topic = format!("{}{TOPIC}", settings.prefix);
        partitions.add_partition_offset(&topic, 0, Offset::Beginning).unwrap();
        reader.assign(&partitions).unwrap();
        let message = reader.poll(Duration::from_secs(60)).unwrap().unwrap();
        assert_eq!(message.key(), Some(b"00000000-0000-0000-0000-000000000007".as_slice()));
        assert_eq!(message.payload(), Some([8, 1].as_slice()));
        let headers = message.headers().unwrap();
        let value = |name| {
            let header = headers.iter().find(|header| header.key == name).unwrap();
            std::str::from_utf8(header.value.unwrap()).unwrap()
        };
        assert_eq!(value("ce_specversion"), "1.0");
        assert_eq!(value("ce_id"), sent.id.to_string());
        assert_eq!(value("ce_source"), "/entrepot/my/order");
        assert_eq!(value("ce_type"), "order.confirmed.v1");
        assert_eq!(value("ce_time"), "2025-06-15T15:06:40.123456Z");
        assert_eq!(value("ce_subject"), "00000000-0000-0000-0000-000000000007");
        assert_eq!(value("ce_aggregateversion"), "3");
        assert_eq!(value("ce_traceparent"), TRACE);
        assert_eq!(value("traceparent"), TRACE);
        assert_eq!(value("content-type"), "application/protobuf");
    }
}
