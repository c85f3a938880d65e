//! Who a service is to the others.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use crate::keys::{Claims, SERVICE_TOKEN_LIFETIME, now_seconds};
use crate::{Caller, Holder, KeyError, PublicKey, Role, SigningKey};

/// A service that signs its own calls, with a key that may sign for nobody else. Cheap to clone.
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

struct Inner {
    hub: String,
    caller: Caller,
    /// Where its key is, which may be another one tomorrow.
    file: Option<PathBuf>,
    key: RwLock<SigningKey>,
}

impl Identity {
    /// The service with this name, such as `order`, by a key that stays in memory.
    pub fn in_memory(hub: &str, service: &str) -> Result<Self, KeyError> {
        Ok(Self::new(hub, service, None, SigningKey::generate()?))
    }

    /// The service with this name, by the key in this file.
    pub fn from_file(hub: &str, service: &str, file: &Path) -> Result<Self, KeyError> {
        Ok(Self::new(hub, service, Some(file.to_owned()), SigningKey::load(file)?))
    }

    fn new(hub: &str, service: &str, file: Option<PathBuf>, key: SigningKey) -> Self {
        let caller = Caller::new(Role::Service, service);
        Self(Arc::new(Inner { hub: hub.to_owned(), caller, file, key: RwLock::new(key) }))
    }

    /// Its name.
    pub fn service(&self) -> &str {
        &self.0.caller.subject
    }

    /// Whether its key is in a file, whose public half others may know.
    pub fn is_in_file(&self) -> bool {
        self.0.file.is_some()
    }

    /// The public half of its key, by which others know it.
    pub fn public(&self) -> PublicKey {
        self.key().public(Holder::Service(self.0.caller.subject.clone()))
    }

    /// Reads its key again, if that is in a file. What cannot be read changes nothing.
    pub fn refresh(&self) -> Result<(), KeyError> {
        let Some(file) = &self.0.file else { return Ok(()) };
        let key = SigningKey::load(file)?;
        if key.kid() != self.key().kid() {
            tracing::info!(service = self.service(), kid = key.kid(), "the service signs with another key");
            *self.0.key.write().unwrap_or_else(PoisonError::into_inner) = key;
        }
        Ok(())
    }

    /// A token of the service, as it shows it to others.
    pub fn token(&self) -> Result<String, KeyError> {
        self.token_as_of(&self.key(), now_seconds())
    }

    pub(crate) fn key(&self) -> SigningKey {
        self.0.key.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// As [`Identity::token`], by a clock that says so many seconds since 1970.
    pub(crate) fn token_as_of(&self, key: &SigningKey, iat: u64) -> Result<String, KeyError> {
        key.sign(&Claims::new(&self.0.hub, &self.0.caller, iat, SERVICE_TOKEN_LIFETIME.as_secs())?)
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("service", &self.service()).finish_non_exhaustive()
    }
}
