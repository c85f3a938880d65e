//! What a service does by itself: timers, recovery, the sandbox carrier.

use std::time::Duration;

use db::{Command, Db, Listener};
use futures::future::BoxFuture;
use rpc::Pipeline;
use tokio_util::sync::CancellationToken;

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
    pub fn new(
        name: &'static str,
        run: impl FnOnce(CancellationToken) -> BoxFuture<'static, ()> + Send + 'static,
    ) -> Self {
        Self { name, run: Box::new(run) }
    }

    /// Takes one step after another: at once while a step says that more is waiting, else after `period` or when
    /// `woken`. A step that fails is logged and tried again after a rest. A step is never cut off.
    pub fn every<F>(name: &'static str, period: Duration, woken: Option<Listener>, step: F) -> Self
    where
        F: Fn() -> BoxFuture<'static, anyhow::Result<bool>> + Send + Sync + 'static,
    {
        Self::new(name, move |cancel| Box::pin(steps(name, period, woken, step, cancel)))
    }

    /// As [`Worker::every`], whose step is a command that says whether more is waiting.
    pub fn repeating<C>(name: &'static str, period: Duration, pipeline: &Pipeline<C::App>, command: C) -> Self
    where
        C: Command<Output = bool, Error: Into<anyhow::Error>> + Copy,
    {
        let pipeline = pipeline.clone();
        Self::every(name, period, None, move || {
            let pipeline = pipeline.clone();
            Box::pin(async move { pipeline.run(command).await.map_err(Into::into) })
        })
    }

    /// As [`Worker::every`], in one process at a time: the others stand by.
    pub fn leader<F>(name: &'static str, period: Duration, woken: Option<Listener>, db: Db, step: F) -> Self
    where
        F: Fn() -> BoxFuture<'static, anyhow::Result<bool>> + Send + Sync + 'static,
    {
        Self::new(name, move |cancel| Box::pin(lead(name, period, woken, db, step, cancel)))
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

async fn steps<F>(
    name: &'static str,
    period: Duration,
    mut woken: Option<Listener>,
    step: F,
    cancel: CancellationToken,
) where
    F: Fn() -> BoxFuture<'static, anyhow::Result<bool>> + Send + Sync,
{
    while !cancel.is_cancelled() {
        let pause = take_step(name, period, &step).await;
        rest(pause, &mut woken, &cancel).await;
    }
}

async fn lead<F>(
    name: &'static str,
    period: Duration,
    mut woken: Option<Listener>,
    db: Db,
    step: F,
    cancel: CancellationToken,
) where
    F: Fn() -> BoxFuture<'static, anyhow::Result<bool>> + Send + Sync,
{
    while !cancel.is_cancelled() {
        match db.try_lead(name).await {
            Ok(Some(mut lead)) => {
                while !cancel.is_cancelled() && lead.is_held().await {
                    let pause = take_step(name, period, &step).await;
                    rest(pause, &mut woken, &cancel).await;
                }
            }
            Ok(None) => rest(REST, &mut None, &cancel).await,
            Err(error) => {
                tracing::warn!(worker = name, %error, "a worker cannot lead");
                rest(REST, &mut None, &cancel).await;
            }
        }
    }
}

/// How long to rest after it.
async fn take_step<F>(name: &'static str, period: Duration, step: &F) -> Duration
where
    F: Fn() -> BoxFuture<'static, anyhow::Result<bool>>,
{
    match step().await {
        Ok(true) => Duration::ZERO,
        Ok(false) => period,
        Err(error) => {
            tracing::warn!(
                worker = name,
                error = format!("{error:#}"),
                "a worker's step failed; it is tried again"
            );
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
