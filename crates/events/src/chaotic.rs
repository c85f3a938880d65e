//! Another bus at its worst: each event comes twice, and earlier ones come again at any later time, so that nothing may
//! lean on "once" or on order across keys. For tests, and for a hub that is to be proved.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::{Bus, BusError, Envelope, LocalBus, Subscription};

/// Events that it remembers to deliver again, late.
const REMEMBERED_MAX: usize = 256;

/// A bus that delivers more often than it must.
pub struct ChaoticBus {
    bus: Arc<dyn Bus>,
    chaos: Mutex<Chaos>,
}

impl ChaoticBus {
    /// Repeats what goes by `bus`; the same seed repeats alike.
    pub fn new(bus: Arc<dyn Bus>, seed: u64) -> Self {
        Self { bus, chaos: Mutex::new(Chaos { state: seed | 1, past: Vec::new() }) }
    }

    /// Over the bus within the process.
    pub fn local(seed: u64) -> Self {
        Self::new(Arc::new(LocalBus::new()), seed)
    }

    /// An event of the past, to come again; and this one for later.
    fn remembered(&self, topic: &str, event: &Envelope) -> Option<(String, Envelope)> {
        let mut chaos = self.chaos.lock().unwrap_or_else(PoisonError::into_inner);
        let again = chaos.pick();
        if chaos.past.len() < REMEMBERED_MAX {
            chaos.past.push((topic.to_owned(), event.clone()));
        }
        again
    }
}

#[async_trait]
impl Bus for ChaoticBus {
    async fn publish(&self, topic: &str, event: &Envelope) -> Result<(), BusError> {
        if let Some((past_topic, past)) = self.remembered(topic, event)
            && let Err(error) = self.bus.publish(&past_topic, &past).await
        {
            tracing::debug!(%error, "an event did not come again");
        }
        self.bus.publish(topic, event).await?;
        self.bus.publish(topic, event).await
    }

    async fn subscribe(&self, subscription: Subscription) -> Result<(), BusError> {
        self.bus.subscribe(subscription).await
    }

    async fn waiting(&self, subscription: &Subscription) -> Result<i64, BusError> {
        self.bus.waiting(subscription).await
    }

    fn missing_from_groups(&self) -> Vec<String> {
        self.bus.missing_from_groups()
    }

    fn late(&self) -> Option<Duration> {
        self.bus.late()
    }
}

impl std::fmt::Debug for ChaoticBus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChaoticBus").finish_non_exhaustive()
    }
}

/// A small generator of surprises.
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
