//! Those who act on events.

use std::sync::Arc;

use async_trait::async_trait;
use db::{Entry, Tx};
use tracing::Instrument as _;

use crate::{Envelope, HandlerError};

/// Acts on events, within the transaction of the inbox.
#[async_trait]
pub trait Handler: Send + Sync {
    /// The event's effect, through `tx` alone: no calls in here, and nothing that running it again would do twice. It is
    /// of one of the consumer's kinds.
    async fn handle(&self, tx: &mut Tx, event: &Envelope) -> Result<(), HandlerError>;

    /// As [`Handler::handle`], of several events of one of the kinds that are [`Consumer::batched`], each of another
    /// aggregate, by the statements of one (see [`db::Batched::run_all`]). An error is of all of them: they are tried by
    /// halves then.
    async fn handle_all(&self, tx: &mut Tx, events: &[Entry<'_, Envelope>]) -> Result<(), HandlerError> {
        for event in events {
            self.handle(tx, event).instrument(event.span().clone()).await?;
        }
        Ok(())
    }
}

/// A service's interest in events of others.
#[derive(Clone)]
pub struct Consumer {
    /// Unique in the hub and never changed, such as `payment.order`: the inbox knows it by this name.
    pub name: &'static str,
    /// The services whose events it hears.
    pub services: &'static [&'static str],
    /// The kinds of these that it acts on; others are noted, and have no effect.
    pub kinds: &'static [&'static str],
    /// Those of the kinds whose events take effect together; others take effect one by one.
    pub batched: &'static [&'static str],
    /// What acts on them.
    pub handler: Arc<dyn Handler>,
}

impl Consumer {
    /// Whether events of this kind have an effect.
    pub(crate) fn acts_on(&self, event: &Envelope) -> bool {
        self.kinds.contains(&event.kind.as_str())
    }

    /// Whether it is taken together with others: it is batched, or only to be noted.
    pub(crate) fn goes_together(&self, event: &Envelope) -> bool {
        self.batched.contains(&event.kind.as_str()) || !self.acts_on(event)
    }
}

impl db::Application for Consumer {
    type Error = HandlerError;
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consumer")
            .field("name", &self.name)
            .field("services", &self.services)
            .field("kinds", &self.kinds)
            .finish_non_exhaustive()
    }
}
