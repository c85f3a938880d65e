//! A trace on its way between processes: W3C Trace Context, <https://www.w3.org/TR/trace-context/>.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator as _};
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// Lets a span that was just made follow the one that these headers tell of, or begin a trace; what is malformed counts
/// as absent. Its field `trace_id`, if it has one, is set: log lines are found by it.
pub fn extract(span: &Span, headers: &HeaderMap) {
    extract_carried(span, &Read(headers));
}

/// As [`extract`], for a `traceparent` alone.
pub fn extract_traceparent(span: &Span, traceparent: Option<&str>) {
    extract_carried(span, &Traceparent(traceparent));
}

/// Tells of a span in the headers of what it asks for.
pub fn inject(span: &Span, headers: &mut HeaderMap) {
    if !span.is_disabled() {
        TraceContextPropagator::new().inject_context(&span.context(), &mut Written(headers));
    }
}

/// The `traceparent` of the work that is being done; `None` where it belongs to no trace.
pub fn traceparent() -> Option<String> {
    traceparent_of(&Span::current())
}

/// The `traceparent` of a span.
pub fn traceparent_of(span: &Span) -> Option<String> {
    let context = context_of(span)?;
    Some(format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), context.trace_flags()))
}

fn context_of(span: &Span) -> Option<SpanContext> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let context = context.span().span_context().clone();
    context.is_valid().then_some(context)
}

fn extract_carried(span: &Span, carrier: &dyn Extractor) {
    if span.is_disabled() {
        return;
    }
    let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), carrier);
    if parent.has_active_span() {
        // Fails where traces are off.
        drop(span.set_parent(parent));
    }
    if let Some(context) = context_of(span) {
        span.record("trace_id", tracing::field::display(context.trace_id()));
    }
}

struct Read<'a>(&'a HeaderMap);

impl Extractor for Read<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct Written<'a>(&'a mut HeaderMap);

impl Injector for Written<'_> {
    fn set(&mut self, key: &str, value: String) {
        // An empty `tracestate` says nothing.
        let named = HeaderName::try_from(key).ok().filter(|_| !value.is_empty());
        if let (Some(name), Ok(value)) = (named, HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}

struct Traceparent<'a>(Option<&'a str>);

impl Extractor for Traceparent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.filter(|_| key == "traceparent")
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing::info_span;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn traced(work: impl FnOnce()) {
        let provider = SdkTracerProvider::builder().build();
        let layer = crate::setup::spans(provider.tracer("test"));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
    }

    fn a_span() -> Span {
        info_span!("work", otel.kind = "server")
    }

    fn headers(of: &[(&'static str, &str)]) -> HeaderMap {
        of.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_trace_goes_on_from_headers_to_headers() {
        traced(|| {
            let span = a_span();
            extract(&span, &headers(&[("traceparent", PARENT), ("tracestate", "shop=7")]));
            let mut sent = HeaderMap::new();
            inject(&span, &mut sent);
            let traceparent = sent["traceparent"].to_str().unwrap();
            assert!(
                traceparent.starts_with(&format!("00-{TRACE}-")) && traceparent != PARENT,
                "{traceparent}"
            );
            assert_eq!(sent["tracestate"], "shop=7");
            assert_eq!(traceparent_of(&span).as_deref(), Some(traceparent));
        });
    }

    #[test]
    fn a_trace_goes_on_from_an_event_to_what_it_brings_about() {
        traced(|| {
            let span = a_span();
            extract_traceparent(&span, Some(PARENT));
            span.in_scope(|| assert!(traceparent().unwrap().contains(TRACE)));
        });
    }

    #[test]
    fn what_is_malformed_or_absent_begins_a_trace() {
        let wrong = ["", "00", "00-0-0-01", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "ü"];
        traced(|| {
            for told in wrong.map(Some).into_iter().chain([None]) {
                let span = a_span();
                extract_traceparent(&span, told);
                let own = traceparent_of(&span).unwrap();
                assert!(!own.contains(TRACE) && own.len() == PARENT.len(), "{told:?}: {own}");
            }
        });
    }

    #[test]
    fn where_traces_are_off_nothing_is_told() {
        tracing::subscriber::with_default(tracing_subscriber::registry(), || {
            let span = a_span();
            extract_traceparent(&span, Some(PARENT));
            let mut sent = HeaderMap::new();
            inject(&span, &mut sent);
            assert!(sent.is_empty() && traceparent_of(&span).is_none());
        });
        assert_eq!(traceparent(), None);
    }
}
