//! Reading a database now and then.

use std::sync::Arc;
use std::time::Duration;

use db::Tx;
use futures::future::BoxFuture;
use rpc::Pipeline;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::collector::View;
use super::{Metrics, SampleValue};
use crate::Worker;

/// A sampler rests for so many times as long as it took: however large its tables, it takes a twentieth of one
/// connection's time at most.
const REST_FACTOR: u32 = 19;

/// How often a sampler reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleInterval {
    /// Every five seconds: what an index answers.
    Often,
    /// Every thirty seconds: what takes a look at whole tables.
    Seldom,
}

/// An `async fn` that reads a database for a [`Sampler`]: a bound of an asynchronous function does not say by itself
/// that its future is [`Send`].
pub trait Read<'t, A>: Send + Sync + 'static {
    /// Reads.
    fn read(
        &self,
        app: &'t A,
        tx: &'t mut Tx,
    ) -> impl Future<Output = Result<Vec<SampleValue>, db::Error>> + Send + 't;
}

impl<'t, A, R, F> Read<'t, A> for R
where
    A: 'static,
    R: Fn(&'t A, &'t mut Tx) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Vec<SampleValue>, db::Error>> + Send + 't,
{
    fn read(
        &self,
        app: &'t A,
        tx: &'t mut Tx,
    ) -> impl Future<Output = Result<Vec<SampleValue>, db::Error>> + Send + 't {
        self(app, tx)
    }
}

type Take = Box<dyn Fn() -> BoxFuture<'static, anyhow::Result<Vec<SampleValue>>> + Send + Sync>;

/// Reads what stands in a database, for as long as there is somewhere to show it.
pub struct Sampler {
    pub(super) name: &'static str,
    pace: SampleInterval,
    read: Take,
}

impl Sampler {
    /// Reads so often, each time with a clone of `state`; the name tells it from the service's others.
    pub fn new<S, F>(
        name: &'static str,
        pace: SampleInterval,
        state: S,
        read: impl Fn(S) -> F + Send + Sync + 'static,
    ) -> Self
    where
        S: Clone + Send + Sync + 'static,
        F: Future<Output = anyhow::Result<Vec<SampleValue>>> + Send + 'static,
    {
        Self { name, pace, read: Box::new(move || Box::pin(read(state.clone()))) }
    }

    /// Reads a service's database, on one snapshot.
    pub fn reading<A, R>(name: &'static str, pace: SampleInterval, pipeline: &Pipeline<A>, read: R) -> Self
    where
        A: Send + Sync + 'static,
        R: for<'t> Read<'t, A> + Copy,
    {
        let state = (pipeline.app().clone(), pipeline.db().clone());
        Self::new(name, pace, state, move |(app, db)| async move {
            let readings = db.read(move |tx| {
                let app = app.clone();
                Box::pin(async move { read.read(&app, tx).await })
            });
            Ok(readings.await?)
        })
    }

    /// Its task.
    pub(crate) fn worker(self, metrics: &Metrics, view: Arc<View>, service: &'static str) -> Worker {
        let period = metrics.period(self.pace);
        Worker::new("metrics", move |cancel| self.run(view, service, period, cancel))
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
