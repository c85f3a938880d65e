//! An event with what the bus must know of it: the attributes of a CloudEvent and a protobuf payload.

use chrono::{DateTime, Utc};
use kernel::EventId;
use uuid::Uuid;

use crate::HandlerError;

/// An event on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Its id: the same event has the same one however often it comes.
    pub id: EventId,
    /// What has happened, such as `order.confirmed.v1`.
    pub kind: String,
    /// What it is about; events of one aggregate come in order.
    pub aggregate_id: Uuid,
    /// The version of that after the change; larger than of the event before.
    pub aggregate_version: i64,
    /// When, in the hub's time.
    pub occurred_at: DateTime<Utc>,
    /// The trace that it belongs to (W3C), if there is one.
    pub traceparent: Option<String>,
    /// The message, as protobuf.
    pub payload: Vec<u8>,
}

impl Envelope {
    /// A new event, of the trace that is going on.
    pub fn of<E: proto::Event>(
        aggregate_id: impl Into<Uuid>,
        aggregate_version: i64,
        occurred_at: DateTime<Utc>,
        message: &E,
    ) -> Self {
        Self::new(E::KIND, aggregate_id, aggregate_version, occurred_at, message)
    }

    /// A new event of a kind that has no message in the protos.
    pub fn new<M: prost::Message>(
        kind: &'static str,
        aggregate_id: impl Into<Uuid>,
        aggregate_version: i64,
        occurred_at: DateTime<Utc>,
        message: &M,
    ) -> Self {
        Self {
            id: EventId::new(),
            kind: kind.to_owned(),
            aggregate_id: aggregate_id.into(),
            aggregate_version,
            occurred_at,
            traceparent: telemetry::traceparent(),
            payload: message.encode_to_vec(),
        }
    }

    /// Its message. What cannot be read now can never be: a poison.
    pub fn decode<M: prost::Message + Default>(&self) -> Result<M, HandlerError> {
        M::decode(self.payload.as_slice()).map_err(|error| {
            HandlerError::Poison(format!("the payload of {} cannot be read: {error}", self.kind))
        })
    }
}

/// An event as a row: the same columns in the outbox and among the parked.
#[derive(sqlx::FromRow)]
pub(crate) struct EnvelopeRow {
    #[sqlx(try_from = "Uuid")]
    event_id: EventId,
    kind: String,
    aggregate_id: Uuid,
    aggregate_version: i64,
    occurred_at: DateTime<Utc>,
    traceparent: Option<String>,
    payload: Vec<u8>,
}

impl From<EnvelopeRow> for Envelope {
    fn from(row: EnvelopeRow) -> Self {
        Self {
            id: row.event_id,
            kind: row.kind,
            aggregate_id: row.aggregate_id,
            aggregate_version: row.aggregate_version,
            occurred_at: row.occurred_at,
            traceparent: row.traceparent,
            payload: row.payload,
        }
    }
}

/// The topic of a service's events: `my.order.v1`.
pub fn topic(hub: &str, service: &str) -> String {
    format!("{hub}.{service}.v1")
}
