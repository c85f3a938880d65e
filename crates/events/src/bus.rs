//! What carries events from one service to others.

use std::time::Duration;

use async_trait::async_trait;

use crate::{Envelope, Subscription};

/// Carries events: at least once, in order per aggregate.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Hands an event over; `Ok` only when the bus will not lose it. Waits for as long as the bus is away; a caller
    /// that stops waiting does not know whether it was accepted.
    async fn publish(&self, topic: &str, event: &Envelope) -> Result<(), Error>;

    /// Delivers every event of the subscription's topics to it from now on.
    async fn subscribe(&self, subscription: Subscription) -> Result<(), Error>;

    /// How many events of its topics the bus has that the subscription, in any process, has yet to take.
    async fn waiting(&self, subscription: &Subscription) -> Result<i64, Error>;

    /// The groups of this process's subscriptions that it is not in now: while there are any, it does not hear their
    /// events.
    fn missing_from_groups(&self) -> Vec<String>;

    /// For how long the event that has waited longest for the bus, of those that this process has handed over, has
    /// waited, once that is longer than it may. It is kept until the bus takes it.
    fn late(&self) -> Option<Duration> {
        None
    }
}

/// The bus did not do it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Error(pub String);
