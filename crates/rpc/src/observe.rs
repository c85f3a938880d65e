//! What is seen of each call to a listener, from its beginning to the end of its answer: it is counted, and it is a span.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body::{Frame, SizeHint};
use tonic::body::Body;
use tonic::{Code, Status};
use tracing::{Instrument as _, Span};

use crate::metrics::{HubMetrics, Tally};
use crate::middleware::{InnerService, Middleware, ResponseFuture};
use crate::policy::Policies;
use crate::trace;

/// Watches the calls of a listener.
#[derive(Clone)]
pub(crate) struct CallObserver {
    /// `None`: they are not counted.
    pub(crate) metrics: Option<HubMetrics>,
    pub(crate) policies: Arc<Policies>,
    pub(crate) listener: &'static str,
}

impl Middleware for CallObserver {
    fn call(&self, behind: &mut impl InnerService, request: Request<Body>) -> ResponseFuture {
        let CallObserver { metrics, policies, listener } = self;
        let path = request.uri().path();
        let span =
            policies.of(path).map_or_else(Span::none, |method| trace::served(method.path, request.headers()));
        let tally = metrics.as_ref().map(|metrics| Tally::begin(metrics, listener, policies, path));
        let answer = span.in_scope(|| behind.call(request));
        let mut call = Call { tally, span: span.clone(), code: None };
        let watched = async move {
            let answer = answer.await?;
            call.answered(answer.headers());
            Ok(answer.map(|body| Body::new(Answer { inner: body, call })))
        };
        Box::pin(watched.instrument(span))
    }
}

/// A call; it has ended when it is dropped.
struct Call {
    tally: Option<Tally>,
    span: Span,
    code: Option<Code>,
}

impl Call {
    fn answered(&mut self, headers: &HeaderMap) {
        if let Some(tally) = &self.tally {
            tally.answered();
        }
        self.ended(headers);
    }

    fn ended(&mut self, headers: &HeaderMap) {
        self.code = Status::from_header_map(headers).map(|status| status.code()).or(self.code);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let code = self.code.unwrap_or(Code::Cancelled);
        trace::served_with(&self.span, code);
        if let Some(tally) = &self.tally {
            tally.ended(code);
        }
    }
}

/// The body of an answer: how the call ended stands behind it.
struct Answer {
    inner: Body,
    call: Call,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let span = self.call.span.clone();
        let frame = std::task::ready!(span.in_scope(|| Pin::new(&mut self.inner).poll_frame(cx)));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    self.call.ended(trailers);
                }
            }
            Some(Err(status)) => self.call.code = Some(status.code()),
            None => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
