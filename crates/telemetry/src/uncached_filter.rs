//! A filter that is asked each time.

use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Filter};

/// Asks a layer's filter about each span and each event.
///
/// `tracing` remembers where all filters always say yes, and then takes what was last found on the thread instead of asking
/// them: also where it was only a question, as each line that librdkafka logs below the level is. What came next would be lost.
pub(crate) struct UncachedFilter<F>(pub(crate) F);

impl<S: Subscriber, F: Filter<S>> Filter<S> for UncachedFilter<F> {
    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        let interest = self.0.callsite_enabled(metadata);
        if interest.is_always() { Interest::sometimes() } else { interest }
    }

    fn enabled(&self, metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool {
        self.0.enabled(metadata, context)
    }

    fn event_enabled(&self, event: &Event<'_>, context: &Context<'_, S>) -> bool {
        self.0.event_enabled(event, context)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.0.max_level_hint()
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        self.0.on_new_span(attributes, id, context);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        self.0.on_record(id, values, context);
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        self.0.on_enter(id, context);
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        self.0.on_exit(id, context);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        self.0.on_close(id, context);
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing::info_span;
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::{EnvFilter, Layer as _};

    use super::*;

    #[test]
    fn a_span_is_not_lost_to_a_question() {
        let provider = SdkTracerProvider::builder().build();
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::sink);
        let subscriber = tracing_subscriber::registry()
            .with(crate::setup::spans(provider.tracer("test")))
            .with(lines.with_filter(UncachedFilter(EnvFilter::new("info"))));
        tracing::subscriber::with_default(subscriber, || {
            let of_no_trace = info_span!("asked about");
            for _ in 0..3 {
                tracing::dispatcher::get_default(|asked| asked.enabled(of_no_trace.metadata().unwrap()));
                let span = info_span!("work", otel.kind = "server");
                assert!(crate::traceparent_of(&span).is_some());
            }
        });
    }
}
