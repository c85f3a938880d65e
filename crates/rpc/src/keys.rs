//! The hub's bearer tokens: JWT, EdDSA over Ed25519, signed and verified with one key pair per hub.
//!
//! A later OIDC replaces only the [`Verifier`].

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::{Caller, Role};

/// How far the clocks of two machines may differ.
const CLOCK_SKEW_SECONDS: u64 = 5;
/// Characters of a subject.
const SUBJECT_MAX: usize = 128;
/// Tokens remembered as verified, so that a service's token is not verified anew at each of its calls.
const REMEMBERED_MAX: usize = 10_000;
const PEM_TAG: &str = "PRIVATE KEY";
/// The most bytes of a key's file.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Why keys cannot be had, or a token not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The key file cannot be read or written.
    #[error("the key file {path} cannot be used: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The key file holds no Ed25519 key in PKCS#8 PEM.
    #[error("the key file {0} holds no Ed25519 private key in PEM")]
    Malformed(PathBuf),
    /// The system gave no randomness, or the key cannot sign.
    #[error("no key could be made: {0}")]
    Crypto(String),
    /// A subject that cannot stand in a header.
    #[error("a token's subject is 1 to {SUBJECT_MAX} visible ASCII characters")]
    Subject,
}

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Its time has passed.
    #[error("the token has expired")]
    Expired,
    /// It is of another hub.
    #[error("the token is of another hub")]
    OtherHub,
    /// It is not ours, or not a token.
    #[error("the token is not valid")]
    Invalid,
}

impl Refusal {
    /// The `ErrorInfo` reason.
    pub fn reason(self) -> &'static str {
        match self {
            Refusal::Expired => "TOKEN_EXPIRED",
            Refusal::OtherHub => "TOKEN_OF_ANOTHER_HUB",
            Refusal::Invalid => "TOKEN_INVALID",
        }
    }
}

/// Tells who a bearer token stands for.
pub trait Verifier: Send + Sync {
    /// The caller that the token names.
    fn verify(&self, token: &str) -> Result<Caller, Refusal>;
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    role: Role,
    hub: String,
    iat: u64,
    exp: u64,
}

/// The key pair of one hub. Cheap to clone.
#[derive(Clone)]
pub struct Keys(Arc<Inner>);

struct Inner {
    hub: String,
    pkcs8: Vec<u8>,
    signing: EncodingKey,
    verifying: DecodingKey,
    remembered: Mutex<HashMap<String, (Caller, u64)>>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("hub", &self.0.hub).finish_non_exhaustive()
    }
}

impl Keys {
    /// A new pair for the hub with this code, held in memory only.
    pub fn generate(hub: &str) -> Result<Self, Error> {
        let crypto = |error: &dyn std::fmt::Display| Error::Crypto(error.to_string());
        let pair = Ed25519KeyPair::generate().map_err(|error| crypto(&error))?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|error| crypto(&error))?;
        Self::of(hub, pkcs8.as_ref()).ok_or_else(|| crypto(&"the new key cannot be read"))
    }

    /// The pair in this PEM file.
    pub fn load(path: &Path, hub: &str) -> Result<Self, Error> {
        let text = std::fs::File::open(path).and_then(|file| kernel::read_text(file, FILE_BYTES_MAX));
        let text = text.map_err(|source| Error::File { path: path.to_owned(), source })?;
        let malformed = || Error::Malformed(path.to_owned());
        let block = pem::parse(text).map_err(|_| malformed())?;
        Self::of(hub, block.contents()).ok_or_else(malformed)
    }

    /// The pair in this PEM file, made at the first start, readable by its owner only. Two processes that
    /// start at once end with the same key.
    pub fn load_or_create(path: &Path, hub: &str) -> Result<Self, Error> {
        if !path.exists() {
            let keys = Self::generate(hub)?;
            keys.save(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
        }
        Self::load(path, hub)
    }

    fn of(hub: &str, pkcs8: &[u8]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).ok()?;
        Some(Self(Arc::new(Inner {
            hub: hub.to_owned(),
            pkcs8: pkcs8.to_vec(),
            signing: EncodingKey::from_ed_der(pkcs8),
            verifying: DecodingKey::from_ed_der(pair.public_key().as_ref()),
            remembered: Mutex::default(),
        })))
    }

    /// Writes beside and links into place: no reader sees half a key, and the first of two writers wins.
    fn save(&self, path: &Path) -> io::Result<()> {
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        std::fs::create_dir_all(folder)?;
        let beside = path.with_extension(format!("{}.new", std::process::id()));
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside)?;
        file.write_all(pem::encode(&pem::Pem::new(PEM_TAG, self.0.pkcs8.clone())).as_bytes())?;
        file.sync_all()?;
        let linked = std::fs::hard_link(&beside, path);
        std::fs::remove_file(&beside)?;
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }

    /// The code of the hub whose tokens these keys sign.
    pub fn hub(&self) -> &str {
        &self.0.hub
    }

    /// A token for this role and subject, valid for `ttl`.
    pub fn sign(&self, role: Role, subject: &str, ttl: Duration) -> Result<String, Error> {
        if !is_subject(subject) {
            return Err(Error::Subject);
        }
        let iat = now_seconds();
        let exp = iat.saturating_add(ttl.as_secs());
        let claims = Claims { sub: subject.to_owned(), role, hub: self.0.hub.clone(), iat, exp };
        jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &claims, &self.0.signing)
            .map_err(|error| Error::Crypto(error.to_string()))
    }

    fn recall(&self, token: &str) -> Option<Caller> {
        let remembered = self.0.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let (caller, exp) = remembered.get(token)?;
        (now_seconds() <= *exp).then(|| caller.clone())
    }

    fn remember(&self, token: &str, caller: &Caller, exp: u64) {
        let mut remembered = self.0.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= REMEMBERED_MAX {
            remembered.clear();
        }
        remembered.insert(token.to_owned(), (caller.clone(), exp));
    }
}

impl Verifier for Keys {
    fn verify(&self, token: &str) -> Result<Caller, Refusal> {
        if let Some(caller) = self.recall(token) {
            return Ok(caller);
        }
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.leeway = CLOCK_SKEW_SECONDS;
        validation.validate_aud = false;
        let decoded = jsonwebtoken::decode::<Claims>(token, &self.0.verifying, &validation);
        let claims = match decoded {
            Ok(data) => data.claims,
            Err(error) if matches!(error.kind(), ErrorKind::ExpiredSignature) => {
                return Err(Refusal::Expired);
            }
            Err(_) => return Err(Refusal::Invalid),
        };
        if claims.hub != self.0.hub {
            return Err(Refusal::OtherHub);
        }
        if !is_subject(&claims.sub) {
            return Err(Refusal::Invalid);
        }
        let caller = Caller::new(claims.role, claims.sub);
        self.remember(token, &caller, claims.exp);
        Ok(caller)
    }
}

/// A subject stands in headers and logs: visible ASCII only.
fn is_subject(subject: &str) -> bool {
    !subject.is_empty() && subject.len() <= SUBJECT_MAX && subject.bytes().all(|byte| byte.is_ascii_graphic())
}

#[expect(clippy::disallowed_methods, reason = "a token's life is wall-clock time, which no sandbox moves")]
fn now_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[cfg(unix)]
    #[test]
    fn a_file_without_end_is_no_key() {
        let error = Keys::load(Path::new("/dev/zero"), "my").unwrap_err();
        assert!(
            matches!(&error, Error::File { source, .. } if source.to_string().contains("larger")),
            "{error}"
        );
    }

    #[test]
    fn a_signed_token_names_its_caller_again_and_again() {
        let keys = Keys::generate("my").unwrap();
        let token = keys.sign(Role::Seller, "seller_1", HOUR).unwrap();
        for _ in 0..2 {
            assert_eq!(keys.verify(&token), Ok(Caller::new(Role::Seller, "seller_1")));
        }
    }

    #[test]
    fn wrong_tokens_are_refused_for_their_reason() {
        let keys = Keys::generate("my").unwrap();
        let token = keys.sign(Role::Buyer, "buyer_1", HOUR).unwrap();
        assert_eq!(Keys::generate("my").unwrap().verify(&token), Err(Refusal::Invalid));
        assert_eq!(keys.verify("nonsense"), Err(Refusal::Invalid));
        let mut forged = token.clone();
        forged.replace_range(
            token.len() - 6..token.len() - 5,
            if token.as_bytes()[token.len() - 6] == b'A' { "B" } else { "A" },
        );
        assert_eq!(keys.verify(&forged), Err(Refusal::Invalid));

        let th = Keys::of("th", &keys.0.pkcs8).unwrap();
        assert_eq!(th.verify(&token), Err(Refusal::OtherHub));

        let past = now_seconds() - 60;
        let claims =
            Claims { sub: "b".into(), role: Role::Buyer, hub: "my".into(), iat: past - 9, exp: past };
        let expired = jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &claims, &keys.0.signing).unwrap();
        assert_eq!(keys.verify(&expired), Err(Refusal::Expired));
        assert!(matches!(keys.sign(Role::Buyer, "a b", HOUR), Err(Error::Subject)));
    }

    #[test]
    fn the_file_is_made_once_and_is_the_owners() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/hub.pem");
        let first = Keys::load_or_create(&path, "my").unwrap();
        let second = Keys::load_or_create(&path, "my").unwrap();
        let token = first.sign(Role::Operator, "ops", HOUR).unwrap();
        assert!(second.verify(&token).is_ok());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        std::fs::write(&path, "no key").unwrap();
        assert!(matches!(Keys::load(&path, "my"), Err(Error::Malformed(_))));
    }
}
