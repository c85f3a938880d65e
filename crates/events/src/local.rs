//! The bus within one process, with the contract of a real one: at least once, in order per key. What it has not
//! delivered stays in the outbox, so a crash loses nothing.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use futures::future::join_all;

use crate::{Bus, BusError, Envelope, Subscription};

/// Delivers within the process. [`Bus::publish`] returns once every subscriber has committed the event's effect or
/// parked it.
#[derive(Default)]
pub struct LocalBus {
    subscriptions: RwLock<HashMap<String, Vec<Arc<Subscription>>>>,
}

impl LocalBus {
    /// A bus without subscribers yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn subscribers(&self, topic: &str) -> Vec<Arc<Subscription>> {
        let subscriptions = self.subscriptions.read().unwrap_or_else(PoisonError::into_inner);
        subscriptions.get(topic).cloned().unwrap_or_default()
    }
}

#[async_trait]
impl Bus for LocalBus {
    async fn publish(&self, topic: &str, event: &Envelope) -> Result<(), BusError> {
        let subscribers = self.subscribers(topic);
        let delivered = join_all(subscribers.iter().map(|subscriber| subscriber.deliver(event))).await;
        if delivered.into_iter().all(|done| done) {
            Ok(())
        } else {
            Err(BusError("it is stopping".to_owned()))
        }
    }

    async fn subscribe(&self, subscription: Subscription) -> Result<(), BusError> {
        let subscription = Arc::new(subscription);
        let mut subscriptions = self.subscriptions.write().unwrap_or_else(PoisonError::into_inner);
        for topic in subscription.topics() {
            subscriptions.entry(topic.clone()).or_default().push(subscription.clone());
        }
        Ok(())
    }

    /// None: what has not taken effect counts as not published.
    async fn waiting(&self, _: &Subscription) -> Result<i64, BusError> {
        Ok(0)
    }

    fn missing_from_groups(&self) -> Vec<String> {
        Vec::new()
    }
}

impl std::fmt::Debug for LocalBus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalBus").finish_non_exhaustive()
    }
}
