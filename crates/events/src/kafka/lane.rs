//! One partition's events, one after the other.

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
        let received = std::iter::once(first).chain(waiting).take(TOGETHER_MAX);
        let (mut events, mut last) = (Vec::new(), None);
        for message in received {
            match message {
                Ok(message) => {
                    events.extend(read(&work.subscription, &message));
                    last = Some(message);
                }
                Err(error) => {
                    tracing::warn!(consumer = work.subscription.consumer(), %error, "a partition had an error");
                }
            }
        }
        let Some(last) = last else { continue };
        let Some(Ok(_place)) = stop.run_until_cancelled(work.side_by_side.acquire()).await else { return };
        if !work.subscription.deliver_all(&events).await {
            return;
        }
        // Only now: what took no effect must come again. An error says that the partition has gone to another.
        match consumer.store_offset_from_message(&last) {
            Ok(()) => work.stored.store(true, Ordering::SeqCst),
            Err(error) => {
                tracing::debug!(consumer = work.subscription.consumer(), %error, "an offset was not stored");
            }
        }
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
