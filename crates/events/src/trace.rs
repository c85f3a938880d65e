//! The spans of events, as OpenTelemetry's conventions for messaging have them:
//! <https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/>. What published an event follows what told of
//! it, and what it brings about follows that.

use tracing::field::Empty;
use tracing::{Span, info_span};

use crate::Envelope;

/// The span of handing an event over to the bus.
pub(crate) fn published(topic: &str, event: &Envelope) -> Span {
    let span = info_span!(
        "publish",
        event.kind,
        event.id = %event.id,
        trace_id = Empty,
        otel.name = display(format_args!("publish {}", event.kind)),
        otel.kind = "producer",
        otel.status_code = Empty,
        messaging.operation.type = "send",
        messaging.destination.name = topic,
        messaging.message.id = %event.id,
        aggregate.id = %event.aggregate_id,
    );
    telemetry::extract_traceparent(&span, event.traceparent.as_deref());
    span
}

/// The span of an event's taking effect at a consumer.
pub(crate) fn consumed(consumer: &'static str, event: &Envelope) -> Span {
    let span = info_span!(
        "consume",
        consumer,
        event.kind,
        event.id = %event.id,
        trace_id = Empty,
        otel.name = display(format_args!("process {}", event.kind)),
        otel.kind = "consumer",
        messaging.operation.type = "process",
        messaging.consumer.group.name = consumer,
        messaging.message.id = %event.id,
        aggregate.id = %event.aggregate_id,
    );
    telemetry::extract_traceparent(&span, event.traceparent.as_deref());
    span
}
