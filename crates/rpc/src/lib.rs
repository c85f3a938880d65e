//! The bootstrap of a gRPC server and of its clients: identity, policies, deadlines, rich errors, the replay of
//! `request_id`, limits, health, reflection, gRPC-Web and draining.
//!
//! A service's handler uses [`require`] (who calls), [`deadline`], [`status`] (rich errors), [`replay`]
//! (each mutation once) and [`page`] (lists). `runtime` uses [`Server`], [`Policies`], [`Keys`] and [`Peer`].
//!
//! To add an RPC: write it in the proto, name its [`Policy`] in the service's table; a server in which an RPC
//! has no policy does not start.

mod body;
mod caller;
mod client;
pub mod context;
mod descriptors;
mod drain;
pub mod duplex;
mod gate;
mod health;
mod keys;
mod metrics;
pub mod page;
mod peer;
mod policy;
mod rate;
pub mod replay;
mod server;
pub mod status;
mod timeout;
mod trace;
mod watch;

pub use caller::{Caller, Role, UnknownRole, caller, deadline, on_behalf_of, require};
pub use client::Bearer;
pub use drain::Drain;
pub use duplex::duplex;
pub use gate::{DEADLINE_DEFAULT, DEADLINE_MAX, STREAM_DEADLINE_MAX};
pub use health::Health;
pub use keys::{Error as KeyError, Keys, Refusal, TOKEN_LIFETIME_MAX, Verifier};
pub use metrics::{HubMetrics, Metrics};
pub use page::Page;
pub use peer::{Identity, PEER_DEADLINE_DEFAULT, PEER_DEADLINE_MAX, Peer};
pub use policy::{Error as PolicyError, Policies, Policy, PolicyTable};
pub use rate::Rate;
pub use server::{CONNECTION_STREAMS_MAX, DRAIN_MAX, Error as ServerError, MESSAGE_BYTES_MAX, Server, merge};
