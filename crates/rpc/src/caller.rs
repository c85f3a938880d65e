//! Who calls: put into the request's extensions by the gate, read by handlers.

use std::fmt;
use std::str::FromStr;

use kernel::excerpt;
use tokio::time::Instant;
use tonic::{Request, Status};

use crate::limits::DEADLINE_DEFAULT;
use crate::status;

/// What a caller may be. A person who both buys and sells has two subjects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Buys; sees only its own quotes, orders and wallet.
    Buyer,
    /// Sells; sees only its own goods, consignments and statements.
    Seller,
    /// Runs the hub.
    Operator,
    /// Another service of the hub, on the internal listener.
    Service,
    /// A carrier's system, which reports tracking.
    Carrier,
}

impl Role {
    /// Every role, in the order of the text form.
    pub const ALL: [Role; 5] = [Role::Buyer, Role::Carrier, Role::Operator, Role::Seller, Role::Service];

    /// The text form, lower case: in tokens, in principals and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Buyer => "buyer",
            Role::Seller => "seller",
            Role::Operator => "operator",
            Role::Service => "service",
            Role::Carrier => "carrier",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no role.
#[derive(Debug, thiserror::Error)]
#[error("`{}` is not a role: use buyer, seller, operator, service or carrier", excerpt(.0))]
pub struct UnknownRole(String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Role::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

/// The one who calls, as its token says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Caller {
    /// The token's `sub`: visible ASCII, at most 128 characters, such as `buyer_01…`.
    pub subject: String,
    /// The token's role.
    pub role: Role,
}

impl Caller {
    /// A caller of this role and subject.
    pub fn new(role: Role, subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), role }
    }

    /// `role:subject`, the key under which requests and rates are counted.
    pub fn principal(&self) -> String {
        format!("{}:{}", self.role, self.subject)
    }

    /// The inverse of [`Caller::principal`].
    pub(crate) fn from_principal(text: &str) -> Option<Self> {
        let (role, subject) = text.split_once(':')?;
        Some(Self { subject: subject.to_owned(), role: role.parse().ok()? })
    }
}

/// The one on whose behalf a service calls, in the request's extensions.
#[derive(Clone, Debug)]
pub(crate) struct OnBehalfOf(pub(crate) Caller);

/// When the answer is due, in the request's extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(pub(crate) Instant);

/// The name under which a caller without a token is counted: its address, IPv6 by its first 64 bits. In the request's
/// extensions.
#[derive(Clone, Debug)]
pub(crate) struct Client(pub(crate) String);

/// Under which name the client of this call is counted, whoever it says that it is: its address (of IPv6 the first 64
/// bits), as a trusted proxy told it; `None` for a call from within the process.
pub fn client<T>(request: &Request<T>) -> Option<&str> {
    request.extensions().get::<Client>().map(|client| client.0.as_str())
}

/// Who calls; `None` on a public RPC called without a token.
pub fn caller<T>(request: &Request<T>) -> Option<&Caller> {
    request.extensions().get::<Caller>()
}

/// Who calls, or UNAUTHENTICATED. On the internal listener this is the calling service (or the operator);
/// the person behind it is [`on_behalf_of`].
pub fn require<T>(request: &Request<T>) -> Result<Caller, Status> {
    caller(request).cloned().ok_or_else(status::token_missing)
}

/// The person or system at the hub's edge for whom a service calls, if there is one.
pub fn on_behalf_of<T>(request: &Request<T>) -> Option<&Caller> {
    request.extensions().get::<OnBehalfOf>().map(|of| &of.0)
}

/// When the response to this request is due (monotonic); ten seconds from now outside a server.
pub fn deadline<T>(request: &Request<T>) -> Instant {
    request.extensions().get::<Deadline>().map_or_else(|| Instant::now() + DEADLINE_DEFAULT, |due| due.0)
}
