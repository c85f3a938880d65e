//! How much and how long: of every call, and what a public listener bears.

use std::time::Duration;

use serde::Deserialize;

use crate::Network;

/// The longest message, in bytes; what is larger is streamed or paged.
pub const MESSAGE_BYTES_MAX: usize = 1024 * 1024;
/// The deadline of a call whose client names none.
pub const DEADLINE_DEFAULT: Duration = Duration::from_secs(10);
/// The longest deadline of a call with one message each way.
pub const DEADLINE_MAX: Duration = Duration::from_secs(60);
/// The longest that a client may stream in (an import).
pub const STREAM_DEADLINE_MAX: Duration = Duration::from_secs(3600);
/// The longest deadline of a call that is for operators alone: an audit reads all that there is.
pub const OPERATOR_DEADLINE_MAX: Duration = Duration::from_secs(3600);

/// The section `[limits]`: what a public listener bears before it refuses.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Bytes of requests and answers that all calls together may hold. Callers without a token have half of them.
    pub process_bytes: usize,
    /// Bytes that the calls of one connection may hold.
    pub connection_bytes: usize,
    /// Bytes that the calls of one principal may hold; of one address without a token, a sixteenth of what such callers have.
    pub principal_bytes: usize,
    /// The longest message of a caller without a token, in bytes.
    pub anonymous_message_bytes: usize,
    /// Streaming calls that a principal may have open.
    pub streams_max: usize,
    /// Connections that may be open.
    pub connections_max: usize,
    /// Connections that may be open from one address.
    pub connections_per_address: usize,
    /// How long a connection has to send its first frame, and how long one that makes no call is kept until it is asked
    /// to close;
    /// after twice that it is cut off.
    pub first_frame_seconds: u64,
    /// How long a connection may be without a call.
    pub idle_seconds: u64,
    /// How long a connection, or a stream, lasts at most; then the client makes another.
    pub connection_age_max_seconds: u64,
    /// How long an answer may wait for its client to read on.
    pub unread_response_seconds: u64,
    /// Networks of proxies whose word is taken for whom they speak for.
    #[serde(default)]
    pub trusted_proxies: Vec<Network>,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            process_bytes: 64 * MIB,
            connection_bytes: 8 * MIB,
            principal_bytes: 8 * MIB,
            anonymous_message_bytes: 64 * 1024,
            streams_max: 100,
            connections_max: 1_000,
            connections_per_address: 250,
            first_frame_seconds: 10,
            idle_seconds: 300,
            connection_age_max_seconds: 3_600,
            unread_response_seconds: 30,
            trusted_proxies: Vec::new(),
        }
    }
}

impl Limits {
    pub(crate) fn first_frame(&self) -> Duration {
        Duration::from_secs(self.first_frame_seconds)
    }

    pub(crate) fn idle(&self) -> Duration {
        Duration::from_secs(self.idle_seconds)
    }

    pub(crate) fn age(&self) -> Duration {
        Duration::from_secs(self.connection_age_max_seconds)
    }

    pub(crate) fn write(&self) -> Duration {
        Duration::from_secs(self.unread_response_seconds)
    }
}
