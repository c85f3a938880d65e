//! Receiving for one subscription, on a thread of its own: librdkafka's callbacks may block there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::consumer::{CommitMode, Consumer as _, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::lane::Work;
use super::member::Member;
use super::topics::{self, Topics};
use super::{BusError, KafkaSettings, group_absence};
use crate::Subscription;

/// How often offsets are committed.
const COMMIT_EVERY: Duration = Duration::from_millis(500);
/// The first wait before a consumer that failed begins anew; it doubles, up to the longest.
const BACKOFF_FIRST: Duration = Duration::from_millis(200);
const BACKOFF_LONGEST: Duration = Duration::from_secs(10);

/// A consumer that went on for so long worked: two processes of one name throw each other out sooner.
const STEADY: Duration = Duration::from_secs(60);
/// How often a trouble that lasts is told of.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// A subscription's consumer.
pub(super) struct Consumer {
    settings: KafkaSettings,
    topics: Arc<Topics>,
    names: Vec<String>,
    subscription: Arc<Subscription>,
    joined: Arc<AtomicBool>,
    /// The bus is closed. The subscription may be stopped apart from it.
    closed: CancellationToken,
}

impl Consumer {
    pub(super) fn new(
        settings: &KafkaSettings,
        topics: Arc<Topics>,
        subscription: Subscription,
        joined: Arc<AtomicBool>,
        closed: CancellationToken,
    ) -> Self {
        let names = subscription.topics().iter().map(|topic| settings.named(topic)).collect();
        let subscription = Arc::new(subscription);
        Self { settings: settings.clone(), topics, names, subscription, joined, closed }
    }

    /// Starts it; `running` is held until it has ended.
    pub(super) fn start(self, running: TaskTrackerToken) -> Result<(), BusError> {
        let runtime = Handle::current();
        let thread = std::thread::Builder::new().name(self.subscription.consumer().to_owned());
        let started = thread.spawn(move || {
            runtime.block_on(self.run(&runtime));
            drop(running);
        });
        started.map(|_| ()).map_err(|error| BusError(format!("a consumer cannot be started: {error}")))
    }

    async fn run(&self, runtime: &Handle) {
        let consumer = self.subscription.consumer();
        let mut backoff = BACKOFF_FIRST;
        loop {
            let begun = Instant::now();
            let ended = self.session(runtime).await;
            self.joined.store(false, Ordering::SeqCst);
            if begun.elapsed() > STEADY {
                backoff = BACKOFF_FIRST;
            }
            match ended {
                Ok(()) => return,
                // Once, until it has worked again.
                Err(error) if backoff == BACKOFF_FIRST => {
                    tracing::warn!(consumer, %error, "a consumer failed and is restarted until it works");
                }
                Err(error) => tracing::debug!(consumer, %error, "a consumer failed again"),
            }
            tokio::select! {
                () = self.stopped() => return,
                () = tokio::time::sleep(backoff) => backoff = (backoff * 2).min(BACKOFF_LONGEST),
            }
        }
    }

    /// One membership of the group, until it is stopped (`Ok`) or fails.
    async fn session(&self, runtime: &Handle) -> Result<(), BusError> {
        tokio::select! {
            () = self.stopped() => return Ok(()),
            ready = self.topics.ensure(&self.names) => ready?,
        }
        let work = Arc::new(Work::new(self.subscription.clone(), runtime.clone()));
        let group = self.settings.named(&self.subscription.group());
        let config = self.settings.consumer(&group);
        let member = Member::new(work, self.joined.clone());
        let consumer: Arc<StreamConsumer<Member>> = Arc::new(config.create_with_context(member)?);
        consumer.context().belongs_to(&consumer);
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        consumer.subscribe(&names)?;
        let asking = self.settings.client();
        let ended = tokio::select! {
            ended = self.listen(&consumer) => ended,
            error = group_absence::lost(&self.joined, self.settings.session_timeout, &asking, &group) => Err(error),
        };
        // Lanes hold the consumer. Without them it closes here, giving its partitions back and committing.
        consumer.context().end_all();
        if ended.is_err() {
            // One that is stuck may never have closed: the next does not wait for it.
            std::thread::spawn(move || drop(consumer));
        }
        ended
    }

    async fn listen(&self, consumer: &StreamConsumer<Member>) -> Result<(), BusError> {
        let mut commit = tokio::time::interval(COMMIT_EVERY);
        let mut told: Option<Instant> = None;
        loop {
            tokio::select! {
                () = self.stopped() => return Ok(()),
                _ = commit.tick() => consumer.context().commit(consumer, CommitMode::Async),
                received = consumer.recv() => match received {
                    Ok(_) => return Err(BusError("a message bypassed its partition's queue".to_owned())),
                    Err(error) if self.ends(&error).await => return Err(error.into()),
                    // It goes on by itself, and says the same again until it can.
                    Err(error) if told.is_some_and(|told| told.elapsed() < TELL_EVERY) => {
                        tracing::debug!(consumer = self.subscription.consumer(), %error, "a consumer still has errors");
                    }
                    Err(error) => {
                        told = Some(Instant::now());
                        tracing::warn!(consumer = self.subscription.consumer(), %error, "a consumer has errors");
                    }
                }
            }
        }
    }

    /// Whether a consumer cannot go on after this error.
    async fn ends(&self, error: &KafkaError) -> bool {
        if topics::is_unknown(error) {
            for name in &self.names {
                self.topics.forget(name).await;
            }
            return true;
        }
        matches!(error, KafkaError::MessageConsumptionFatal(_))
            || error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal)
    }

    async fn stopped(&self) {
        tokio::select! {
            () = self.closed.cancelled() => {}
            () = self.subscription.stopping().cancelled() => {}
        }
    }
}

impl Drop for Consumer {
    /// However it ended: nobody takes it for a member.
    fn drop(&mut self) {
        self.joined.store(false, Ordering::SeqCst);
    }
}
