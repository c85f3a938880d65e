//! Who signs the tokens of people.

use std::time::Duration;

use super::{Claims, Error, SigningKey, now_seconds};
use crate::{Caller, Role};

/// The hub's issuer: signs for people, operators and carriers, never for a service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Issuer {
    hub: String,
    key: SigningKey,
}

impl Issuer {
    /// The issuer of the hub with this code, by its key.
    pub fn new(hub: &str, key: SigningKey) -> Self {
        Self { hub: hub.to_owned(), key }
    }

    /// Its key.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// A token for this role and subject, valid for `ttl`.
    pub fn sign(&self, role: Role, subject: &str, ttl: Duration) -> Result<String, Error> {
        if role == Role::Service {
            return Err(Error::ServiceRole);
        }
        let caller = Caller::new(role, subject);
        self.key.sign(&Claims::new(&self.hub, &caller, now_seconds(), ttl.as_secs())?)
    }
}
