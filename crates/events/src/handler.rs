//! Those who act on events.

use std::sync::Arc;

use async_trait::async_trait;
use db::{Retryable, Tx};

use crate::Envelope;

/// Acts on events, within the transaction of the inbox.
#[async_trait]
pub trait Handler: Send + Sync {
    /// The event's effect, through `tx` alone: no calls in here, and nothing that running it again would do twice.
    /// Kinds that it does not know are `Ok`.
    async fn handle(&self, tx: &mut Tx, event: &Envelope) -> Result<(), HandlerError>;
}

/// Why an event was not handled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandlerError {
    /// The database failed: while it does, the event waits; what the statement itself is to blame for is tried a few times,
    /// then parked.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// It cannot be handled yet, but soon: it is tried again for a while, then parked.
    #[error("not yet: {0}")]
    Retry(String),
    /// It can never be handled: it is parked.
    #[error("{0}")]
    Poison(String),
}

impl Retryable for HandlerError {
    fn is_retryable(&self) -> bool {
        matches!(self, Self::Database(error) if error.is_retryable())
    }
}

/// A service's interest in events of others.
#[derive(Clone)]
pub struct Consumer {
    /// Unique in the hub and never changed, such as `payment.order`: the inbox knows it by this name.
    pub name: &'static str,
    /// The services whose events it hears.
    pub services: &'static [&'static str],
    /// What acts on them.
    pub handler: Arc<dyn Handler>,
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consumer")
            .field("name", &self.name)
            .field("services", &self.services)
            .finish_non_exhaustive()
    }
}
