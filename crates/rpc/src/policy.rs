//! Who may call which RPC: one table per service, complete or the server does not start.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use prost_types::FileDescriptorSet;

use crate::descriptors::{self, StreamKinds};
use crate::fields::{Fields, Schema};
use crate::limits::{DEADLINE_MAX, OPERATOR_DEADLINE_MAX, STREAM_DEADLINE_MAX};
use crate::{Caller, Role};

/// Who may call an RPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Anyone; a token is not needed, and when one comes it must be valid.
    Public,
    /// Anyone with a valid token.
    Authenticated,
    /// Those with one of these roles, which are people's.
    Roles(&'static [Role]),
    /// The services of the hub with these names.
    Services(&'static [&'static str]),
    /// The services with these names, and those with one of these roles.
    ServicesOrRoles(&'static [&'static str], &'static [Role]),
    /// Any service of the hub.
    AnyService,
}

impl Policy {
    /// Whether this caller may call.
    pub fn allows(self, caller: &Caller) -> bool {
        let is_service = caller.role == Role::Service;
        match self {
            Policy::Public | Policy::Authenticated => true,
            Policy::AnyService => is_service,
            Policy::Roles(_) | Policy::Services(_) | Policy::ServicesOrRoles(..) if is_service => {
                self.services().contains(&caller.subject.as_str())
            }
            Policy::Roles(roles) | Policy::ServicesOrRoles(_, roles) => roles.contains(&caller.role),
            Policy::Services(_) => false,
        }
    }

    /// The services that it names.
    pub fn services(self) -> &'static [&'static str] {
        match self {
            Policy::Services(services) | Policy::ServicesOrRoles(services, _) => services,
            Policy::Public | Policy::Authenticated | Policy::Roles(_) | Policy::AnyService => &[],
        }
    }
}

impl fmt::Display for Policy {
    /// Who may call, in words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let roles = match self {
            Policy::Public => return f.write_str("anyone"),
            Policy::Authenticated => return f.write_str("anyone with a token"),
            Policy::AnyService => return f.write_str("any service"),
            Policy::Roles(roles) | Policy::ServicesOrRoles(_, roles) => roles,
            Policy::Services(_) => &[][..],
        };
        let services = self.services().iter().map(|service| format!("the service {service}"));
        let all: Vec<_> = services.chain(roles.iter().map(ToString::to_string)).collect();
        f.write_str(&all.join(", "))
    }
}

/// A service's RPCs with their policies: `("/entrepot.catalog.v1.ProductService/GetProduct", Policy::Public)`.
pub type PolicyTable = &'static [(&'static str, Policy)];

/// What the policies and the descriptors disagree about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An RPC of a served package is in no table.
    #[error("{0} has no policy: name it in its service's policy table")]
    Missing(String),
    /// A table names an RPC that no proto declares.
    #[error("{0} has a policy, but no such RPC exists")]
    Unknown(String),
    /// Two entries name one RPC.
    #[error("{0} has two policies")]
    Twice(String),
    /// The compiled descriptors cannot be read.
    #[error("the compiled proto descriptors cannot be read: {0}")]
    Descriptors(#[from] prost::DecodeError),
}

/// One RPC as the gate knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Method {
    pub(crate) path: &'static str,
    pub(crate) policy: Policy,
    pub(crate) shape: StreamKinds,
}

impl Method {
    /// How long a call may take at most, whatever its client asks for.
    pub(crate) fn deadline_max(&self) -> Duration {
        match self.policy {
            _ if self.shape.client_streams => STREAM_DEADLINE_MAX,
            Policy::Roles([Role::Operator]) => OPERATOR_DEADLINE_MAX,
            _ => DEADLINE_MAX,
        }
    }
}

/// The checked tables of all services behind one server, and the descriptors for reflection.
#[derive(Debug)]
pub struct Policies {
    methods: HashMap<&'static str, Method>,
    services: Vec<String>,
    descriptors: FileDescriptorSet,
    schema: Arc<Schema>,
}

impl Policies {
    /// Checks that `tables` name every RPC of `packages` (such as `entrepot.catalog.v1`), each once, and nothing
    /// else that does not exist. `descriptors` is an encoded `FileDescriptorSet` with all imports.
    pub fn check(descriptors: &[u8], packages: &[String], tables: &[PolicyTable]) -> Result<Self, Error> {
        let descriptors = FileDescriptorSet::decode(descriptors)?;
        let declared = descriptors::methods(&descriptors);
        let mut methods = HashMap::new();
        for (path, policy) in tables.iter().flat_map(|table| table.iter()) {
            let (_, shape) = declared.get(*path).ok_or_else(|| Error::Unknown((*path).to_owned()))?;
            let method = Method { path, policy: *policy, shape: *shape };
            if methods.insert(*path, method).is_some() {
                return Err(Error::Twice((*path).to_owned()));
            }
        }
        // A package with one RPC in a table is served too, whether `packages` names it or not.
        let mut served: BTreeSet<&str> = packages.iter().map(String::as_str).collect();
        served.extend(
            methods.keys().filter_map(|path| declared.get(*path)).map(|(package, _)| package.as_str()),
        );
        let missing = declared.iter().find(|(path, (package, _))| {
            served.contains(package.as_str()) && !methods.contains_key(path.as_str())
        });
        if let Some((path, _)) = missing {
            return Err(Error::Missing(path.clone()));
        }
        let services = descriptors::services(&descriptors)
            .into_iter()
            .filter(|(_, package)| served.contains(package.as_str()))
            .map(|(name, _)| name)
            .collect();
        let schema = Arc::new(Schema::of(&descriptors));
        Ok(Self { methods, services, descriptors, schema })
    }

    pub(crate) fn of(&self, path: &str) -> Option<Method> {
        self.methods.get(path).copied()
    }

    /// Counts the fields of the messages that an RPC takes.
    pub(crate) fn fields(&self, path: &str) -> Option<Fields> {
        self.schema.fields(path)
    }

    /// The full names of the services behind this server.
    pub fn services(&self) -> &[String] {
        &self.services
    }

    /// Every RPC with its policy, sorted by path: for the test that calls each as a stranger.
    pub fn table(&self) -> Vec<(&'static str, Policy)> {
        let mut table: Vec<_> = self.methods.values().map(|method| (method.path, method.policy)).collect();
        table.sort_by_key(|(path, _)| *path);
        table
    }

    pub(crate) fn all_files(&self) -> FileDescriptorSet {
        self.descriptors.clone()
    }

    pub(crate) fn public_files(&self) -> FileDescriptorSet {
        descriptors::public(&self.descriptors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audit_may_take_longer_than_a_call_of_a_person() {
        let of = |policy, client_streams| {
            let shape = StreamKinds { client_streams, server_streams: false };
            Method { path: "/entrepot.example.v1.ExampleService/Audit", policy, shape }.deadline_max()
        };
        assert_eq!(of(Policy::Roles(&[Role::Operator]), false), OPERATOR_DEADLINE_MAX);
        assert_eq!(of(Policy::Roles(&[Role::Operator, Role::Seller]), false), DEADLINE_MAX);
        assert_eq!(of(Policy::Public, false), DEADLINE_MAX);
        assert_eq!(of(Policy::Roles(&[Role::Seller]), true), STREAM_DEADLINE_MAX);
    }
}
