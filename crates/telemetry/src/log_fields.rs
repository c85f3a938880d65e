//! What a log line shows of the spans that it stands in: all but what is meant for traces alone.

use std::error::Error;
use std::fmt;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::Record;
use tracing_subscriber::field::{RecordFields, VisitOutput as _};
use tracing_subscriber::fmt::FormattedFields;
use tracing_subscriber::fmt::format::{DefaultVisitor, FormatFields, JsonVisitor, Writer};

/// Fields with these prefixes are OpenTelemetry's conventions.
const HIDDEN: [&str; 3] = ["otel.", "rpc.", "messaging."];

/// `key=value`, with spaces between.
#[derive(Debug)]
pub(crate) struct PlainFields;

impl<'w> FormatFields<'w> for PlainFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut visitor = DefaultVisitor::new(writer, true);
        fields.record(&mut Passing(&mut visitor));
        visitor.finish()
    }
}

/// A JSON object.
#[derive(Debug)]
pub(crate) struct Object;

impl<'w> FormatFields<'w> for Object {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut visitor = JsonVisitor::new(&mut writer);
        fields.record(&mut Passing(&mut visitor));
        visitor.finish()
    }

    /// One object, with what a span was told later.
    fn add_fields(&self, current: &'w mut FormattedFields<Self>, fields: &Record<'_>) -> fmt::Result {
        let mut told = FormattedFields::<Self>::new(String::new());
        self.format_fields(told.as_writer(), fields)?;
        let object = |text: &str| serde_json::from_str::<Map<String, Value>>(text).map_err(|_| fmt::Error);
        let mut all = if current.fields.is_empty() { Map::new() } else { object(&current.fields)? };
        all.extend(object(&told.fields)?);
        current.fields = Value::Object(all).to_string();
        Ok(())
    }
}

struct Passing<'a>(&'a mut dyn Visit);

macro_rules! pass {
    ($($method:ident: $value:ty),* $(,)?) => {
        $(fn $method(&mut self, field: &Field, value: $value) {
            if !HIDDEN.iter().any(|prefix| field.name().starts_with(prefix)) {
                self.0.$method(field, value);
            }
        })*
    };
}

impl Visit for Passing<'_> {
    pass! {
        record_f64: f64,
        record_i64: i64,
        record_u64: u64,
        record_i128: i128,
        record_u128: u128,
        record_bool: bool,
        record_str: &str,
        record_bytes: &[u8],
        record_error: &(dyn Error + 'static),
        record_debug: &dyn fmt::Debug,
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing::field::Empty;
    use tracing::{info, info_span};
    use tracing_subscriber::fmt::{MakeWriter, layer};
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::{Layer, Registry};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Kept {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    fn logged<L: Layer<Registry> + Send + Sync>(layer: impl FnOnce(Kept) -> L) -> String {
        let kept = Kept::default();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer(kept.clone())), || {
            let span = info_span!(
                "rpc",
                method = "PlaceOrder",
                trace_id = Empty,
                otel.kind = "server",
                rpc.system = "grpc"
            );
            span.record("trace_id", "4bf92f");
            span.record("otel.kind", "client");
            span.in_scope(|| info!(units = 2, "it went well"));
        });
        String::from_utf8(kept.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_sentence_shows_what_is_meant_for_it() {
        let line =
            logged(|kept| layer().compact().with_ansi(false).fmt_fields(PlainFields).with_writer(kept));
        assert!(line.contains(r#"it went well units=2 method="PlaceOrder" trace_id="4bf92f""#), "{line}");
        assert!(!line.contains("otel.") && !line.contains("rpc."), "{line}");
    }

    #[test]
    fn an_object_shows_what_is_meant_for_it() {
        let line = logged(|kept| layer().json().fmt_fields(Object).with_writer(kept));
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["fields"]["units"], 2);
        let expected = serde_json::json!({"name": "rpc", "method": "PlaceOrder", "trace_id": "4bf92f"});
        assert_eq!(line["span"], expected);
    }
}
