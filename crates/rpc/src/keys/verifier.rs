//! Who verifies tokens: by public keys, which are read again while the process runs.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use moka::Expiry;
use moka::sync::Cache;

use super::{
    CLOCK_SKEW, Claims, Error, Holder, KeySet, PublicKey, SigningKey, TokenError, Verified, Verifier,
    now_seconds,
};
use crate::Caller;

/// Tokens remembered as verified, so that a service's token is not verified anew at each of its calls.
const REMEMBERED_MAX: u64 = 10_000;
/// How often the keys are read again at most because a token names one that is not known.
const UNKNOWN_KEY_READ_EVERY: Duration = Duration::from_secs(5);

/// Where a process has its public keys from.
#[derive(Clone, Debug, Default)]
pub struct KeySource {
    /// The hub's set of public keys.
    pub set: Option<SetFile>,
    /// The issuer's private key, in a process that has it.
    pub issuer: Option<IssuerFile>,
    /// Keys of this process's own that are in memory only.
    pub in_memory: Vec<PublicKey>,
}

/// A file with a JWK Set.
#[derive(Clone, Debug)]
pub struct SetFile {
    /// Where it is.
    pub path: PathBuf,
    /// Whether it must be there.
    pub required: bool,
}

/// A file with the issuer's private key.
#[derive(Clone, Debug)]
pub struct IssuerFile {
    /// Where it is.
    pub path: PathBuf,
    /// Whether all processes of the hub have it and sign as services with it too, as up to the release before.
    pub shared: bool,
}

impl KeySource {
    fn read(&self) -> Result<KeySet, Error> {
        let mut keys = match &self.set {
            Some(file) if file.required || file.path.exists() => KeySet::read(&file.path)?,
            _ => KeySet::default(),
        };
        if let Some(IssuerFile { path, shared }) = &self.issuer {
            let holder = if *shared { Holder::Shared } else { Holder::Issuer };
            keys.insert(SigningKey::load(path)?.public(holder));
        }
        for key in &self.in_memory {
            keys.insert(key.clone());
        }
        Ok(keys)
    }
}

/// Verifies the tokens of one hub. Cheap to clone.
#[derive(Clone)]
pub struct TokenVerifier(Arc<Inner>);

struct Inner {
    hub: String,
    source: KeySource,
    current: RwLock<Arc<Keys>>,
    /// When the keys were last read because of an unknown one.
    read_for_unknown: Mutex<Option<Instant>>,
}

/// A set of keys and what was verified by it. Another set begins with an empty memory, so that no token outlives its key.
struct Keys {
    set: KeySet,
    remembered: Cache<String, (Caller, u64)>,
}

/// Keeps a token until it expires.
struct UntilExpiry;

impl Expiry<String, (Caller, u64)> for UntilExpiry {
    fn expire_after_create(&self, _: &String, (_, exp): &(Caller, u64), _: Instant) -> Option<Duration> {
        Some(lasts(*exp))
    }
}

impl std::fmt::Debug for TokenVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenVerifier").field("hub", &self.0.hub).finish_non_exhaustive()
    }
}

impl Keys {
    fn new(set: KeySet) -> Arc<Self> {
        let remembered = Cache::builder().max_capacity(REMEMBERED_MAX).expire_after(UntilExpiry).build();
        Arc::new(Self { set, remembered })
    }

    /// The keys that may have signed a token: the one that it names, or, if it names none, each that was there when
    /// tokens named none.
    fn of(&self, kid: Option<&str>) -> Vec<&PublicKey> {
        match kid {
            Some(kid) => self.set.get(kid).into_iter().collect(),
            None => self.set.iter().filter(|key| !matches!(key.holder, Holder::Service(_))).collect(),
        }
    }

    fn recall(&self, token: &str) -> Option<Verified> {
        let (caller, exp) = self.remembered.get(token)?;
        // By the clock of the machine, which may have been set since.
        (now_seconds() <= exp).then(|| Verified { caller, lasts: lasts(exp) })
    }
}

impl TokenVerifier {
    /// By the keys of this source, which must be there.
    pub fn new(hub: &str, source: KeySource) -> Result<Self, Error> {
        let current = RwLock::new(Keys::new(source.read()?));
        let (hub, read_for_unknown) = (hub.to_owned(), Mutex::default());
        Ok(Self(Arc::new(Inner { hub, source, current, read_for_unknown })))
    }

    /// Reads the keys again. What cannot be read changes nothing: the keys stay as they were.
    pub fn refresh(&self) -> Result<(), Error> {
        let set = self.0.source.read()?;
        if set != self.current().set {
            tracing::info!(hub = self.0.hub, keys = set.iter().count(), "the hub's public keys have changed");
            *self.0.current.write().unwrap_or_else(PoisonError::into_inner) = Keys::new(set);
        }
        Ok(())
    }

    /// Whether a key is among those by which tokens are verified now.
    pub fn knows(&self, kid: &str) -> bool {
        self.current().set.get(kid).is_some()
    }

    fn current(&self) -> Arc<Keys> {
        self.0.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The keys by which to verify a token: read again once, where it names one that is not known.
    fn keys_for(&self, kid: Option<&str>) -> Arc<Keys> {
        let current = self.current();
        let is_known = |keys: &Keys| kid.is_none_or(|kid| keys.set.get(kid).is_some());
        if is_known(&current) {
            return current;
        }
        // Those who come at the same time wait for the one who reads.
        let mut last = self.0.read_for_unknown.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.current();
        if is_known(&current) || last.is_some_and(|last| last.elapsed() < UNKNOWN_KEY_READ_EVERY) {
            return current;
        }
        *last = Some(Instant::now());
        if let Err(error) = self.refresh() {
            tracing::warn!(hub = self.0.hub, %error, "the public keys stay as they were");
        }
        self.current()
    }
}

impl Verifier for TokenVerifier {
    fn verify(&self, token: &str) -> Result<Verified, TokenError> {
        if let Some(verified) = self.current().recall(token) {
            return Ok(verified);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Invalid)?;
        let keys = self.keys_for(header.kid.as_deref());
        let mut refusal = TokenError::Invalid;
        for key in keys.of(header.kid.as_deref()) {
            match claims(token, key) {
                Ok(claims) => {
                    claims.check(&self.0.hub, now_seconds(), header.kid.is_none())?;
                    return self.admit(&keys, token, key, claims);
                }
                Err(why) => refusal = why,
            }
        }
        Err(refusal)
    }
}

impl TokenVerifier {
    /// The caller of a token that a key has signed, if that key may sign for it.
    fn admit(
        &self,
        keys: &Keys,
        token: &str,
        key: &PublicKey,
        claims: Claims,
    ) -> Result<Verified, TokenError> {
        if !key.holder.may_sign(claims.role, &claims.sub) {
            let (holder, role, subject) = (key.holder.to_string(), claims.role.as_str(), &claims.sub);
            let message = "a key has signed a token that it may not sign: it may be compromised";
            tracing::warn!(hub = self.0.hub, kid = key.kid(), holder, role, subject, "{message}");
            return Err(TokenError::Invalid);
        }
        let caller = Caller::new(claims.role, claims.sub);
        keys.remembered.insert(token.to_owned(), (caller.clone(), claims.exp));
        Ok(Verified { caller, lasts: lasts(claims.exp) })
    }
}

/// What a token says that this key has signed, and that has not expired.
fn claims(token: &str, key: &PublicKey) -> Result<Claims, TokenError> {
    let decoding = DecodingKey::from_ed_components(key.x()).map_err(|_| TokenError::Invalid)?;
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.leeway = CLOCK_SKEW.as_secs();
    // Which one it must be depends on the role: see Claims::check.
    validation.validate_aud = false;
    match jsonwebtoken::decode::<Claims>(token, &decoding, &validation) {
        Ok(data) => Ok(data.claims),
        Err(error) if matches!(error.kind(), ErrorKind::ExpiredSignature) => Err(TokenError::Expired),
        Err(_) => Err(TokenError::Invalid),
    }
}

fn lasts(exp: u64) -> Duration {
    Duration::from_secs(exp.saturating_sub(now_seconds()))
}

#[cfg(test)]
mod tests;
