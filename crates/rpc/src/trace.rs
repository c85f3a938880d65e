//! The spans of calls, as OpenTelemetry's conventions for gRPC have them:
//! <https://opentelemetry.io/docs/specs/semconv/rpc/grpc/>.

use http::HeaderMap;
use tonic::Code;
use tracing::field::Empty;
use tracing::{Span, info_span};

/// The span of a call that is served; it follows the caller's. `path` is `/package.Service/Method`.
pub(crate) fn served(path: &'static str, headers: &HeaderMap) -> Span {
    let (name, service, method) = parts(path);
    let span = info_span!(
        // Within a process, the caller's span is the current one: it is followed by the header, as over TCP.
        parent: None,
        "rpc",
        method = path,
        trace_id = Empty,
        otel.name = name,
        otel.kind = "server",
        otel.status_code = Empty,
        rpc.system = "grpc",
        rpc.service = service,
        rpc.method = method,
        rpc.grpc.status_code = Empty,
    );
    telemetry::extract(&span, headers);
    span
}

/// How a served call ended: with an error if it is the hub's fault.
pub(crate) fn served_with(span: &Span, code: Code) {
    let is_ours = matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    );
    end(span, code, is_ours);
}

/// The span of a call that is made.
pub(crate) fn asked(path: &str) -> Span {
    let (name, service, method) = parts(path);
    info_span!(
        "ask",
        method = path,
        otel.name = name,
        otel.kind = "client",
        otel.status_code = Empty,
        rpc.system = "grpc",
        rpc.service = service,
        rpc.method = method,
        rpc.grpc.status_code = Empty,
    )
}

/// How a call that was made ended.
pub(crate) fn answered_with(span: &Span, code: Code) {
    end(span, code, code != Code::Ok);
}

fn end(span: &Span, code: Code, is_error: bool) {
    span.record("rpc.grpc.status_code", i32::from(code));
    if is_error {
        span.record("otel.status_code", "ERROR");
    }
}

fn parts(path: &str) -> (&str, &str, &str) {
    let name = path.strip_prefix('/').unwrap_or(path);
    let (service, method) = name.split_once('/').unwrap_or((name, ""));
    (name, service, method)
}
