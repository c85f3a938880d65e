//! The gate before every handler: policy, token, rate, deadline, message size, and what becomes of a panic.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response, header};
use tokio::time::Instant;
use tonic::body::Body;
use tonic::{Code, Status};

use crate::body::{Bounded, Bounds, MessageCheck, Refused};
use crate::budget::{Budgets, CALL_BYTES, HeldBytes};
use crate::caller::{Client, Deadline, OnBehalfOf};
use crate::connection::Connection;
use crate::context::{self, Context};
use crate::descriptors::{self, StreamKinds};
use crate::fields::Fields;
use crate::keyed_counter::{CountGuard, KeyedCounter};
use crate::keys::now_seconds;
use crate::limits::{DEADLINE_DEFAULT, MESSAGE_BYTES_MAX};
use crate::middleware::{InnerService, Middleware, ResponseFuture, answered};
use crate::policy::{Method, Policies};
use crate::rate::Limiter;
use crate::response_body::{self, InFlightResponse, ResponseBody, StreamEnd};
use crate::{
    Caller, Drain, Limits, Policy, Role, TokenError, Verified, Verifier, address, peer, status, timeout,
};

/// Health and reflection: for anyone, without deadline.
const SYSTEM_PREFIXES: [&str; 2] = ["/grpc.health.", "/grpc.reflection."];
/// What they are, but for the one question of a probe.
const SYSTEM_SHAPE: StreamKinds = StreamKinds { client_streams: true, server_streams: true };
const SYSTEM_UNARY: &str = "/Check";
/// The longest question to them.
const SYSTEM_MESSAGE_BYTES_MAX: usize = 4 * 1024;
/// How long a streaming answer lasts whose listener has no bounds of its own.
const STREAM_AGE_MAX: Duration = Duration::from_secs(3_600);
/// After how long a client shall try again that has too many streams.
const STREAMS_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What the gate of one listener knows.
pub(crate) struct Rules {
    pub(crate) policies: Arc<Policies>,
    pub(crate) verifier: Arc<dyn Verifier>,
    /// `None` where services alone call.
    pub(crate) public: Option<PublicRules>,
    pub(crate) drain: Drain,
    /// Whether this is the internal listener: only there internal RPCs exist and services speak for others.
    pub(crate) internal: bool,
}

/// What bounds those who call from outside.
pub(crate) struct PublicRules {
    pub(crate) limiter: Arc<Limiter>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) budgets: Arc<Budgets>,
    pub(crate) streams: KeyedCounter,
}

/// One call let in.
struct Admission {
    shape: StreamKinds,
    context: Option<Context>,
    message_bytes_max: usize,
    each: Option<MessageCheck>,
    /// On the public listener: counts the fields of what the call takes.
    fields: Option<Fields>,
    /// When a streaming answer ends, and with which word.
    until: (Instant, Status),
    /// On the public listener: that it is one of its principal's streams.
    stream: Option<CountGuard>,
    /// On the public listener, over TCP: the bytes that it holds.
    held: Option<HeldBytes>,
}

/// Who calls: the token's caller if it is good, and the name under which its calls are counted.
struct Identified {
    verified: Result<Option<Verified>, Status>,
    principal: String,
}

impl Identified {
    fn is_anonymous(&self) -> bool {
        !matches!(self.verified, Ok(Some(_)))
    }
}

impl Rules {
    fn admit(&self, request: &mut Request<Body>, now: Instant) -> Result<Admission, Status> {
        let client = self.client(request);
        let known = self.known(request.headers(), client.as_ref());
        // Whatever is asked, with whatever token: it is counted.
        if let Some(public) = &self.public {
            public.limiter.check(&known.principal)?;
        }
        if let Some(client) = client {
            request.extensions_mut().insert(client);
        }
        if SYSTEM_PREFIXES.iter().any(|prefix| request.uri().path().starts_with(prefix)) {
            return self.admit_to_system(request, &known, now);
        }
        let method = self
            .policies
            .of(request.uri().path())
            .filter(|method| self.internal || !descriptors::is_internal(method.path))
            .ok_or_else(status::no_such_rpc)?;
        let is_anonymous = known.is_anonymous();
        let Identified { verified, principal } = known;
        let verified = verified?;
        let caller = verified.as_ref().map(|verified| verified.caller.clone());
        permit(method.policy, caller.as_ref())?;
        let origin = self.origin(caller.as_ref(), request.headers())?;
        let deadline = now + patience(&method, request.headers())?;
        let (held, stream) = self.bounded(request, &principal, is_anonymous, method.shape)?;

        let extensions = request.extensions_mut();
        extensions.insert(Deadline(deadline));
        if let Some(caller) = &caller {
            extensions.insert(caller.clone());
        }
        if let Some(origin) = &origin {
            extensions.insert(OnBehalfOf(origin.clone()));
        }
        Ok(Admission {
            shape: method.shape,
            context: Some(Context { origin: origin.or(caller), deadline }),
            message_bytes_max: self.message_bytes_max(is_anonymous),
            each: None,
            fields: self.public.as_ref().and_then(|_| self.policies.fields(method.path)),
            until: self.until(now, verified.as_ref()),
            stream,
            held,
        })
    }

    fn admit_to_system(
        &self,
        request: &Request<Body>,
        known: &Identified,
        now: Instant,
    ) -> Result<Admission, Status> {
        let is_unary = request.uri().path().ends_with(SYSTEM_UNARY);
        let shape = if is_unary { StreamKinds::default() } else { SYSTEM_SHAPE };
        let (held, stream) = self.bounded(request, &known.principal, known.is_anonymous(), shape)?;
        // One stream asks many questions: each of them is a call.
        let each = self.public.as_ref().map(|public| -> MessageCheck {
            let (limiter, principal) = (public.limiter.clone(), known.principal.clone());
            Box::new(move || limiter.check(&principal))
        });
        Ok(Admission {
            shape,
            context: None,
            message_bytes_max: SYSTEM_MESSAGE_BYTES_MAX,
            each,
            fields: None,
            until: self.until(now, None),
            stream,
            held,
        })
    }

    fn client(&self, request: &Request<Body>) -> Option<Client> {
        let connection = request.extensions().get::<Arc<Connection>>()?;
        let proxies = self.public.as_ref().map(|public| public.limits.trusted_proxies.as_slice());
        let address = address::client(proxies.unwrap_or_default(), connection.peer, request.headers());
        Some(Client(address::counted(address)))
    }

    /// Counts what is no call among those of its address.
    pub(crate) fn count_by_address(&self, request: &Request<Body>) -> Result<(), Status> {
        let Some(public) = &self.public else { return Ok(()) };
        public.limiter.check(&Self::address_of(self.client(request).as_ref()))
    }

    fn address_of(client: Option<&Client>) -> String {
        client.map_or_else(|| "unknown".to_owned(), |client| client.0.clone())
    }

    fn known(&self, headers: &HeaderMap, client: Option<&Client>) -> Identified {
        let verified = self.verified(headers);
        let principal = match &verified {
            Ok(Some(verified)) => verified.caller.principal(),
            // Who shows a token that is refused is nobody yet.
            _ => Self::address_of(client),
        };
        Identified { verified, principal }
    }

    fn verified(&self, headers: &HeaderMap) -> Result<Option<Verified>, Status> {
        let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
        let bearer = value.to_str().ok().and_then(|text| text.split_once(' '));
        let Some((_, token)) = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) else {
            return Err(status::token_missing());
        };
        let verified = self.verifier.verify(token.trim()).and_then(|verified| {
            // Who has taken a service's key is no further than the services are.
            let is_inside = self.internal || verified.caller.role != Role::Service;
            if is_inside { Ok(Some(verified)) } else { Err(TokenError::InternalOnly) }
        });
        verified.map_err(|refusal| {
            // A service whose clock differs signs its next token by this one.
            let now = now_seconds().to_string();
            let metadata = [(peer::VERIFIED_AT, now.as_str())];
            status::reject(Code::Unauthenticated, refusal.reason(), refusal.to_string(), &metadata)
        })
    }

    /// The bytes and the stream of a call from outside, or that there are too many.
    fn bounded(
        &self,
        request: &Request<Body>,
        principal: &str,
        is_anonymous: bool,
        shape: StreamKinds,
    ) -> Result<(Option<HeldBytes>, Option<CountGuard>), Status> {
        let Some(public) = &self.public else { return Ok((None, None)) };
        let stream = match shape.server_streams {
            false => None,
            true => Some(public.stream(principal)?),
        };
        let Some(connection) = request.extensions().get::<Arc<Connection>>() else {
            return Ok((None, stream));
        };
        let held = public.budgets.hold(principal, is_anonymous, &connection.account);
        held.take(CALL_BYTES + headers_bytes(request.headers()))?;
        Ok((Some(held), stream))
    }

    fn message_bytes_max(&self, is_anonymous: bool) -> usize {
        match &self.public {
            Some(public) if is_anonymous => public.limits.anonymous_message_bytes.min(MESSAGE_BYTES_MAX),
            _ => MESSAGE_BYTES_MAX,
        }
    }

    /// No stream outlives its token, and none its connection.
    fn until(&self, now: Instant, verified: Option<&Verified>) -> (Instant, Status) {
        let age = self.public.as_ref().map_or(STREAM_AGE_MAX, |public| public.limits.age());
        match verified {
            Some(verified) if verified.lasts < age => (now + verified.lasts, status::token_expired()),
            _ => (now + age, status::stream_aged()),
        }
    }

    /// Only a service, and only on the internal listener, may act on behalf of another.
    fn origin(&self, caller: Option<&Caller>, headers: &HeaderMap) -> Result<Option<Caller>, Status> {
        let Some(value) = headers.get(peer::ON_BEHALF_OF) else { return Ok(None) };
        if !self.internal || caller.is_none_or(|caller| caller.role != Role::Service) {
            let message = "only a service of the hub may act on behalf of another";
            return Err(status::reject(Code::PermissionDenied, "ON_BEHALF_OF_REFUSED", message, &[]));
        }
        let origin = value.to_str().ok().and_then(Caller::from_principal);
        origin.map(Some).ok_or_else(|| status::invalid(&[(peer::ON_BEHALF_OF, "must be role:subject")]))
    }
}

impl PublicRules {
    pub(crate) fn new(limiter: Limiter, limits: Arc<Limits>) -> Self {
        let budgets = Arc::new(Budgets::new(&limits));
        Self { limiter: Arc::new(limiter), limits, budgets, streams: KeyedCounter::default() }
    }

    fn stream(&self, principal: &str) -> Result<CountGuard, Status> {
        let most = self.limits.streams_max;
        self.streams.take(principal, most).ok_or_else(|| {
            let message = format!("you already have {most} streams open: close one first");
            status::retry(Code::ResourceExhausted, "TOO_MANY_STREAMS", message, STREAMS_AGAIN_AFTER)
        })
    }
}

fn headers_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

fn permit(policy: Policy, caller: Option<&Caller>) -> Result<(), Status> {
    match caller {
        Some(caller) if policy.allows(caller) => Ok(()),
        None if policy == Policy::Public => Ok(()),
        None => Err(status::token_missing()),
        Some(caller) => {
            let who = match caller.role {
                Role::Service => format!("the service {}", caller.subject),
                role => format!("a {role}"),
            };
            let message = format!("{who} may not call this; it is for: {policy}");
            Err(status::reject(Code::PermissionDenied, "ROLE_NOT_ALLOWED", message, &[]))
        }
    }
}

/// How long the handler may take.
fn patience(method: &Method, headers: &HeaderMap) -> Result<Duration, Status> {
    let longest = method.deadline_max();
    let Some(value) = headers.get(timeout::HEADER) else {
        return Ok(if method.shape.client_streams { longest } else { DEADLINE_DEFAULT });
    };
    let asked = value.to_str().ok().and_then(timeout::parse);
    asked.map(|asked| asked.min(longest)).ok_or_else(|| status::invalid(&[(timeout::HEADER, "is malformed")]))
}

/// Puts the gate before `Routes`.
#[derive(Clone)]
pub(crate) struct Gate(pub(crate) Arc<Rules>);

impl Middleware for Gate {
    fn call(&self, behind: &mut impl InnerService, mut request: Request<Body>) -> ResponseFuture {
        // Taken here and not in the future: so no timer of another layer is started before it and rings first.
        let now = Instant::now();
        let connection = request.extensions().get::<Arc<Connection>>().cloned();
        let call = connection.as_ref().map(|connection| connection.call());
        let admission = match self.0.admit(&mut request, now) {
            Ok(admission) => admission,
            Err(status) => return answered(status.into_http()),
        };
        let Admission { shape, context, message_bytes_max, each, fields, until, stream, held } = admission;
        let refused = Refused::default();
        let of_request = held.as_ref().map(|held| Arc::new(held.beside()));
        let bounds = Bounds {
            message_bytes_max,
            streams: shape.client_streams,
            held: of_request.clone(),
            each,
            fields,
            refused: refused.clone(),
        };
        let request = request.map(|body| Body::new(Bounded::new(body, bounds)));
        let timer = context.as_ref().map(|context| context.deadline);
        let handled: BoxFuture<'static, _> = match context {
            Some(context) => Box::pin(context::scope(context, behind.call(request))),
            None => Box::pin(behind.call(request)),
        };
        let handled = AssertUnwindSafe(handled).catch_unwind();
        let drain = self.0.drain.clone();
        Box::pin(async move {
            let answer = tokio::select! {
                biased;
                answer = handled => answer,
                () = at_last(timer) => return Ok(status::deadline_exceeded().into_http()),
            };
            let response = match answer {
                Ok(response) => response_body::in_our_words(response?),
                Err(_) => return Ok(status::internal("the handler panicked").into_http()),
            };
            // The request was read and answered.
            drop(of_request);
            let way = match (held, connection, call) {
                (Some(held), Some(connection), Some(call)) => {
                    Some(InFlightResponse { held, writing: connection.answer(), _call: call })
                }
                _ => None,
            };
            if !shape.server_streams && way.is_none() {
                return Ok(response);
            }
            let until = shape.server_streams.then(|| StreamEnd::new(drain.begun_owned(), until, refused));
            let (head, body) = response.into_parts();
            let mut body = ResponseBody::new(body, until, way, stream);
            if !shape.server_streams
                && let Err(status) = body.begin().await
            {
                return Ok(status.into_http());
            }
            Ok(Response::from_parts(head, Body::new(body)))
        })
    }
}

/// When there is a deadline, at it.
async fn at_last(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
