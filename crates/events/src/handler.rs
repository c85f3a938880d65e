//! Those who act on events.

use std::sync::Arc;

use async_trait::async_trait;
use db::{Application, Batched, Entry, Tx};
use tracing::Instrument as _;

use crate::{Envelope, HandlerError};

/// Acts on events, within the transaction of the inbox.
#[async_trait]
pub trait Handler: Send + Sync {
    /// The event's effect, through `tx` alone: no calls in here, and nothing that running it again would do twice. It is
    /// of one of the consumer's kinds.
    async fn handle(&self, tx: &mut Tx, event: &Envelope) -> Result<(), HandlerError>;

    /// As [`Handler::handle`], of events of one of the kinds that are [`Consumer::batched`], each of another aggregate, by
    /// the statements of one (see [`db::Batched::run_all`]); one outcome for each, in their order. An `Err` among these has
    /// changed nothing; an `Err` of all rolls all back, and they are tried by halves.
    async fn handle_all(
        &self,
        tx: &mut Tx,
        events: &[Entry<'_, Envelope>],
    ) -> Result<Vec<Handled>, HandlerError> {
        for event in events {
            self.handle(tx, event).instrument(event.span().clone()).await?;
        }
        Ok(events.iter().map(|_| Ok(())).collect())
    }
}

/// What came of an event.
pub type Handled = Result<(), HandlerError>;

/// For [`Handler::handle_all`]: runs together the commands that events ask for. `read` makes one of an event, and `outcome`
/// says what its output is to the event.
pub async fn run_all<A, C>(
    events: &[Entry<'_, Envelope>],
    read: impl Fn(&Envelope) -> Result<C, HandlerError>,
    outcome: impl Fn(&C, C::Output) -> Handled,
    app: &A,
    tx: &mut Tx,
) -> Result<Vec<Handled>, HandlerError>
where
    A: Application,
    C: Batched<A>,
    HandlerError: From<A::Error>,
{
    let commands: Vec<Result<C, HandlerError>> = events.iter().map(|event| read(event)).collect();
    let readable = events.iter().zip(&commands);
    let batch: Vec<Entry<'_, C>> =
        readable.filter_map(|(event, command)| Some(event.with(command.as_ref().ok()?))).collect();
    let outputs = if batch.is_empty() { Vec::new() } else { C::run_all(&batch, app, tx).await? };
    let mut outputs = outputs.into_iter();
    let handled = |command: Result<C, HandlerError>| {
        let command = command?;
        let output = outputs.next().ok_or(db::Error::Outcomes)?;
        outcome(&command, output?)
    };
    Ok(commands.into_iter().map(handled).collect())
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

impl Application for Consumer {
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
