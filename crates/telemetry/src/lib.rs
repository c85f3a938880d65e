//! The telemetry of a process: logs, as one readable sentence per line or as JSON, and traces (OpenTelemetry).
//!
//! A span that says its `otel.kind` belongs to a trace; any other is for logs alone. A trace goes with the work from one
//! process to the next by W3C's `traceparent`: in the headers of calls ([`extract`], [`inject`]), and in the outbox and the
//! headers of events ([`traceparent`], [`extract_traceparent`]). Where traces are off, all of these do nothing.
//! Spans and logs hold ids, names of RPCs and of events, and how things ended: nothing of a person.

mod log_fields;
mod propagation;
mod sampler;
mod sender;
mod setup;
mod uncached_filter;

pub use propagation::{extract, extract_traceparent, inject, traceparent, traceparent_of};
pub use setup::{Logs, SETTINGS, Telemetry, Traces, init};
