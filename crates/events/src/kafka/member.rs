//! A member of a consumer group: which partitions are ours.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance, StreamConsumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionList;

use super::ClientLog;
use super::lane::{Lane, Work};

/// How long events that are in flight may take when their partition goes to another, or we stop.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// A topic's partition.
type TopicPartition = (String, i32);

/// Hears from librdkafka which partitions come and go, on the thread that polls: it may block.
pub(super) struct Member {
    work: Arc<Work>,
    joined: Arc<AtomicBool>,
    lanes: Mutex<HashMap<TopicPartition, Lane>>,
    consumer: OnceLock<Weak<StreamConsumer<Member>>>,
}

impl Member {
    pub(super) fn new(work: Arc<Work>, joined: Arc<AtomicBool>) -> Self {
        Self { work, joined, lanes: Mutex::default(), consumer: OnceLock::new() }
    }

    /// Tells it the consumer that it is the context of.
    pub(super) fn belongs_to(&self, consumer: &Arc<StreamConsumer<Self>>) {
        let _ = self.consumer.set(Arc::downgrade(consumer));
    }

    /// Ends every lane.
    pub(super) fn end_all(&self) {
        let lanes = self.lanes().drain().map(|(_, lane)| lane).collect();
        drain(lanes);
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<TopicPartition, Lane>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A queue of its own for each partition, so that one whose events wait keeps no other waiting. Done before the
    /// assignment: afterwards, first messages could come through the common queue, and out of order.
    fn begin(&self, partitions: &TopicPartitionList) {
        let Some(consumer) = self.consumer.get().and_then(Weak::upgrade) else { return };
        for place in places(partitions) {
            let Some(queue) = consumer.split_partition_queue(&place.0, place.1) else { continue };
            let lane = Lane::start(self.work.clone(), consumer.clone(), queue);
            self.lanes().insert(place, lane);
        }
    }

    fn end(&self, partitions: &TopicPartitionList) {
        let ending = places(partitions).into_iter().filter_map(|place| self.lanes().remove(&place)).collect();
        drain(ending);
    }

    /// Commits what lanes have stored since the last time.
    pub(super) fn commit(&self, consumer: &impl Consumer<Self>, mode: CommitMode) {
        if !self.work.stored.swap(false, Ordering::SeqCst) {
            return;
        }
        if let Err(error) = consumer.commit_consumer_state(mode) {
            self.not_committed(&error);
        }
    }

    /// Harmless: what is not committed comes again and has no second effect.
    fn not_committed(&self, error: &KafkaError) {
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::NoOffset) {
            self.work.stored.store(true, Ordering::SeqCst);
            tracing::debug!(consumer = self.work.subscription.consumer(), %error, "offsets were not committed");
        }
    }
}

impl ClientContext for Member {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        ClientLog.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        ClientLog.error(error, reason);
    }
}

impl ConsumerContext for Member {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(partitions) => self.begin(partitions),
            Rebalance::Revoke(partitions) => {
                self.end(partitions);
                // Partitions that were lost are another's already: a commit would be refused.
                if !consumer.assignment_lost() {
                    self.commit(consumer, CommitMode::Sync);
                }
            }
            Rebalance::Error(_) => {}
        }
    }

    fn post_rebalance(&self, _consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let joined = matches!(rebalance, Rebalance::Assign(_));
        self.joined.store(joined, Ordering::SeqCst);
        tracing::debug!(consumer = self.work.subscription.consumer(), ?rebalance, "partitions were assigned");
    }

    fn commit_callback(&self, result: KafkaResult<()>, _offsets: &TopicPartitionList) {
        if let Err(error) = result {
            self.not_committed(&error);
        }
    }
}

fn places(partitions: &TopicPartitionList) -> Vec<TopicPartition> {
    let elements = partitions.elements();
    elements.iter().map(|element| (element.topic().to_owned(), element.partition())).collect()
}

fn drain(lanes: Vec<Lane>) {
    lanes.iter().for_each(Lane::stop);
    let begun = Instant::now();
    for lane in lanes {
        lane.wait(DRAIN_MAX.saturating_sub(begun.elapsed()));
    }
}
