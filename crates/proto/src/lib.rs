//! The API of the hub as Rust: messages, clients and servers generated from `proto/` when this crate is built,
//! and the conversions of the messages that all services share.
//!
//! Packages are modules without their `entrepot`: `entrepot.order.v1` is [`order::v1`],
//! `entrepot.order.internal.v1` is [`order::internal::v1`]. To add one, write its `.proto` file; nothing here
//! changes.

pub mod convert;
mod event;

#[expect(missing_docs, reason = "generated; the comments of the protos are kept where there are any")]
#[expect(
    clippy::all,
    clippy::too_many_lines,
    clippy::as_conversions,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    unreachable_pub,
    reason = "generated"
)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/mod.rs"));
}

pub use event::Event;
pub use generated::entrepot::*;

/// The message of an RPC that changes something, and does so once for each `request_id`.
pub trait Mutation: prost::Message {
    /// The RPC's name, such as `PlaceOrder`.
    const RPC: &'static str;
    /// The client's id for the request: a UUID, of which [`Mutation`] says nothing.
    fn request_id(&self) -> &str;
}

/// The message of an RPC that answers with a page of a list.
pub trait Paged: prost::Message {
    /// The RPC's name, such as `ListOrders`.
    const RPC: &'static str;
    /// Its `page_size` and `page_token`, as they were sent.
    fn page(&self) -> (i32, &str);
}

include!(concat!(env!("OUT_DIR"), "/requests.rs"));

/// The encoded `FileDescriptorSet` of every proto with its imports, for reflection and policies.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
