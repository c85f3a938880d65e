//! A set of public keys, each bound to what its holder may sign: a JWK Set (RFC 7517) of Ed25519 keys (RFC 8037), each
//! with the member `holder` besides.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::files::{self, Readers};
use super::{Error, is_subject};
use crate::Role;

const SERVICE: &str = "service:";
/// The length of an Ed25519 public key.
const KEY_BYTES: usize = 32;

/// Who holds a key, and so what it may sign.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// The hub's issuer: signs for people, operators and carriers.
    Issuer,
    /// The service with this name: signs for itself alone.
    Service(String),
    /// All processes of the hub, as up to the release before: signs whatever they need. No file says so, only a process
    /// that was given the issuer's key.
    Shared,
}

impl Holder {
    /// Whether its key may sign for this role and subject.
    pub(super) fn may_sign(&self, role: Role, subject: &str) -> bool {
        match self {
            Holder::Issuer => role != Role::Service,
            Holder::Service(name) => role == Role::Service && subject == name,
            Holder::Shared => true,
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Holder::Issuer => f.write_str("issuer"),
            Holder::Service(name) => write!(f, "{SERVICE}{name}"),
            Holder::Shared => f.write_str("shared"),
        }
    }
}

/// A text that names no holder of a key.
#[derive(Debug, thiserror::Error)]
#[error("`{}` holds no key: use issuer or service:NAME", kernel::excerpt(.0))]
pub struct UnknownHolder(String);

impl FromStr for Holder {
    type Err = UnknownHolder;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix(SERVICE) {
            Some(name) if is_subject(name) => Ok(Holder::Service(name.to_owned())),
            None if text == "issuer" => Ok(Holder::Issuer),
            _ => Err(UnknownHolder(text.to_owned())),
        }
    }
}

/// A public key of the set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    kid: String,
    /// The key itself, as a JWK has it.
    x: String,
    /// Who signs with it.
    pub holder: Holder,
    /// When it was put into the set, in seconds since 1970, if that is known.
    pub published_at: Option<u64>,
    /// When its holder began to sign with another, in seconds since 1970.
    pub retired_at: Option<u64>,
}

impl PublicKey {
    pub(super) fn new(kid: String, x: String, holder: Holder) -> Self {
        Self { kid, x, holder, published_at: None, retired_at: None }
    }

    /// Its id, as tokens have it in their header.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The key itself, in base64url.
    pub(super) fn x(&self) -> &str {
        &self.x
    }
}

/// A key's id by RFC 7638: the digest of what makes it.
pub(super) fn thumbprint(x: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)))
}

/// Public keys by their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySet(BTreeMap<String, PublicKey>);

#[derive(Serialize, Deserialize)]
struct Jwks {
    keys: Vec<Jwk>,
}

/// A key as the file has it. Members that are not here are ignored, as RFC 7517 asks.
#[derive(Serialize, Deserialize)]
struct Jwk {
    kty: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    usage: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    /// What no set of public keys has.
    #[serde(skip_serializing_if = "Option::is_none")]
    d: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    published_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retired_at: Option<u64>,
}

impl Jwk {
    fn of(key: &PublicKey) -> Self {
        Self {
            kty: "OKP".to_owned(),
            crv: Some("Ed25519".to_owned()),
            x: Some(key.x.clone()),
            usage: Some("sig".to_owned()),
            alg: Some("EdDSA".to_owned()),
            kid: Some(key.kid.clone()),
            d: None,
            holder: Some(key.holder.to_string()),
            published_at: key.published_at,
            retired_at: key.retired_at,
        }
    }

    /// The key; `None` where it is of a kind that this program does not use.
    fn read(self) -> Result<Option<PublicKey>, String> {
        if self.d.is_some() {
            return Err("it holds a private key (`d`), which must stay with its holder".to_owned());
        }
        if self.kty != "OKP" || self.crv.as_deref() != Some("Ed25519") {
            return Ok(None);
        }
        let x = self.x.unwrap_or_default();
        if !URL_SAFE_NO_PAD.decode(&x).is_ok_and(|bytes| bytes.len() == KEY_BYTES) {
            return Err("a key's `x` must be 32 bytes in base64url".to_owned());
        }
        let kid = self.kid.unwrap_or_else(|| thumbprint(&x));
        let holder = self.holder.ok_or_else(|| format!("the key {kid} has no `holder`"))?;
        let holder = holder.parse().map_err(|error| format!("the key {kid}: {error}"))?;
        let (published_at, retired_at) = (self.published_at, self.retired_at);
        Ok(Some(PublicKey { published_at, retired_at, ..PublicKey::new(kid, x, holder) }))
    }
}

impl KeySet {
    /// The keys in this file; an error names it and says what is wrong.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = files::read(path).map_err(|error| error.to_string());
        text.and_then(|text| Self::parse(&text))
            .map_err(|problem| Error::Set { path: path.to_owned(), problem })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let jwks: Jwks =
            serde_json::from_str(text).map_err(|error| format!("it is not a JWK Set: {error}"))?;
        let mut set = Self::default();
        for jwk in jwks.keys {
            let Some(key) = jwk.read()? else { continue };
            if let Some(twice) = set.insert(key) {
                return Err(format!("it contains the key {} twice", twice.kid));
            }
        }
        if set.0.is_empty() { Err("it holds no Ed25519 key".to_owned()) } else { Ok(set) }
    }

    /// Writes them into this file, which anyone may read, in the place of what was there.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let jwks = Jwks { keys: self.iter().map(Jwk::of).collect() };
        let text = serde_json::to_string_pretty(&jwks).map_err(std::io::Error::from);
        text.and_then(|text| files::replace(path, &(text + "\n"), Readers::Anyone))
            .map_err(|source| Error::File { path: path.to_owned(), source })
    }

    /// The key with this id.
    pub fn get(&self, kid: &str) -> Option<&PublicKey> {
        self.0.get(kid)
    }

    /// All, by their ids.
    pub fn iter(&self) -> impl Iterator<Item = &PublicKey> {
        self.0.values()
    }

    /// All, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut PublicKey> {
        self.0.values_mut()
    }

    /// Adds a key; the one with the same id that it takes the place of, if there is any.
    pub fn insert(&mut self, key: PublicKey) -> Option<PublicKey> {
        self.0.insert(key.kid.clone(), key)
    }

    /// Keeps the keys that satisfy this.
    pub fn retain(&mut self, keep: impl Fn(&PublicKey) -> bool) {
        self.0.retain(|_, key| keep(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SigningKey;

    /// The key of RFC 8037, appendix A.
    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn problem(text: &str) -> String {
        KeySet::parse(text).unwrap_err()
    }

    fn jwk(members: &str) -> String {
        format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"{X}"{members}}}]}}"#)
    }

    #[test]
    fn a_keys_id_is_the_thumbprint_of_the_standard() {
        assert_eq!(thumbprint(X), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_set_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jwks.json");
        let mut set = KeySet::default();
        set.insert(SigningKey::generate().unwrap().public(Holder::Issuer));
        let order = SigningKey::generate().unwrap().public(Holder::Service("order".to_owned()));
        set.insert(PublicKey { published_at: Some(7), retired_at: Some(8), ..order });
        set.write(&path).unwrap();
        set.write(&path).unwrap();
        assert_eq!(KeySet::read(&path).unwrap(), set);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("\"d\""), "{text}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        }
    }

    #[test]
    fn keys_of_other_kinds_are_passed_over_and_unknown_members_ignored() {
        let set = format!(
            r#"{{"keys":[{{"kty":"RSA","n":"AQAB","e":"AQAB"}},{{"kty":"OKP","crv":"X25519","x":"{X}"}},
                {{"kty":"OKP","crv":"Ed25519","x":"{X}","holder":"issuer","colour":"red"}}],"more":1}}"#
        );
        let set = KeySet::parse(&set).unwrap();
        assert_eq!(set.iter().map(PublicKey::kid).collect::<Vec<_>>(), [thumbprint(X)]);
    }

    #[test]
    fn what_is_wrong_with_a_set_is_said() {
        assert!(problem("{").starts_with("it is not a JWK Set: "));
        assert_eq!(problem(r#"{"keys":[]}"#), "it holds no Ed25519 key");
        assert!(problem(&jwk(r#","kid":"a""#)).contains("the key a has no `holder`"));
        assert!(problem(&jwk(r#","kid":"a","holder":"shared""#)).contains("`shared` holds no key"));
        assert!(problem(&jwk(r#","holder":"service:""#)).contains("holds no key"));
        assert!(problem(&jwk(r#","holder":"issuer","d":"x""#)).contains("a private key"));
        let short = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AQAB","holder":"issuer"}]}"#;
        assert!(problem(short).contains("32 bytes"));
        let one = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}","holder":"issuer"}}"#);
        assert!(problem(&format!(r#"{{"keys":[{one},{one}]}}"#)).contains("twice"));
    }

    #[test]
    fn a_key_is_bound_to_what_its_holder_may_sign() {
        let order = Holder::Service("order".to_owned());
        for role in Role::ALL {
            let is_service = role == Role::Service;
            assert_eq!(Holder::Issuer.may_sign(role, "order"), !is_service, "{role}");
            assert_eq!(order.may_sign(role, "order"), is_service, "{role}");
            assert!(!order.may_sign(role, "payment"), "{role}");
        }
    }
}
