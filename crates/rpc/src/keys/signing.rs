//! A private key.

use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};

use super::files::{self, Readers};
use super::{Claims, Error, Holder, PublicKey, set};

const PEM_TAG: &str = "PRIVATE KEY";

/// An Ed25519 private key. Cheap to clone.
#[derive(Clone)]
pub struct SigningKey(Arc<Inner>);

struct Inner {
    pkcs8: Vec<u8>,
    encoding: EncodingKey,
    /// The public key, as a JWK has it.
    x: String,
    kid: String,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.0.kid).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// A new key, held in memory only.
    pub fn generate() -> Result<Self, Error> {
        let crypto = |error: &dyn std::fmt::Display| Error::Crypto(error.to_string());
        let pair = Ed25519KeyPair::generate().map_err(|error| crypto(&error))?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|error| crypto(&error))?;
        Self::from_pkcs8(pkcs8.as_ref()).ok_or_else(|| crypto(&"the new key cannot be read"))
    }

    /// The key in this PEM file.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let text = files::read(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
        let malformed = || Error::Malformed(path.to_owned());
        let block = pem::parse(text).map_err(|_| malformed())?;
        Self::from_pkcs8(block.contents()).ok_or_else(malformed)
    }

    /// The key in this PEM file, made where there is none, readable by its owner only. Two processes that start at
    /// once end with the same key.
    pub fn load_or_create(path: &Path) -> Result<Self, Error> {
        if !path.exists() {
            let pem = pem::encode(&pem::Pem::new(PEM_TAG, Self::generate()?.0.pkcs8.clone()));
            let created = files::create(path, &pem, Readers::Owner);
            created.map_err(|source| Error::File { path: path.to_owned(), source })?;
        }
        Self::load(path)
    }

    fn from_pkcs8(pkcs8: &[u8]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).ok()?;
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let kid = set::thumbprint(&x);
        let encoding = EncodingKey::from_ed_der(pkcs8);
        Some(Self(Arc::new(Inner { pkcs8: pkcs8.to_vec(), encoding, x, kid })))
    }

    /// The key's id: its thumbprint by RFC 7638.
    pub fn kid(&self) -> &str {
        &self.0.kid
    }

    /// The public half, bound to what `holder` may sign.
    pub fn public(&self, holder: Holder) -> PublicKey {
        PublicKey::new(self.0.kid.clone(), self.0.x.clone(), holder)
    }

    /// Signs any claims: what a key may sign is the verifiers' affair.
    pub(crate) fn sign(&self, claims: &Claims) -> Result<String, Error> {
        let header = Header { kid: Some(self.0.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        self.sign_with(&header, claims)
    }

    pub(super) fn sign_with(&self, header: &Header, claims: &Claims) -> Result<String, Error> {
        jsonwebtoken::encode(header, claims, &self.0.encoding)
            .map_err(|error| Error::Crypto(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_file_without_end_is_no_key() {
        let error = SigningKey::load(Path::new("/dev/zero")).unwrap_err();
        assert!(
            matches!(&error, Error::File { source, .. } if source.to_string().contains("larger")),
            "{error}"
        );
    }

    #[test]
    fn the_file_is_made_once_and_is_the_owners() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/hub.pem");
        let first = SigningKey::load_or_create(&path).unwrap();
        let second = SigningKey::load_or_create(&path).unwrap();
        assert_eq!(first.kid(), second.kid());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        std::fs::write(&path, "no key").unwrap();
        assert!(matches!(SigningKey::load(&path), Err(Error::Malformed(_))));
    }
}
