//! The gate before every handler: policy, token, rate, deadline, message size, and what becomes of a panic.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response, header};
use tokio::time::Instant;
use tonic::body::Body;
use tonic::transport::server::TcpConnectInfo;
use tonic::{Code, Status};
use tower::{Layer, Service};

use crate::body::{Bounded, Draining};
use crate::caller::{Deadline, OnBehalfOf};
use crate::context::{self, Context};
use crate::descriptors;
use crate::keys::now_seconds;
use crate::policy::{Method, Policies};
use crate::rate::Limiter;
use crate::server::MESSAGE_BYTES_MAX;
use crate::{Caller, Drain, Policy, Role, Verifier, peer, status, timeout};

/// The deadline of a call whose client names none.
pub const DEADLINE_DEFAULT: Duration = Duration::from_secs(10);
/// The longest deadline of a call with one message each way.
pub const DEADLINE_MAX: Duration = Duration::from_secs(60);
/// The longest that a client may stream in (an import).
pub const STREAM_DEADLINE_MAX: Duration = Duration::from_secs(3600);

/// Health and reflection: for anyone, without deadline.
const SYSTEM_PREFIXES: [&str; 2] = ["/grpc.health.", "/grpc.reflection."];

/// What the gate of one listener knows.
pub(crate) struct Rules {
    pub(crate) policies: Arc<Policies>,
    pub(crate) verifier: Arc<dyn Verifier>,
    /// `None` on internal channels.
    pub(crate) limiter: Option<Limiter>,
    pub(crate) drain: Drain,
    /// Whether this is the internal listener: only there internal RPCs exist and services speak for others.
    pub(crate) internal: bool,
}

/// One call let in.
struct Admission {
    method: Method,
    context: Context,
}

impl Rules {
    fn admit(&self, request: &mut Request<Body>, now: Instant) -> Result<Admission, Status> {
        let method = self
            .policies
            .of(request.uri().path())
            .filter(|method| self.internal || !descriptors::is_internal(method.path))
            .ok_or_else(|| Status::unimplemented("no such RPC here"))?;
        let caller = self.caller(request.headers())?;
        if let Some(limiter) = &self.limiter {
            limiter.check(&principal(caller.as_ref(), request))?;
        }
        permit(method.policy, caller.as_ref())?;
        let origin = self.origin(caller.as_ref(), request.headers())?;
        let deadline = now + patience(&method, request.headers())?;

        let extensions = request.extensions_mut();
        extensions.insert(Deadline(deadline));
        if let Some(caller) = &caller {
            extensions.insert(caller.clone());
        }
        if let Some(origin) = &origin {
            extensions.insert(OnBehalfOf(origin.clone()));
        }
        Ok(Admission { method, context: Context { origin: origin.or(caller), deadline } })
    }

    fn caller(&self, headers: &HeaderMap) -> Result<Option<Caller>, Status> {
        let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
        let bearer = value.to_str().ok().and_then(|text| text.split_once(' '));
        let Some((scheme, token)) = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) else {
            return Err(status::token_missing());
        };
        debug_assert!(!scheme.is_empty(), "a bearer token has its scheme");
        self.verifier.verify(token.trim()).map(Some).map_err(|refusal| {
            // A service whose clock differs signs its next token by this one.
            let now = now_seconds().to_string();
            let metadata = [(peer::VERIFIED_AT, now.as_str())];
            status::reject(Code::Unauthenticated, refusal.reason(), refusal.to_string(), &metadata)
        })
    }

    /// Only a service, and only inside, may speak for another.
    fn origin(&self, caller: Option<&Caller>, headers: &HeaderMap) -> Result<Option<Caller>, Status> {
        let Some(value) = headers.get(peer::ON_BEHALF_OF) else { return Ok(None) };
        if !self.internal || caller.is_none_or(|caller| caller.role != Role::Service) {
            let message = "only a service of the hub speaks on behalf of another";
            return Err(status::reject(Code::PermissionDenied, "ON_BEHALF_OF_REFUSED", message, &[]));
        }
        let origin = value.to_str().ok().and_then(Caller::from_principal);
        origin.map(Some).ok_or_else(|| status::invalid(&[(peer::ON_BEHALF_OF, "must be role:subject")]))
    }
}

/// Whom the rate counts: the token's principal, else the address.
fn principal(caller: Option<&Caller>, request: &Request<Body>) -> String {
    if let Some(caller) = caller {
        return caller.principal();
    }
    let address = request.extensions().get::<TcpConnectInfo>().and_then(TcpConnectInfo::remote_addr);
    address.map_or_else(|| "unknown".to_owned(), |address| address.ip().to_string())
}

fn permit(policy: Policy, caller: Option<&Caller>) -> Result<(), Status> {
    match (policy, caller) {
        (Policy::Public, _) | (Policy::Authenticated, Some(_)) => Ok(()),
        (Policy::Roles(roles), Some(caller)) if roles.contains(&caller.role) => Ok(()),
        (Policy::Roles(roles), Some(caller)) => {
            let allowed = roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ");
            let message = format!("a {} may not call this; it is for: {allowed}", caller.role);
            Err(status::reject(Code::PermissionDenied, "ROLE_NOT_ALLOWED", message, &[]))
        }
        (_, None) => Err(status::token_missing()),
    }
}

/// How long the handler may take.
fn patience(method: &Method, headers: &HeaderMap) -> Result<Duration, Status> {
    let longest = if method.shape.client_streams { STREAM_DEADLINE_MAX } else { DEADLINE_MAX };
    let Some(value) = headers.get(timeout::HEADER) else {
        return Ok(if method.shape.client_streams { longest } else { DEADLINE_DEFAULT });
    };
    let asked = value.to_str().ok().and_then(timeout::parse);
    asked.map(|asked| asked.min(longest)).ok_or_else(|| status::invalid(&[(timeout::HEADER, "is malformed")]))
}

/// Puts the gate before `Routes`.
#[derive(Clone)]
pub(crate) struct Gate(pub(crate) Arc<Rules>);

impl<S> Layer<S> for Gate {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Gated<S> {
        Gated { inner, rules: self.0.clone() }
    }
}

/// `Routes` behind the gate.
#[derive(Clone)]
pub(crate) struct Gated<S> {
    inner: S,
    rules: Arc<Rules>,
}

impl<S> Service<Request<Body>> for Gated<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        if SYSTEM_PREFIXES.iter().any(|prefix| request.uri().path().starts_with(prefix)) {
            let drain = self.rules.drain.clone();
            let answer = self.inner.call(request);
            return Box::pin(async move { Ok(end_with(answer.await?, &drain)) });
        }
        // Taken here and not in the future: tonic's own timer for `grpc-timeout`, which would answer CANCELLED,
        // is started after this call and so never rings first.
        let now = Instant::now();
        let Admission { method, context } = match self.rules.admit(&mut request, now) {
            Ok(admission) => admission,
            Err(status) => return Box::pin(std::future::ready(Ok(status.into_http()))),
        };
        let request = request.map(|body| Body::new(Bounded::new(body, MESSAGE_BYTES_MAX)));
        let deadline = context.deadline;
        let timer = tokio::time::sleep_until(deadline);
        let handled = AssertUnwindSafe(context::scope(context, self.inner.call(request))).catch_unwind();
        let drain = self.rules.drain.clone();
        Box::pin(async move {
            let answer = tokio::select! {
                biased;
                answer = handled => answer,
                () = timer => return Ok(status::deadline_exceeded().into_http()),
            };
            match answer {
                Ok(Ok(response)) if method.shape.server_streams => Ok(end_with(response, &drain)),
                Ok(response) => response,
                Err(_) => Ok(status::internal("the handler panicked").into_http()),
            }
        })
    }
}

fn end_with(response: Response<Body>, drain: &Drain) -> Response<Body> {
    response.map(|body| Body::new(Draining::new(body, drain.begun_owned())))
}
