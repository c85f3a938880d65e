//! Where logs and traces go.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use http::Uri;
use http::uri::Scheme;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use settings::{Setting, ValueKind};
use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, filter};

use crate::log_fields::{Object, PlainFields};
use crate::sampler::RatioSampler;
use crate::sender::Sender;
use crate::uncached_filter::UncachedFilter;

/// How long a collector may take with what it is sent, and with the rest when the process ends.
const EXPORT_MAX: Duration = Duration::from_secs(5);
/// Spans of no level finer than this are told of.
const FINEST: LevelFilter = LevelFilter::DEBUG;

/// The settings for logs, at the top of the configuration, and the section `[traces]`.
pub const SETTINGS: &[Setting] = &[
    Setting::new(
        "log",
        ValueKind::Text { must_be: "a filter such as info or warn,order=debug", is: is_filter },
        "What is logged to standard error; prove logs errors only, unless this is set.",
    )
    .default("warn")
    .flag("log", "FILTER"),
    Setting::new("log_json", ValueKind::Switch, "Log one JSON object per line.").default("false").flag("log-json", ""),
    Setting::new(
        "traces.url",
        ValueKind::Text { must_be: "a URL such as http://collector:4317", is: is_collector },
        "For up and serve: a collector that accepts OTLP over gRPC. One that is unreachable delays nothing; what it does not accept is lost.",
    )
    .example("http://collector:4317")
    .flag("traces", "URL"),
    Setting::new(
        "traces.one_in",
        ValueKind::Whole { least: 1, most: 1_000_000, unit: "traces" },
        "Keep one trace in this many; the same for all processes of a hub.",
    )
    .default("1")
    .flag("traces-one-in", "N"),
];

/// What is logged to standard error.
#[derive(Debug, Clone, Copy)]
pub struct Logs<'a> {
    /// As in `RUST_LOG`, such as `info` or `warn,order=debug`.
    pub filter: &'a str,
    /// Whether a line is a JSON object.
    pub json: bool,
}

/// Where traces go, and whose they are.
#[derive(Debug, Clone)]
pub struct Traces {
    /// The collector, which takes OTLP over gRPC: `http://host:4317`.
    pub url: String,
    /// One trace in so many is kept; 1: all.
    pub one_in: u32,
    /// What the process is called there, such as `order`: `service.name`.
    pub service: String,
    /// The hub's code, where the process serves one: `service.namespace`.
    pub hub: Option<String>,
    /// Which of the service's processes it is: `service.instance.id`.
    pub instance: Option<String>,
}

/// What has been set up. [`Telemetry::end`] sends what was not sent yet.
#[derive(Debug)]
#[must_use = "traces that were not sent are lost unless it is ended"]
pub struct Telemetry(Option<SdkTracerProvider>);

/// Sets both up, once, from `main` and within its runtime. An error names the setting and says what is wrong with it. A
/// collector that is away stops nothing: spans that find no room while it is are dropped, and a log line says so.
pub fn init(logs: Logs<'_>, traces: Option<Traces>) -> Result<Telemetry> {
    let provider = traces.map(provider).transpose()?;
    let spans = provider.as_ref().map(|provider| spans(provider.tracer("entrepot")));
    let registry = tracing_subscriber::registry().with(spans).with(lines(logs)?);
    registry.try_init().context("logs are set up already")?;
    Ok(Telemetry(provider))
}

impl Telemetry {
    /// Sends what is left, for as long as [`EXPORT_MAX`] at most.
    pub async fn end(self) {
        let Some(provider) = self.0 else { return };
        let ended = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(EXPORT_MAX)).await;
        if let Ok(Err(error)) = ended {
            tracing::warn!(%error, "the last spans were not accepted");
        }
    }
}

fn lines<S>(logs: Logs<'_>) -> Result<Box<dyn Layer<S> + Send + Sync>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let filter = logs.filter;
    let filter =
        EnvFilter::try_new(filter).map_err(|error| anyhow!("log: `{filter}` is not a filter: {error}"))?;
    let filter = UncachedFilter(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    Ok(if logs.json {
        layer.json().fmt_fields(Object).with_filter(filter).boxed()
    } else {
        layer.compact().fmt_fields(PlainFields).with_filter(filter).boxed()
    })
}

pub(crate) fn spans<S>(tracer: SdkTracer) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_context_activation(false)
        .with_filter(filter::filter_fn(belongs).with_max_level_hint(FINEST))
}

/// A span that says what it is in a trace, and what went wrong within.
fn belongs(metadata: &Metadata<'_>) -> bool {
    if metadata.is_span() {
        metadata.fields().field("otel.kind").is_some() && *metadata.level() <= FINEST
    } else {
        *metadata.level() <= LevelFilter::WARN
    }
}

fn provider(traces: Traces) -> Result<SdkTracerProvider> {
    let Traces { url, one_in, service, hub, instance } = traces;
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(&url)
        .with_timeout(EXPORT_MAX)
        .build()
        .with_context(|| format!("traces.url: `{url}`"))?;
    let named = [("service.namespace", hub), ("service.instance.id", instance)];
    let named = named.into_iter().filter_map(|(key, value)| Some(KeyValue::new(key, value?)));
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource =
        Resource::builder().with_service_name(service).with_attributes(named).with_attribute(version);
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(Sender::new(exporter))
        .with_sampler(RatioSampler(one_in))
        .with_resource(resource.build())
        .build())
}

/// As the exporter reads it: what it would refuse later, or would send somewhere else, is refused here.
fn is_collector(url: &str) -> bool {
    let is_plain = |uri: Uri| {
        let names_nobody = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        uri.scheme() == Some(&Scheme::HTTP) && names_nobody && uri.path() == "/" && uri.query().is_none()
    };
    url.parse().is_ok_and(is_plain)
}

/// A word by itself is a level: as a name it would let nothing through but what nobody calls so.
fn is_filter(text: &str) -> bool {
    let is_level = |part: &str| part.contains(['=', '[']) || part.parse::<LevelFilter>().is_ok();
    EnvFilter::try_new(text).is_ok() && text.split(',').all(is_level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_has_a_plain_address() {
        assert!(is_collector("http://collector:4317"));
        for wrong in [
            "collector:4317",
            "https://collector:4317",
            "http://collector:4317/v1/traces",
            "http://c:1?x=1",
            "http://u:p@c:4317",
            "http://a b:4317",
            "4317",
            "",
        ] {
            assert!(!is_collector(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_level_that_is_none_is_no_filter() {
        for fine in ["info", "off", "warn,order=debug", "error,events::kafka=trace", "[rpc]=debug"] {
            assert!(is_filter(fine), "{fine}");
        }
        for wrong in ["loud", "info,order", "order=loud"] {
            assert!(!is_filter(wrong), "{wrong}");
        }
    }
}
