//! Those who act on events.

use std::sync::Arc;

use async_trait::async_trait;
use db::Tx;

use crate::{Envelope, HandlerError};

/// Acts on events, within the transaction of the inbox.
#[async_trait]
pub trait Handler: Send + Sync {
    /// The event's effect, through `tx` alone: no calls in here, and nothing that running it again would do twice.
    /// Kinds that it does not know are `Ok`.
    async fn handle(&self, tx: &mut Tx, event: &Envelope) -> Result<(), HandlerError>;
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
