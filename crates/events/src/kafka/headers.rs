//! An event as a CloudEvent in Kafka's binary mode: attributes in headers, the payload bare.

use std::fmt::Display;
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, Utc};
use rdkafka::message::{Header, Headers, OwnedHeaders};

use crate::Envelope;

const SPECVERSION: &str = "ce_specversion";
const ID: &str = "ce_id";
const SOURCE: &str = "ce_source";
const KIND: &str = "ce_type";
const TIME: &str = "ce_time";
const SUBJECT: &str = "ce_subject";
/// An extension of ours: the aggregate's version, which orders events of one subject.
const VERSION: &str = "ce_aggregateversion";
/// The trace: as CloudEvents' extension names it, and as tools of OpenTelemetry look for it.
const TRACE: &str = "ce_traceparent";
const TRACE_PLAIN: &str = "traceparent";
const CONTENT_TYPE: &str = "content-type";
const PROTOBUF: &str = "application/protobuf";
/// The version of CloudEvents that we write and read.
const CLOUDEVENTS: &str = "1.0";

/// Why a message is no event of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Error {
    #[error("the header {0} is missing")]
    Missing(&'static str),
    #[error("the header {name} cannot be read: {reason}")]
    Unreadable { name: &'static str, reason: String },
    #[error("the header {name} is `{value}`, and not `{expected}`")]
    Unknown { name: &'static str, value: String, expected: &'static str },
}

/// How much of a wrong value an error repeats.
const SHOWN_CHARACTERS: usize = 60;

/// Where the events of a topic (`my.order.v1`) come from: `/entrepot/my/order`.
pub(super) fn source(topic: &str) -> String {
    let mut parts = topic.split('.');
    let hub = parts.next().unwrap_or_default();
    let service = parts.next().unwrap_or_default();
    format!("/entrepot/{hub}/{service}")
}

/// The headers of an event.
pub(super) fn of(event: &Envelope, source: &str) -> OwnedHeaders {
    let time = event.occurred_at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let headers = OwnedHeaders::new_with_capacity(10);
    let headers = with(headers, SPECVERSION, CLOUDEVENTS);
    let headers = with(headers, ID, &event.id.to_string());
    let headers = with(headers, SOURCE, source);
    let headers = with(headers, KIND, &event.kind);
    let headers = with(headers, TIME, &time);
    let headers = with(headers, SUBJECT, &event.aggregate_id.to_string());
    let headers = with(headers, VERSION, &event.aggregate_version.to_string());
    let headers = with(headers, CONTENT_TYPE, PROTOBUF);
    match &event.traceparent {
        Some(trace) => with(with(headers, TRACE, trace), TRACE_PLAIN, trace),
        None => headers,
    }
}

fn with(headers: OwnedHeaders, key: &str, value: &str) -> OwnedHeaders {
    headers.insert(Header { key, value: Some(value) })
}

/// The event of a message. Attributes that it does not know it passes over.
pub(super) fn event(headers: Option<&impl Headers>, payload: Option<&[u8]>) -> Result<Envelope, Error> {
    let headers = headers.ok_or(Error::Missing(SPECVERSION))?;
    expect(headers, SPECVERSION, CLOUDEVENTS)?;
    expect(headers, CONTENT_TYPE, PROTOBUF)?;
    let time: DateTime<Utc> = parsed(headers, TIME)?;
    Ok(Envelope {
        id: parsed(headers, ID)?,
        kind: required(headers, KIND)?.to_owned(),
        aggregate_id: parsed(headers, SUBJECT)?,
        aggregate_version: parsed(headers, VERSION)?,
        occurred_at: time,
        traceparent: text(headers, TRACE)?.or(text(headers, TRACE_PLAIN)?).map(str::to_owned),
        payload: payload.unwrap_or_default().to_vec(),
    })
}

fn text<'a>(headers: &'a impl Headers, name: &'static str) -> Result<Option<&'a str>, Error> {
    let Some(value) = headers.iter().find(|header| header.key == name).and_then(|header| header.value) else {
        return Ok(None);
    };
    std::str::from_utf8(value).map(Some).map_err(|error| unreadable(name, error))
}

fn required<'a>(headers: &'a impl Headers, name: &'static str) -> Result<&'a str, Error> {
    text(headers, name)?.filter(|value| !value.is_empty()).ok_or(Error::Missing(name))
}

fn parsed<T: FromStr<Err: Display>>(headers: &impl Headers, name: &'static str) -> Result<T, Error> {
    required(headers, name)?.parse().map_err(|error: T::Err| unreadable(name, error))
}

fn expect(headers: &impl Headers, name: &'static str, expected: &'static str) -> Result<(), Error> {
    let value = required(headers, name)?;
    if value == expected {
        return Ok(());
    }
    Err(Error::Unknown { name, value: value.chars().take(SHOWN_CHARACTERS).collect(), expected })
}

fn unreadable(name: &'static str, reason: impl Display) -> Error {
    Error::Unreadable { name, reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::EventId;
    use uuid::Uuid;

    fn an_event() -> Envelope {
        Envelope {
            id: EventId::new(),
            kind: "order.confirmed.v1".to_owned(),
            aggregate_id: Uuid::from_u128(7),
            aggregate_version: 3,
            occurred_at: DateTime::from_timestamp_micros(1_750_000_000_123_456).unwrap(),
            traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
            payload: vec![8, 1],
        }
    }

    /// The event's headers with one of them changed or removed.
    fn changed(name: &str, value: Option<&[u8]>) -> OwnedHeaders {
        let kept = of(&an_event(), "/entrepot/my/order");
        let headers = kept
            .iter()
            .filter(|header| header.key != name)
            .fold(OwnedHeaders::new(), |headers, header| headers.insert(Header { ..header }));
        match value {
            Some(value) => headers.insert(Header { key: name, value: Some(value) }),
            None => headers,
        }
    }

    fn refused(name: &str, value: Option<&[u8]>) -> Error {
        event(Some(&changed(name, value)), Some(&[8, 1])).unwrap_err()
    }

    #[test]
    fn an_event_comes_back_as_it_was() {
        let sent = an_event();
        assert_eq!(event(Some(&of(&sent, "/entrepot/my/order")), Some(&[8, 1])).unwrap(), sent);
        let plain = Envelope { traceparent: None, payload: Vec::new(), ..sent };
        assert_eq!(event(Some(&of(&plain, "/entrepot/my/order")), None).unwrap(), plain);
    }

    #[test]
    fn the_headers_are_those_of_cloudevents() {
        let sent = an_event();
        let headers = of(&sent, &source("my.order.v1"));
        let value = |name| text(&headers, name).unwrap().unwrap();
        assert_eq!(value("ce_specversion"), "1.0");
        assert_eq!(value("ce_id"), sent.id.to_string());
        assert_eq!(value("ce_source"), "/entrepot/my/order");
        assert_eq!(value("ce_type"), "order.confirmed.v1");
        assert_eq!(value("ce_time"), "2025-06-15T15:06:40.123456Z");
        assert_eq!(value("ce_subject"), "00000000-0000-0000-0000-000000000007");
        assert_eq!(value("ce_aggregateversion"), "3");
        assert_eq!(value("content-type"), "application/protobuf");
        assert_eq!(value("ce_traceparent"), value("traceparent"));
    }

    #[test]
    fn a_trace_under_its_plain_name_is_kept() {
        let read = event(Some(&changed("ce_traceparent", None)), None).unwrap();
        assert_eq!(read.traceparent, an_event().traceparent);
    }

    #[test]
    fn attributes_of_others_are_passed_over() {
        assert!(event(Some(&changed("ce_dataschema", Some(b"x"))), None).is_ok());
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        assert_eq!(event(None::<&OwnedHeaders>, None), Err(Error::Missing("ce_specversion")));
        for name in ["ce_specversion", "ce_id", "ce_type", "ce_time", "ce_subject", "ce_aggregateversion"] {
            assert_eq!(refused(name, None).to_string(), format!("the header {name} is missing"));
            assert_eq!(refused(name, Some(b"")).to_string(), format!("the header {name} is missing"));
        }
        for name in ["ce_id", "ce_time", "ce_subject", "ce_aggregateversion"] {
            let error = refused(name, Some(b"yesterday")).to_string();
            assert!(error.starts_with(&format!("the header {name} cannot be read")), "{error}");
        }
        assert!(
            refused("ce_type", Some(&[0xff])).to_string().starts_with("the header ce_type cannot be read")
        );
        assert!(matches!(refused("ce_specversion", Some(b"0.3")), Error::Unknown { .. }));
        assert!(matches!(refused("content-type", Some(b"application/json")), Error::Unknown { .. }));
    }
}
