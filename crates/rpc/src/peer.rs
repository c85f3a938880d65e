//! Calling another service of the hub: as this service, on behalf of the person at the edge, within the deadline of
//! the call that is being handled.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{HeaderValue, Request, Response, header};
use tokio::time::Instant;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::Service;
use tracing::Instrument as _;

use crate::keys::{SERVICE_TOKEN_LIFETIME, now_seconds};
use crate::{Channel, Identity, context, status, timeout, trace};

/// The header that names the person or system at the hub's edge, as `role:subject`.
pub(crate) const ON_BEHALF_OF: &str = "entrepot-on-behalf-of";
/// How long a call may take that no other call is waiting for.
pub const PEER_DEADLINE_DEFAULT: Duration = Duration::from_secs(5);
/// The longest that a call between services may take.
pub const PEER_DEADLINE_MAX: Duration = Duration::from_secs(20);
/// After how long a service's token is made anew.
const RENEWED_AFTER_SECONDS: u64 = SERVICE_TOKEN_LIFETIME.as_secs() / 2;
/// What a refused token's `ErrorInfo` says of the clock that it was refused by: seconds since 1970.
pub(crate) const VERIFIED_AT: &str = "verified_at";

/// The token that a service shows to one other. Made and renewed by the machine's clock, as it is verified: however
/// that is set, forward or back, the next call has a token of its time. Where the other's clock differs, its refusal
/// says by how much. It is made anew with each key that the service signs with.
#[derive(Default)]
struct Credential {
    bearer: Option<CachedToken>,
    /// How far the other's clock is ahead, in seconds.
    ahead_seconds: i64,
}

struct CachedToken {
    bearer: HeaderValue,
    /// With which key.
    kid: String,
    /// When, by the other's clock.
    at: u64,
}

impl Credential {
    /// `Bearer …`; `None` when no token can be made, which the other's gate then refuses.
    fn bearer(&mut self, identity: &Identity, now_seconds: u64) -> Option<HeaderValue> {
        let now = now_seconds.saturating_add_signed(self.ahead_seconds);
        let key = identity.key();
        if let Some(CachedToken { bearer, kid, at }) = &self.bearer
            && kid == key.kid()
            && (*at..at.saturating_add(RENEWED_AFTER_SECONDS)).contains(&now)
        {
            return Some(bearer.clone());
        }
        let token = identity.token_as_of(&key, now).ok()?;
        let mut bearer = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
        bearer.set_sensitive(true);
        self.bearer = Some(CachedToken { bearer: bearer.clone(), kid: key.kid().to_owned(), at: now });
        Some(bearer)
    }

    /// The token was refused: the next is made by the clock that did so.
    fn refused(&mut self, refusal: &Status, now_seconds: u64) {
        let verified_at = status::metadata(refusal, VERIFIED_AT).and_then(|at| at.parse::<u64>().ok());
        if let Some(verified_at) = verified_at {
            self.ahead_seconds = verified_at.checked_signed_diff(now_seconds).unwrap_or_default();
            self.bearer = None;
        }
    }
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peer").field("identity", &self.identity).finish_non_exhaustive()
    }
}

/// Another service of the hub: `OfferServiceClient::new(peer)`.
#[derive(Clone)]
pub struct Peer {
    channel: Channel,
    identity: Identity,
    credential: Arc<Mutex<Credential>>,
}

impl Peer {
    /// The service behind `channel`, called as `identity`.
    pub fn new(channel: Channel, identity: Identity) -> Self {
        Self { channel, identity, credential: Arc::default() }
    }

    fn add_token(&self, request: &mut Request<Body>) {
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
        let bearer = lock(&self.credential).bearer(&self.identity, now_seconds());
        if let Some(bearer) = bearer {
            headers.insert(header::AUTHORIZATION, bearer);
        }
        let origin = context.and_then(|context| context.origin);
        if let Some(value) = origin.and_then(|origin| HeaderValue::try_from(origin.principal()).ok()) {
            headers.insert(ON_BEHALF_OF, value);
        }
    }
}

fn lock(credential: &Mutex<Credential>) -> MutexGuard<'_, Credential> {
    credential.lock().unwrap_or_else(PoisonError::into_inner)
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
        telemetry::inject(&span, request.headers_mut());
        self.add_token(&mut request);
        let answer = self.channel.call(request);
        let (told, credential) = (span.clone(), self.credential.clone());
        let asking = async move {
            let answer = answer.await;
            if let Ok(answer) = &answer
                && let Some(refusal) = Status::from_header_map(answer.headers())
                && refusal.code() == Code::Unauthenticated
            {
                lock(&credential).refused(&refusal, now_seconds());
            }
            trace::answered_with(&told, answer.as_ref().map_or(Code::Unavailable, code));
            answer
        };
        Box::pin(asking.instrument(span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Caller, Identity, KeySource, Role, SigningKey, TokenError, TokenVerifier, Verifier as _};

    const HOUR: u64 = 3_600;

    fn verified(keys: &TokenVerifier, bearer: &HeaderValue) -> Result<Caller, TokenError> {
        let token = bearer.to_str().unwrap().strip_prefix("Bearer ").unwrap();
        keys.verify(token).map(|verified| verified.caller)
    }

    fn order() -> (TokenVerifier, Identity) {
        let order = Identity::in_memory("my", "order").unwrap();
        let source = KeySource { in_memory: vec![order.public()], ..KeySource::default() };
        (TokenVerifier::new("my", source).unwrap(), order)
    }

    #[test]
    fn a_token_is_of_its_time_however_the_clock_is_set() {
        let (keys, order) = order();
        let now = now_seconds();
        // Twenty minutes forward, and a year back.
        for before in [now - 1_200, now + 365 * 24 * HOUR] {
            let mut credential = Credential::default();
            let first = credential.bearer(&order, before).unwrap();
            assert_eq!(credential.bearer(&order, before + 299), Some(first.clone()));
            let second = credential.bearer(&order, now).unwrap();
            assert_ne!(second, first);
            assert_eq!(verified(&keys, &second), Ok(Caller::new(Role::Service, "order")));
        }
    }

    #[test]
    fn a_token_is_made_anew_at_half_its_life() {
        let (_, order) = order();
        let mut credential = Credential::default();
        let first = credential.bearer(&order, 1_000).unwrap();
        assert_eq!(credential.bearer(&order, 1_299), Some(first.clone()));
        assert_ne!(credential.bearer(&order, 1_300), Some(first));
    }

    #[test]
    fn a_token_is_made_anew_with_another_key() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("order.pem");
        SigningKey::load_or_create(&file).unwrap();
        let order = Identity::from_file("my", "order", &file).unwrap();
        let mut credential = Credential::default();
        let first = credential.bearer(&order, 1_000).unwrap();
        std::fs::write(&file, "half a k").unwrap();
        assert!(order.refresh().is_err());
        assert_eq!(credential.bearer(&order, 1_001), Some(first.clone()), "the old one is good");
        std::fs::remove_file(&file).unwrap();
        SigningKey::load_or_create(&file).unwrap();
        order.refresh().unwrap();
        assert_ne!(credential.bearer(&order, 1_002), Some(first));
    }

    #[test]
    fn a_refusal_says_by_whose_clock_the_next_is_made() {
        let (keys, order) = order();
        let (own, others) = (now_seconds() - HOUR, now_seconds());
        let mut credential = Credential::default();
        let refused = credential.bearer(&order, own).unwrap();
        assert_eq!(verified(&keys, &refused), Err(TokenError::Expired));
        let others = others.to_string();
        let refusal = status::reject(Code::Unauthenticated, "TOKEN_EXPIRED", "", &[(VERIFIED_AT, &others)]);
        credential.refused(&refusal, own);
        let taken = credential.bearer(&order, own).unwrap();
        assert_eq!(verified(&keys, &taken), Ok(Caller::new(Role::Service, "order")));
        // One that says nothing of its clock changes nothing.
        credential.refused(&Status::unauthenticated("no"), own);
        assert_eq!(credential.bearer(&order, own), Some(taken));
    }
}
