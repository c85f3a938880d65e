//! What another implementation of CloudEvents reads in our messages: the official SDK for JavaScript, which `cargo
//! xtask test` prepares from `tests/cloudevents` where there is npm.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::SecondsFormat;
use events::{Bus as _, Envelope, KafkaBus};
use rdkafka::consumer::Consumer as _;
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::fixture::{TOPIC, event, plain, settings};
use crate::on_kafka;

/// Names the prepared reader.
const READER: &str = "ENTREPOT_TEST_CLOUDEVENTS";
const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const PATIENCE: Duration = Duration::from_secs(60);

on_kafka! {
    async fn another_implementation_reads_our_events(brokers: String) {
        let Ok(reader) = std::env::var(READER) else {
            println!("skipped: {READER} is unset");
            return;
        };
        let sent = [
            Envelope { traceparent: Some(TRACE.to_owned()), payload: vec![8, 1, 0, 255, 128], ..event(7, 3) },
            Envelope { kind: "parcel.delivered.v2".to_owned(), payload: vec![0], ..event(8, 1) },
            event(7, i64::MAX),
        ];
        let messages = published(&brokers, &sent).await;
        let read = read(&reader, &messages).await.unwrap();
        let expected: Vec<Value> = sent.iter().map(as_cloudevent).collect();
        assert_eq!(read, expected);

        // What is no CloudEvent, it refuses.
        for (name, value) in [("ce_type", None), ("ce_source", None), ("ce_id", None), ("ce_Trace-Parent", Some("x"))] {
            let mut wrong = messages.clone();
            let headers = wrong[0]["headers"].as_object_mut().unwrap();
            match value {
                None => assert!(headers.remove(name).is_some()),
                Some(value) => assert!(headers.insert(name.to_owned(), json!(value)).is_none()),
            }
            assert!(self::read(&reader, &wrong).await.is_err(), "{name} is {value:?}");
        }
    }
}

/// Publishes events of one partition, and fetches their messages as a client that knows nothing of us.
async fn published(brokers: &str, sent: &[Envelope]) -> Vec<Value> {
    let settings = settings(brokers, 1);
    let bus = KafkaBus::new(settings.clone()).unwrap();
    for event in sent {
        bus.publish(TOPIC, event).await.unwrap();
    }
    let client = plain(brokers, "reader");
    let mut partitions = TopicPartitionList::new();
    let topic = format!("{}{TOPIC}", settings.prefix);
    partitions.add_partition_offset(&topic, 0, Offset::Beginning).unwrap();
    client.assign(&partitions).unwrap();
    sent.iter().map(|_| dump(&client.poll(PATIENCE).unwrap().unwrap())).collect()
}

/// A message as it is, in JSON.
fn dump(message: &BorrowedMessage<'_>) -> Value {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let headers: BTreeMap<String, String> = message
        .headers()
        .unwrap()
        .iter()
        .map(|header| (header.key.to_owned(), text(header.value.unwrap())))
        .collect();
    let value = BASE64.encode(message.payload().unwrap_or_default());
    json!({ "key": text(message.key().unwrap()), "headers": headers, "value": value })
}

/// What the reader says of messages; an error when it refuses one.
async fn read(reader: &str, messages: &[Value]) -> Result<Vec<Value>, String> {
    let mut node = tokio::process::Command::new("node");
    node.arg(reader).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut node = node.spawn().unwrap();
    node.stdin.take().unwrap().write_all(json!(messages).to_string().as_bytes()).await.unwrap();
    let output = tokio::time::timeout(PATIENCE, node.wait_with_output()).await.unwrap().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(serde_json::from_slice(&output.stdout).unwrap())
}

/// What we mean by an event. The SDK's time has milliseconds.
fn as_cloudevent(sent: &Envelope) -> Value {
    let mut event = json!({
        "specversion": "1.0",
        "id": sent.id.to_string(),
        "source": "/entrepot/my/order",
        "type": sent.kind,
        "subject": sent.aggregate_id.to_string(),
        "time": sent.occurred_at.to_rfc3339_opts(SecondsFormat::Millis, true),
        "datacontenttype": "application/protobuf",
        "data_base64": BASE64.encode(&sent.payload),
        "aggregateversion": sent.aggregate_version.to_string(),
        "partitionkey": sent.aggregate_id.to_string(),
    });
    if sent.payload.is_empty() {
        // The SDK shows an empty buffer twice.
        event["data"] = json!({ "type": "Buffer", "data": [] });
    }
    if let Some(trace) = &sent.traceparent {
        event["traceparent"] = json!(trace);
    }
    event
}
