//! Reading a database now and then.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::collector::View;
use super::{Metrics, Reading};
use crate::Worker;

/// A sampler rests for so many times as long as it took: however large its tables, it takes a twentieth of one
/// connection's time at most.
const REST_FACTOR: u32 = 19;

/// How often a sampler reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Every five seconds: what an index answers.
    Often,
    /// Every thirty seconds: what takes a look at whole tables.
    Seldom,
}

type Read = Box<dyn Fn() -> BoxFuture<'static, anyhow::Result<Vec<Reading>>> + Send + Sync>;

/// Reads what stands in a database, for as long as there is somewhere to show it.
pub struct Sampler {
    pub(super) name: &'static str,
    pace: Pace,
    read: Read,
}

impl Sampler {
    /// Reads so often; the name tells it from the service's others.
    pub fn new<F>(name: &'static str, pace: Pace, read: F) -> Self
    where
        F: Fn() -> BoxFuture<'static, anyhow::Result<Vec<Reading>>> + Send + Sync + 'static,
    {
        Self { name, pace, read: Box::new(read) }
    }

    /// Its task.
    pub(crate) fn worker(self, metrics: &Metrics, view: Arc<View>, service: &'static str) -> Worker {
        let period = metrics.period(self.pace);
        Worker::new("metrics", move |cancel| Box::pin(self.run(view, service, period, cancel)))
    }

    async fn run(self, view: Arc<View>, service: &'static str, period: Duration, cancel: CancellationToken) {
        while !cancel.is_cancelled() {
            let begun = Instant::now();
            match (self.read)().await {
                Ok(readings) => view.keep(service, self.name, readings),
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::warn!(
                        service,
                        sample = self.name,
                        error,
                        "metrics could not be read; they are left out"
                    );
                    view.forget(service, self.name);
                }
            }
            let pause = period.max(begun.elapsed().saturating_mul(REST_FACTOR));
            cancel.run_until_cancelled(tokio::time::sleep(pause)).await;
        }
    }
}

impl std::fmt::Debug for Sampler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sampler").field("name", &self.name).finish_non_exhaustive()
    }
}
