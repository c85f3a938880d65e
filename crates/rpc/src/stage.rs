//! A stage on a request's way through a server: it answers the request itself, or hands it on to what stands behind.

use std::convert::Infallible;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{Request, Response};
use tonic::body::Body;
use tower::{Layer, Service};

/// What becomes of a request.
pub(crate) type Answering = BoxFuture<'static, Result<Response<Body>, Infallible>>;

/// What stands behind a stage.
pub(crate) trait Behind:
    Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send + 'static>
{
}

impl<S> Behind for S where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send + 'static>
{
}

/// What a stage does.
pub(crate) trait Stage: Clone {
    fn call(&self, behind: &mut impl Behind, request: Request<Body>) -> Answering;
}

/// An answer that is there already.
pub(crate) fn answered(response: Response<Body>) -> Answering {
    Box::pin(std::future::ready(Ok(response)))
}

/// Puts a stage before what stands behind it.
#[derive(Clone)]
pub(crate) struct Before<T>(pub(crate) T);

impl<T: Stage, S> Layer<S> for Before<T> {
    type Service = Staged<T, S>;

    fn layer(&self, behind: S) -> Staged<T, S> {
        Staged { stage: self.0.clone(), behind }
    }
}

/// A stage with what stands behind it.
#[derive(Clone)]
pub(crate) struct Staged<T, S> {
    stage: T,
    behind: S,
}

impl<T: Stage, S: Behind> Service<Request<Body>> for Staged<T, S> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.behind.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Answering {
        self.stage.call(&mut self.behind, request)
    }
}
