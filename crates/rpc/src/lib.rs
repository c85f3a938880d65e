//! The bootstrap of a gRPC server and of its clients: identity, policies, deadlines, rich errors, the replay of
//! `request_id`, limits, health, reflection, gRPC-Web and draining.
//!
//! A service's handlers use [`Pipeline`] (each mutation once), [`require`] (who calls), [`status`] (rich errors) and
//! [`page`] (lists); those with transactions of their own use [`deadline`] and [`idempotency`]. `runtime` uses [`Server`], [`Policies`], [`TokenVerifier`], [`Identity`]
//! and [`Peer`].
//!
//! To add an RPC: write it in the proto, name its [`Policy`] in the service's table; a server in which an RPC
//! has no policy does not start.

mod address;
mod body;
mod budget;
mod caller;
mod channel;
mod client;
mod connection;
pub mod context;
mod descriptors;
mod drain;
mod fields;
mod gate;
mod guest;
mod health;
pub mod idempotency;
mod identity;
mod in_process;
mod keyed_counter;
mod keys;
mod limits;
mod listener;
mod metrics;
mod middleware;
mod mutation;
mod non_calls;
mod observe;
pub mod page;
mod peer;
mod pipeline;
mod policy;
mod quota;
mod rate;
mod response_body;
mod saga;
mod server;
pub mod status;
mod timeout;
mod trace;
mod violations;
mod wire;

pub use address::{Network, UnknownNetwork};
pub use caller::{Caller, Role, UnknownRole, caller, client, deadline, on_behalf_of, require};
pub use channel::Channel;
pub use client::Bearer;
pub use drain::Drain;
pub use guest::GuestSecret;
pub use health::Health;
pub use identity::Identity;
pub use in_process::ServerEnd;
pub use keys::{
    CLOCK_SKEW, Error as KeyError, Holder, Issuer, IssuerFile, KeySet, KeySource, PublicKey,
    SERVICE_TOKEN_LIFETIME, SetFile, SigningKey, TOKEN_LIFETIME_MAX, TokenError, TokenVerifier, Verified,
    Verifier,
};
pub use limits::{
    DEADLINE_DEFAULT, DEADLINE_MAX, Limits, MESSAGE_BYTES_MAX, OPERATOR_DEADLINE_MAX, STREAM_DEADLINE_MAX,
};
pub use metrics::{HubMetrics, Metrics};
pub use mutation::{Encode, Mutation};
pub use page::Page;
pub use peer::{PEER_DEADLINE_DEFAULT, PEER_DEADLINE_MAX, Peer};
pub use pipeline::Pipeline;
pub use policy::{Error as PolicyError, Policies, Policy, PolicyTable};
pub use quota::{Quota, QuotaKey};
pub use rate::Rate;
pub use saga::{OpenSaga, OpenSagas, Opened, Opening};
pub use server::{DRAIN_MAX, Error as ServerError, Server, merge};
pub use violations::Violations;
