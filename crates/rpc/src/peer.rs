//! Calling another service of the hub: as this service, on behalf of the person at the edge, within the deadline of
//! the call that is being handled.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{HeaderValue, Request, Response, header};
use tokio::time::Instant;
use tonic::body::Body;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tower::Service;
use tracing::Instrument as _;

use crate::{Keys, Role, context, timeout, trace};

/// The header that names the person or system at the hub's edge, as `role:subject`.
pub(crate) const ON_BEHALF_OF: &str = "entrepot-on-behalf-of";
/// How long a call may take that no other call is waiting for.
pub const PEER_DEADLINE_DEFAULT: Duration = Duration::from_secs(5);
/// The longest that a call between services may take.
pub const PEER_DEADLINE_MAX: Duration = Duration::from_secs(20);
/// How long a service's token lasts; it is made anew at half of that.
const TOKEN_TTL: Duration = Duration::from_secs(600);

/// Who a service is to the others.
#[derive(Clone)]
pub struct Identity {
    keys: Keys,
    service: &'static str,
    token: Arc<Mutex<Option<(HeaderValue, Instant)>>>,
}

impl Identity {
    /// The service with this name, such as `order`.
    pub fn new(keys: Keys, service: &'static str) -> Self {
        Self { keys, service, token: Arc::default() }
    }

    /// `Bearer …`; `None` when no token can be made, which the other's gate then refuses.
    fn bearer(&self) -> Option<HeaderValue> {
        let mut kept = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((bearer, made)) = kept.as_ref()
            && made.elapsed() < TOKEN_TTL / 2
        {
            return Some(bearer.clone());
        }
        let token = self.keys.sign(Role::Service, self.service, TOKEN_TTL).ok()?;
        let mut bearer = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
        bearer.set_sensitive(true);
        *kept = Some((bearer.clone(), Instant::now()));
        Some(bearer)
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("service", &self.service).finish_non_exhaustive()
    }
}

/// Another service of the hub: `OfferServiceClient::new(peer)`.
#[derive(Clone, Debug)]
pub struct Peer {
    channel: Channel,
    identity: Identity,
}

impl Peer {
    /// The service behind `channel`, called as `identity`.
    pub fn new(channel: Channel, identity: Identity) -> Self {
        Self { channel, identity }
    }

    fn dress(&self, request: &mut Request<Body>) {
        let context = context::current();
        let left = context
            .as_ref()
            .map_or(PEER_DEADLINE_DEFAULT, |context| {
                context.deadline.saturating_duration_since(Instant::now())
            })
            .min(PEER_DEADLINE_MAX);
        let headers = request.headers_mut();
        let asked =
            headers.get(timeout::HEADER).and_then(|value| value.to_str().ok()).and_then(timeout::parse);
        let left = asked.map_or(left, |asked| asked.min(left));
        if let Ok(value) = HeaderValue::try_from(timeout::format(left)) {
            headers.insert(timeout::HEADER, value);
        }
        if let Some(bearer) = self.identity.bearer() {
            headers.insert(header::AUTHORIZATION, bearer);
        }
        let origin = context.and_then(|context| context.origin);
        if let Some(value) = origin.and_then(|origin| HeaderValue::try_from(origin.principal()).ok()) {
            headers.insert(ON_BEHALF_OF, value);
        }
    }
}

/// How it ended, as far as its beginning tells: what is refused is told there.
fn code(answer: &Response<Body>) -> Code {
    Status::from_header_map(answer.headers()).map_or(Code::Ok, |status| status.code())
}

impl Service<Request<Body>> for Peer {
    type Response = Response<Body>;
    type Error = tonic::transport::Error;
    type Future = BoxFuture<'static, Result<Response<Body>, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::poll_ready(&mut self.channel, cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let span = trace::asked(request.uri().path());
        telemetry::lead(&span, request.headers_mut());
        self.dress(&mut request);
        let answer = self.channel.call(request);
        let told = span.clone();
        let asking = async move {
            let answer = answer.await;
            trace::answered_with(&told, answer.as_ref().map_or(Code::Unavailable, code));
            answer
        };
        Box::pin(asking.instrument(span))
    }
}
