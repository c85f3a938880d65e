//! The bus within one process, with the contract of a real one: at least once, in order per key. What it has not
//! delivered stays in the outbox, so a crash loses nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use async_trait::async_trait;
use futures::future::join_all;

use crate::{Bus, BusError, Envelope, Subscription};

/// Events that a chaotic bus remembers to deliver again, late.
const REMEMBERED_MAX: usize = 256;

/// Delivers within the process. [`Bus::publish`] returns once every subscriber has committed the event's effect or
/// parked it.
#[derive(Default)]
pub struct LocalBus {
    subscriptions: RwLock<HashMap<String, Vec<Arc<Subscription>>>>,
    chaos: Option<Mutex<Chaos>>,
}

impl LocalBus {
    /// A bus that delivers once, unless the relay sends again.
    pub fn new() -> Self {
        Self::default()
    }

    /// A bus for tests: each event comes twice, and earlier ones come again at any later time, so that nothing may
    /// lean on "once" or on order across keys.
    pub fn chaotic(seed: u64) -> Self {
        Self {
            subscriptions: RwLock::default(),
            chaos: Some(Mutex::new(Chaos { state: seed | 1, past: Vec::new() })),
        }
    }

    fn subscribers(&self, topic: &str) -> Vec<Arc<Subscription>> {
        let subscriptions = self.subscriptions.read().unwrap_or_else(PoisonError::into_inner);
        subscriptions.get(topic).cloned().unwrap_or_default()
    }

    async fn deliver(&self, topic: &str, event: &Envelope) -> bool {
        let subscribers = self.subscribers(topic);
        join_all(subscribers.iter().map(|subscriber| subscriber.deliver(event)))
            .await
            .into_iter()
            .all(|done| done)
    }

    /// An event of the past, to come again; and this one for later.
    fn remembered(&self, topic: &str, event: &Envelope) -> Option<(String, Envelope)> {
        let mut chaos = self.chaos.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        let again = chaos.pick();
        if chaos.past.len() < REMEMBERED_MAX {
            chaos.past.push((topic.to_owned(), event.clone()));
        }
        again
    }
}

#[async_trait]
impl Bus for LocalBus {
    async fn publish(&self, topic: &str, event: &Envelope) -> Result<(), BusError> {
        if let Some((past_topic, past)) = self.remembered(topic, event) {
            self.deliver(&past_topic, &past).await;
        }
        let times = if self.chaos.is_some() { 2 } else { 1 };
        for _ in 0..times {
            if !self.deliver(topic, event).await {
                return Err(BusError("it is stopping".to_owned()));
            }
        }
        Ok(())
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

    fn outside(&self) -> Vec<String> {
        Vec::new()
    }
}

impl std::fmt::Debug for LocalBus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalBus").field("chaotic", &self.chaos.is_some()).finish_non_exhaustive()
    }
}

/// A small generator of surprises: the same seed surprises alike.
struct Chaos {
    state: u64,
    past: Vec<(String, Envelope)>,
}

impl Chaos {
    fn pick(&mut self) -> Option<(String, Envelope)> {
        // Xorshift, which is enough to pick from a list.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let size = u64::try_from(self.past.len()).ok()?;
        let place = usize::try_from(self.state.checked_rem(size)?).ok()?;
        Some(self.past.swap_remove(place))
    }
}
