//! What a service does by itself: timers, recovery, the sandbox carrier.

use std::time::Duration;

use db::{Application, Command, Listener};
use futures::future::BoxFuture;
use rpc::Pipeline;
use tokio_util::sync::CancellationToken;
use tonic::Status;

/// How long a worker rests after a failure.
const REST: Duration = Duration::from_secs(1);

/// A task that runs until it is cancelled.
pub struct Worker {
    /// Its name in logs.
    pub name: &'static str,
    run: Box<dyn FnOnce(CancellationToken) -> BoxFuture<'static, ()> + Send>,
}

impl Worker {
    /// A task of its own shape; it ends soon after the token is cancelled.
    pub fn new<F>(name: &'static str, run: impl FnOnce(CancellationToken) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self { name, run: Box::new(|cancel| Box::pin(run(cancel))) }
    }

    /// Takes one step after another, each with a clone of `state`: at once while a step says that more is waiting, else
    /// after `period` or when `woken`. A step that fails is logged and tried again after a rest. A step is never cut
    /// off.
    pub fn every<S, F>(
        name: &'static str,
        period: Duration,
        mut woken: Option<Listener>,
        state: S,
        step: impl Fn(S) -> F + Send + 'static,
    ) -> Self
    where
        S: Clone + Send + 'static,
        F: Future<Output = anyhow::Result<bool>> + Send + 'static,
    {
        Self::new(name, move |cancel| async move {
            while !cancel.is_cancelled() {
                let pause = pause_after(name, period, step(state.clone()).await);
                rest(pause, &mut woken, &cancel).await;
            }
        })
    }

    /// As [`Worker::every`], whose step is a command that says whether more is waiting.
    pub fn repeating<A, C>(name: &'static str, period: Duration, pipeline: &Pipeline<A>, command: C) -> Self
    where
        A: Application<Error: Into<Status> + Into<anyhow::Error>>,
        C: Command<A, Output = bool> + Copy,
    {
        Self::every(name, period, None, pipeline.clone(), move |pipeline| async move {
            pipeline.run(command).await.map_err(Into::into)
        })
    }

    pub(crate) async fn run(self, cancel: CancellationToken) {
        (self.run)(cancel).await;
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("name", &self.name).finish_non_exhaustive()
    }
}

/// How long to rest after a step.
fn pause_after(name: &'static str, period: Duration, step: anyhow::Result<bool>) -> Duration {
    match step {
        Ok(true) => Duration::ZERO,
        Ok(false) => period,
        Err(error) => {
            let error = format!("{error:#}");
            tracing::warn!(worker = name, error, "a worker's step failed; it is tried again");
            REST
        }
    }
}

async fn rest(pause: Duration, woken: &mut Option<Listener>, cancel: &CancellationToken) {
    if pause.is_zero() {
        return;
    }
    let waiting = async {
        match woken {
            Some(woken) => woken.recv_within(pause).await,
            None => tokio::time::sleep(pause).await,
        }
    };
    cancel.run_until_cancelled(waiting).await;
}
