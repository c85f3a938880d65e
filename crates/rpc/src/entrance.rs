//! Before all else: requests that are no calls (a browser's preflight, a method or a content type that no call has) are
//! answered before the gate, and are counted here, by the address that they come from.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{HeaderValue, Request, Response, StatusCode, header};
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

use crate::gate::Rules;
use crate::{status, wire};

/// Counts what is no call.
#[derive(Clone)]
pub(crate) struct Entrance(pub(crate) Arc<Rules>);

impl<S> Layer<S> for Entrance {
    type Service = Entered<S>;

    fn layer(&self, inner: S) -> Entered<S> {
        Entered { inner, rules: self.0.clone() }
    }
}

/// What stands behind [`Entrance`].
#[derive(Clone)]
pub(crate) struct Entered<S> {
    inner: S,
    rules: Arc<Rules>,
}

impl<S> Service<Request<Body>> for Entered<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if !wire::is_call(&request)
            && let Err(status) = self.rules.count_by_address(&request)
        {
            return Box::pin(std::future::ready(Ok(too_many(&status))));
        }
        Box::pin(self.inner.call(request))
    }
}

fn too_many(status: &Status) -> Response<Body> {
    let mut response = wire::told(status, StatusCode::TOO_MANY_REQUESTS);
    let seconds = status::retry_after(status).map_or(1, |wait| wait.max(Duration::from_secs(1)).as_secs());
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}
