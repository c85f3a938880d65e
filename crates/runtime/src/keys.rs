//! By which keys a process signs and verifies: those that it was given, and those that it makes.

use std::collections::BTreeMap;
use std::time::Duration;

use rpc::{Identity, Issuer, IssuerFile, KeySource, SigningKey, TokenVerifier};

use crate::settings::{KeyFiles, Settings};
use crate::{Error, Spec, Worker};

/// The keys of a process that runs.
#[derive(Clone)]
pub(crate) struct Keys {
    hub: String,
    pub(crate) verifier: TokenVerifier,
    pub(crate) issuer: Option<Issuer>,
    identities: BTreeMap<&'static str, Identity>,
    refresh: Duration,
}

impl Keys {
    /// Reads the keys of the process of these services, and makes those that are missing.
    pub(crate) fn open(settings: &Settings, specs: &[Spec]) -> Result<Self, Error> {
        let (files, hub) = (&settings.keys, settings.profile.code());
        let issuer = files.issuer.as_ref().map(|file| SigningKey::load_or_create(&file.path)).transpose()?;
        let mut source =
            KeySource { set: files.set.clone(), issuer: files.issuer.clone(), in_memory: Vec::new() };
        let mut identities = BTreeMap::new();
        for spec in specs {
            let identity = identity(settings, spec)?;
            // It is in no file that others read.
            if !identity.is_in_file() {
                source.in_memory.push(identity.public());
            }
            identities.insert(spec.name, identity);
        }
        let keys = Self {
            hub: hub.to_owned(),
            verifier: TokenVerifier::new(hub, source)?,
            issuer: issuer.map(|key| Issuer::new(hub, key)),
            identities,
            refresh: files.refresh,
        };
        keys.warn(files);
        Ok(keys)
    }

    /// Who a service of the process is to the others.
    pub(crate) fn identity(&self, service: &str) -> Option<&Identity> {
        self.identities.get(service)
    }

    /// Reads all again, from time to time.
    pub(crate) fn worker(&self) -> Worker {
        Worker::every("keys", self.refresh, None, self.clone(), |keys| async move {
            tokio::task::spawn_blocking(move || keys.read_again()).await?;
            Ok(false)
        })
    }

    fn read_again(&self) {
        if let Err(error) = self.verifier.refresh() {
            tracing::warn!(hub = self.hub, %error, "the public keys stay as they were");
        }
        for (service, identity) in &self.identities {
            if let Err(error) = identity.refresh() {
                tracing::warn!(hub = self.hub, service, %error, "the service keeps signing with its previous key");
            }
        }
        self.warn_of_unknown();
    }

    fn warn(&self, files: &KeyFiles) {
        if let Some(IssuerFile { path, shared: true }) = &files.issuer {
            let key = path.display().to_string();
            let message = "this process has the key that signs for people, and so has every other of the hub: make each \
                           service a key of its own with `entrepot keys make`, name it by keys.service and the public keys \
                           by keys.jwks, and leave keys.issuer (formerly key) out";
            tracing::warn!(hub = self.hub, key, "{message}");
        } else {
            self.warn_of_unknown();
        }
    }

    /// A service whose key is not in the set is refused by the others.
    fn warn_of_unknown(&self) {
        for (service, identity) in &self.identities {
            let key = identity.public();
            if !self.verifier.knows(key.kid()) {
                let message = "the service signs with a key that is not among the hub's public keys: other services refuse its calls";
                tracing::warn!(hub = self.hub, service, kid = key.kid(), "{message}");
            }
        }
    }
}

fn identity(settings: &Settings, spec: &Spec) -> Result<Identity, Error> {
    let (files, hub) = (&settings.keys, settings.profile.code());
    let shared = files.issuer.as_ref().filter(|file| file.shared).map(|file| &file.path);
    if let Some(file) = files.services.get(spec.name).or(shared) {
        return Ok(Identity::from_file(hub, spec.name, file)?);
    }
    match spec.calls.iter().find(|asked| settings.peers.contains_key(**asked)) {
        Some(asked) if files.set.as_ref().is_some_and(|set| set.required) => {
            Err(Error::NoServiceKey { service: spec.name, asked })
        }
        _ => Ok(Identity::in_memory(hub, spec.name)?),
    }
}
