//! The way to a service: over TCP, or within the process.

use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{Request, Response};
use tonic::body::Body;
use tonic::transport;
use tower::Service;

use crate::in_process::{self, InProcess, ServerEnd};

/// A way to a service: `OrderServiceClient::new(channel)`. Cheap to clone.
#[derive(Clone)]
pub struct Channel(Way);

#[derive(Clone)]
enum Way {
    Tcp(transport::Channel),
    InProcess(InProcess),
}

impl Channel {
    /// A channel within the process, and the end that its server serves.
    pub fn in_process() -> (Self, ServerEnd) {
        let (channel, serving) = in_process::ends();
        (Self(Way::InProcess(channel)), serving)
    }
}

impl From<transport::Channel> for Channel {
    fn from(channel: transport::Channel) -> Self {
        Self(Way::Tcp(channel))
    }
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let is_in_process = matches!(self.0, Way::InProcess(_));
        f.debug_struct("Channel").field("in_process", &is_in_process).finish_non_exhaustive()
    }
}

impl Service<Request<Body>> for Channel {
    type Response = Response<Body>;
    type Error = transport::Error;
    type Future = BoxFuture<'static, Result<Response<Body>, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        match &mut self.0 {
            Way::Tcp(channel) => Service::poll_ready(channel, cx),
            Way::InProcess(_) => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match &mut self.0 {
            Way::Tcp(channel) => Box::pin(channel.call(request)),
            Way::InProcess(way) => {
                let answer = way.call(request);
                Box::pin(async move { Ok(answer.await) })
            }
        }
    }
}
