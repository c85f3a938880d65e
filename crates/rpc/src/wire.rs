//! What is wrong with a call before it is one: its HTTP method, its content type; and an answer that comes before its
//! request was read.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use http_body::{Body as _, Frame, SizeHint};
use tokio::sync::oneshot;
use tonic::body::Body;
use tonic::{Code, Status};

use crate::limits::MESSAGE_BYTES_MAX;
use crate::middleware::{InnerService, Middleware, ResponseFuture, answered};
use crate::status;

/// gRPC's own content types, and those of gRPC-Web.
const GRPC: [&str; 2] = ["application/grpc", "application/grpc+proto"];
const GRPC_WEB: [&str; 4] = [
    "application/grpc-web",
    "application/grpc-web+proto",
    "application/grpc-web-text",
    "application/grpc-web-text+proto",
];
/// How much of a request that was answered is read on, so that its sender comes to read the answer: a message, also in
/// base64.
const READ_ON_BYTES_MAX: usize = 2 * MESSAGE_BYTES_MAX;
/// And for how long.
const READ_ON_MAX: Duration = Duration::from_secs(5);

/// Looks at each request before it is a call.
#[derive(Clone, Copy)]
pub(crate) struct WireCheck;

impl Middleware for WireCheck {
    fn call(&self, behind: &mut impl InnerService, mut request: Request<Body>) -> ResponseFuture {
        // HTTP/2 ends a request by itself. Over HTTP/1.1 a connection that closes on what is still being sent is an error
        // to its sender, who then never reads the answer.
        let reads_on = request.version() < Version::HTTP_2 && !request.headers().contains_key(header::EXPECT);
        let refused = refusal(&mut request);
        if !reads_on {
            return match refused {
                Some(response) => answered(response),
                None => Box::pin(behind.call(request)),
            };
        }
        let (lender, mut lent) = oneshot::channel();
        let request =
            request.map(|body| Body::new(RecoverableBody { body: Some(body), lender: Some(lender) }));
        let answer = match refused {
            Some(response) => {
                drop(request);
                Err(response)
            }
            None => Ok(behind.call(request)),
        };
        Box::pin(async move {
            let response = match answer {
                Ok(answer) => answer.await?,
                Err(response) => response,
            };
            if let Ok(body) = lent.try_recv() {
                read_on(body).await;
            }
            Ok(response)
        })
    }
}

/// Whether it is as a call is: what [`WireCheck`] does not refuse.
pub(crate) fn is_call(request: &Request<Body>) -> bool {
    request.method() == Method::POST && type_of_call(request).is_some_and(|known| known.is_ok())
}

/// The content type, if calls have it; an error where the HTTP version does not bear it.
fn type_of_call(request: &Request<Body>) -> Option<Result<&'static str, ()>> {
    let known = known_type(request.headers())?;
    let is_borne = request.version() == Version::HTTP_2 || GRPC_WEB.contains(&known);
    Some(if is_borne { Ok(known) } else { Err(()) })
}

/// The answer to what is no call.
fn refusal(request: &mut Request<Body>) -> Option<Response<Body>> {
    if request.method() != Method::POST {
        let message = format!("a call must be a POST, not a {}", request.method());
        let status = status::reject(Code::InvalidArgument, "HTTP_METHOD_NOT_ALLOWED", message, &[]);
        let mut response = told(&status, StatusCode::METHOD_NOT_ALLOWED);
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        return Some(response);
    }
    match type_of_call(request) {
        // Without its parameters: tonic takes a gRPC-Web type by its letters.
        Some(Ok(known)) => {
            request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(known));
            None
        }
        Some(Err(())) => {
            let message =
                "gRPC needs HTTP/2; over HTTP/1.1 use gRPC-Web: `content-type: application/grpc-web`";
            Some(wrong_type(message))
        }
        None => {
            Some(wrong_type("the content-type must be application/grpc or application/grpc-web, with +proto"))
        }
    }
}

fn known_type(headers: &HeaderMap) -> Option<&'static str> {
    let told = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let told = told.split(';').next().unwrap_or_default().trim();
    GRPC.into_iter().chain(GRPC_WEB).find(|known| known.eq_ignore_ascii_case(told))
}

fn wrong_type(message: &str) -> Response<Body> {
    let status = status::reject(Code::InvalidArgument, "CONTENT_TYPE_NOT_SUPPORTED", message, &[]);
    told(&status, StatusCode::UNSUPPORTED_MEDIA_TYPE)
}

/// An answer that says why in both HTTP's and gRPC's way.
pub(crate) fn told(status: &Status, code: StatusCode) -> Response<Body> {
    let mut response = status.clone().into_http();
    *response.status_mut() = code;
    response
}

/// Reads what is still to come, within bounds, and keeps nothing of it.
async fn read_on(mut body: Body) {
    let mut left = READ_ON_BYTES_MAX;
    let reading = async {
        while let Some(Ok(frame)) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                return;
            }
        }
    };
    // Past it the sender is answered all the same.
    if tokio::time::timeout(READ_ON_MAX, reading).await.is_err() {
        tracing::debug!("the rest of an answered request did not arrive in time");
    }
}

/// A request's body that comes back when it is dropped before its end.
struct RecoverableBody {
    body: Option<Body>,
    lender: Option<oneshot::Sender<Body>>,
}

impl http_body::Body for RecoverableBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = std::task::ready!(Pin::new(body).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or(SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for RecoverableBody {
    fn drop(&mut self) {
        if let (Some(body), Some(lender)) = (self.body.take(), self.lender.take()) {
            // Nobody waits for it once the answer has begun.
            drop(lender.send(body));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: Method, version: Version, content_type: &str) -> Option<(StatusCode, Option<String>)> {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method;
        *request.version_mut() = version;
        request.headers_mut().insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        let response = refusal(&mut request)?;
        let told = Status::from_header_map(response.headers()).unwrap();
        Some((response.status(), status::reason(&told)))
    }

    #[test]
    fn what_is_no_call_is_told_with_its_reason() {
        let (one, two) = (Version::HTTP_11, Version::HTTP_2);
        for (version, fine) in [
            (two, "application/grpc"),
            (two, "application/grpc+proto; charset=utf-8"),
            (two, "application/grpc-web+proto"),
            (one, "application/grpc-web"),
            (one, "Application/gRPC-Web-Text"),
            (one, "application/grpc-web-text+proto;x=y"),
        ] {
            assert_eq!(asked(Method::POST, version, fine), None, "{fine}");
        }
        let unsupported =
            Some((StatusCode::UNSUPPORTED_MEDIA_TYPE, Some("CONTENT_TYPE_NOT_SUPPORTED".to_owned())));
        for (version, wrong) in [
            (one, "application/grpc"),
            (two, "application/json"),
            (two, "application/grpc+json"),
            (two, "text/html"),
            (one, ""),
        ] {
            assert_eq!(asked(Method::POST, version, wrong), unsupported, "{wrong}");
        }
        let not_allowed = Some((StatusCode::METHOD_NOT_ALLOWED, Some("HTTP_METHOD_NOT_ALLOWED".to_owned())));
        assert_eq!(asked(Method::GET, two, "application/grpc"), not_allowed);
    }
}
