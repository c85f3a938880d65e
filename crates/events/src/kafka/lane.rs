//! One partition's events, one after the other.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use futures::FutureExt as _;
use rdkafka::consumer::stream_consumer::StreamPartitionQueue;
use rdkafka::consumer::{Consumer as _, StreamConsumer};
use rdkafka::message::{BorrowedMessage, Message as _};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::headers;
use super::member::Member;
use crate::{Envelope, Subscription};

/// Partitions of one consumer whose events take effect side by side.
const SIDE_BY_SIDE_MAX: usize = 8;
/// Events of a partition that are taken at once.
const TOGETHER_MAX: usize = 32;
/// How long a lane that is cut off may take to notice.
const CUT_OFF_MAX: Duration = Duration::from_secs(1);

/// What the lanes of a consumer share.
pub(super) struct Work {
    pub(super) subscription: Arc<Subscription>,
    pub(super) runtime: Handle,
    /// Offsets are stored that have not been committed.
    pub(super) stored: AtomicBool,
    side_by_side: Semaphore,
}

impl Work {
    pub(super) fn new(subscription: Arc<Subscription>, runtime: Handle) -> Self {
        Self {
            subscription,
            runtime,
            stored: AtomicBool::new(false),
            side_by_side: Semaphore::new(SIDE_BY_SIDE_MAX),
        }
    }
}

/// A partition that is ours now.
pub(super) struct Lane {
    stop: CancellationToken,
    task: JoinHandle<()>,
    /// Nothing is ever sent: it closes when the task is gone.
    gone: mpsc::Receiver<()>,
}

impl Lane {
    /// Begins to deliver what comes from a partition.
    pub(super) fn start(
        work: Arc<Work>,
        consumer: Arc<StreamConsumer<Member>>,
        queue: StreamPartitionQueue<Member>,
    ) -> Self {
        let stop = CancellationToken::new();
        let (going, gone) = mpsc::sync_channel(0);
        let runtime = work.runtime.clone();
        let delivering = deliver_all(work, consumer, queue, stop.clone());
        let task = runtime.spawn(async move {
            delivering.await;
            drop(going);
        });
        Self { stop, task, gone }
    }

    /// Lets it finish the events that it is at, and take no others.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits for its end, and cuts it off after a while: the event comes again to whoever has the partition then. For
    /// a thread that may block.
    pub(super) fn wait(self, longest: Duration) {
        if self.gone.recv_timeout(longest) == Err(RecvTimeoutError::Timeout) {
            self.task.abort();
            let _ = self.gone.recv_timeout(CUT_OFF_MAX);
        }
    }
}

async fn deliver_all(
    work: Arc<Work>,
    consumer: Arc<StreamConsumer<Member>>,
    queue: StreamPartitionQueue<Member>,
    stop: CancellationToken,
) {
    while let Some(first) = stop.run_until_cancelled(queue.recv()).await {
        let waiting = std::iter::from_fn(|| queue.recv().now_or_never());
        let mut events = VecDeque::new();
        for received in std::iter::once(first).chain(waiting).take(TOGETHER_MAX) {
            match received {
                Ok(message) => events.push_back((read(&work.subscription, &message), message)),
                Err(error) => {
                    tracing::warn!(consumer = work.subscription.consumer(), %error, "a partition had an error");
                }
            }
        }
        while let Some(last) = work.deliver_next(&mut events, &stop).await {
            // Only now: what took no effect must come again. An error says that the partition has gone to another.
            match consumer.store_offset_from_message(&last) {
                Ok(()) => work.stored.store(true, Ordering::SeqCst),
                Err(error) => {
                    tracing::debug!(consumer = work.subscription.consumer(), %error, "an offset was not stored");
                }
            }
        }
        if !events.is_empty() {
            return;
        }
    }
}

/// Messages of a partition, each with the event that it is.
type Received<'m> = VecDeque<(Option<Envelope>, BorrowedMessage<'m>)>;

impl Work {
    /// Delivers as many of the first as go at once, and returns the last of them; none when it is to stop, or none is left.
    async fn deliver_next<'m>(
        &self,
        events: &mut Received<'m>,
        stop: &CancellationToken,
    ) -> Option<BorrowedMessage<'m>> {
        while let Some((None, _)) = events.front() {
            let (_, message) = events.pop_front()?;
            if events.is_empty() {
                return Some(message);
            }
        }
        let count = self.subscription.at_once(events.iter().map_while(|(event, _)| event.as_ref()));
        events.front()?;
        let _place = stop.run_until_cancelled(self.side_by_side.acquire()).await?.ok()?;
        let now = events.iter().take(count).filter_map(|(event, _)| event.as_ref());
        if !self.subscription.deliver_at_once(now).await {
            return None;
        }
        events.drain(..count).next_back().map(|(_, message)| message)
    }
}

/// The event that a message is, if it is one.
fn read(subscription: &Subscription, message: &BorrowedMessage<'_>) -> Option<Envelope> {
    match headers::event(message.headers(), message.payload()) {
        Ok(event) => Some(event),
        Err(error) => {
            // Without an id it cannot be parked; it stays in the topic, where these numbers find it.
            tracing::error!(
                consumer = subscription.consumer(),
                topic = message.topic(),
                partition = message.partition(),
                offset = message.offset(),
                %error,
                "a message is not an event and is skipped"
            );
            None
        }
    }
}
