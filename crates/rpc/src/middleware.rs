//! A stage on a request's way through a server: it answers the request itself, or hands it on to what stands behind.

use std::convert::Infallible;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{Request, Response};
use tonic::body::Body;
use tower::{Layer, Service};

/// What becomes of a request.
pub(crate) type ResponseFuture = BoxFuture<'static, Result<Response<Body>, Infallible>>;

/// What stands behind a stage.
pub(crate) trait InnerService:
    Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send + 'static>
{
}

impl<S> InnerService for S where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send + 'static>
{
}

/// What a stage does.
pub(crate) trait Middleware: Clone {
    fn call(&self, behind: &mut impl InnerService, request: Request<Body>) -> ResponseFuture;
}

/// An answer that is there already.
pub(crate) fn answered(response: Response<Body>) -> ResponseFuture {
    Box::pin(std::future::ready(Ok(response)))
}

/// Puts a stage before what stands behind it.
#[derive(Clone)]
pub(crate) struct MiddlewareLayer<T>(pub(crate) T);

impl<T: Middleware, S> Layer<S> for MiddlewareLayer<T> {
    type Service = Layered<T, S>;

    fn layer(&self, behind: S) -> Layered<T, S> {
        Layered { stage: self.0.clone(), behind }
    }
}

/// A stage with what stands behind it.
#[derive(Clone)]
pub(crate) struct Layered<T, S> {
    stage: T,
    behind: S,
}

impl<T: Middleware, S: InnerService> Service<Request<Body>> for Layered<T, S> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.behind.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> ResponseFuture {
        self.stage.call(&mut self.behind, request)
    }
}
