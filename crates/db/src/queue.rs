//! SQLite has one writer: writes wait for each other anyway. All writes that wait when the writer becomes free share
//! the next transaction: one begin, one commit and one wait for the disk for all of them.
//!
//! Nobody notices: the works run one after the other in the order in which they came, each is answered after the
//! commit, and when one of them fails, or takes too long, the transaction is rolled back and they run again, those
//! before it together, it alone, and those behind it together. So what a work sees of others is always what they
//! commit, and its error is always its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use sqlx::Sqlite;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tracing::{Instrument as _, Span};

use crate::notify::Notifications;
use crate::pool::{ACQUIRE_TIMEOUT, Pool};
use crate::statistics::Counters;
use crate::{Error, Tx, Unavailability};

#[cfg(test)]
mod tests;

/// The most works of one transaction.
const TOGETHER_MAX: usize = 32;
/// The most works that wait for the writer; who comes then waits to wait.
const WAITING_MAX: usize = 1_024;

/// How long the works of one transaction may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeLimits {
    /// From when on a transaction takes no more of them.
    pub(crate) together: Duration,
    /// How long a work may keep those before it from their commit.
    pub(crate) with_one: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self { together: Duration::from_millis(5), with_one: Duration::from_millis(50) }
    }
}

/// Works that wait for the writer.
pub(crate) struct Queue(mpsc::Sender<Waiting>);

type Waiting = Box<dyn QueuedWrite>;

impl Queue {
    /// Runs what comes, until nobody can send any more.
    pub(crate) fn start(
        writer: Pool<Sqlite>,
        notices: Arc<Notifications>,
        counters: Arc<Counters>,
        patience: TimeLimits,
    ) -> Self {
        let (sender, waiting) = mpsc::channel(WAITING_MAX);
        tokio::spawn(Writer { pool: writer, notices, counters, patience }.run(waiting));
        Self(sender)
    }

    /// What came of a work, after its commit; [`Error::Unavailable`] when it could not begin within
    /// [`ACQUIRE_TIMEOUT`].
    pub(crate) async fn write<T, E, F>(&self, run: Arc<F>) -> Result<T, E>
    where
        F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.write_within(ACQUIRE_TIMEOUT, run).await
    }

    async fn write_within<T, E, F>(&self, patience: Duration, run: Arc<F>) -> Result<T, E>
    where
        F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (answer, mut answered) = oneshot::channel();
        let taken = Arc::new(AtomicBool::new(false));
        let closed = || E::from(Error::Unavailable(Unavailability::Closed));
        let work =
            Typed { run, outcome: None, answer, taken: taken.clone(), is_ours: false, span: Span::current() };
        let busy = || E::from(Error::Unavailable(Unavailability::Busy { waited: patience, connections: 1 }));
        let until = Instant::now() + patience;
        match tokio::time::timeout_at(until, self.0.send(Box::new(work))).await {
            Ok(sent) => sent.map_err(|_| closed())?,
            Err(_) => return Err(busy()),
        }
        if let Ok(outcome) = tokio::time::timeout_at(until, &mut answered).await {
            return outcome.unwrap_or_else(|_| Err(closed()));
        }
        if !taken.swap(true, Ordering::SeqCst) {
            return Err(busy());
        }
        answered.await.unwrap_or_else(|_| Err(closed()))
    }
}

/// A work, whatever it answers.
trait QueuedWrite: Send {
    /// Whether its caller still waits for it to begin; from then on it is done to its end.
    fn take(&mut self) -> bool;

    /// Runs it, and keeps what came of it; whether that may be committed.
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, bool>;

    /// Tells its caller what came of it.
    fn answer(self: Box<Self>);

    /// Tells its caller that it failed.
    fn fail(self: Box<Self>, error: Error);
}

struct Typed<T, E, F> {
    run: Arc<F>,
    outcome: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
    /// By the writer, or back by a caller who waited too long.
    taken: Arc<AtomicBool>,
    is_ours: bool,
    span: Span,
}

impl<T, E, F> QueuedWrite for Typed<T, E, F>
where
    F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    fn take(&mut self) -> bool {
        self.is_ours = self.is_ours || !self.taken.swap(true, Ordering::SeqCst);
        self.is_ours
    }

    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, bool> {
        let span = self.span.clone();
        let running = async move {
            let running = std::panic::AssertUnwindSafe(async { (self.run)(&mut *tx).await });
            let outcome = match running.catch_unwind().await {
                Ok(Ok(_)) if tx.is_broken() => Err(Error::Broken.into()),
                Ok(outcome) => outcome,
                Err(_) => Err(Error::Panicked.into()),
            };
            let commits = outcome.is_ok();
            self.outcome = Some(outcome);
            commits
        };
        Box::pin(running.instrument(span))
    }

    fn answer(self: Box<Self>) {
        let outcome = self.outcome.unwrap_or_else(|| Err(Error::Panicked.into()));
        // A caller who has left does not want to know.
        drop(self.answer.send(outcome));
    }

    fn fail(self: Box<Self>, error: Error) {
        drop(self.answer.send(Err(error.into())));
    }
}

struct Writer {
    pool: Pool<Sqlite>,
    notices: Arc<Notifications>,
    counters: Arc<Counters>,
    patience: TimeLimits,
}

/// How the works of one transaction went.
enum BatchResult {
    /// So many, from the first on, can be committed.
    Well(usize),
    /// The one at this place failed, or took too long.
    Wrong(usize),
}

impl Writer {
    async fn run(self, mut waiting: mpsc::Receiver<Waiting>) {
        let mut works = Vec::with_capacity(TOGETHER_MAX);
        while waiting.recv_many(&mut works, TOGETHER_MAX).await > 0 {
            // The next part comes last.
            let mut parts = vec![std::mem::take(&mut works)];
            while let Some(part) = parts.pop() {
                let left = self.together(part).await;
                parts.extend(left.into_iter().rev().filter(|part| !part.is_empty()));
            }
        }
    }

    /// Runs as many as go together, and returns what is to run after them, in parts.
    async fn together(&self, mut works: Vec<Waiting>) -> Vec<Vec<Waiting>> {
        let mut tx = match Tx::sqlite(&self.pool, "begin immediate", self.counters.clone()).await {
            Ok(tx) => tx,
            Err(error) => {
                self.counters.failed(&error);
                fail_all(works, error);
                return Vec::new();
            }
        };
        match run_in(&mut tx, &mut works, self.patience).await {
            BatchResult::Well(count) => {
                let behind = works.split_off(count);
                let mut left = self.commit(tx, works).await;
                left.push(behind);
                left
            }
            // Before it there was nothing: what it saw is what is there.
            BatchResult::Wrong(0) => {
                tx.rollback().await;
                works.remove(0).answer();
                vec![works]
            }
            BatchResult::Wrong(place) => {
                tx.rollback().await;
                let behind = works.split_off(place + 1);
                let alone = works.split_off(place);
                vec![works, alone, behind]
            }
        }
    }

    /// Commits and answers. A rule that holds only at the commit breaks it for one of them: then each runs alone.
    async fn commit(&self, tx: Tx, works: Vec<Waiting>) -> Vec<Vec<Waiting>> {
        if works.is_empty() {
            tx.rollback().await;
            return Vec::new();
        }
        match tx.commit(&self.notices).await {
            Ok(()) => works.into_iter().for_each(QueuedWrite::answer),
            Err(Error::Conflict | Error::Reference | Error::Check(_)) if works.len() > 1 => {
                return works.into_iter().map(|work| vec![work]).collect();
            }
            Err(error) => {
                self.counters.failed(&error);
                fail_all(works, error);
            }
        }
        Vec::new()
    }
}

/// Runs works one after the other; those whose callers no longer wait are dropped.
async fn run_in(tx: &mut Tx, works: &mut Vec<Waiting>, patience: TimeLimits) -> BatchResult {
    let begun = Instant::now();
    let mut done = 0;
    while let Some(work) = works.get_mut(done) {
        if done > 0 && begun.elapsed() > patience.together {
            break;
        }
        if !work.take() {
            drop(works.remove(done));
            continue;
        }
        let running = work.run(tx);
        // The first keeps nobody from a commit.
        let went_well = if done == 0 {
            running.await
        } else {
            tokio::time::timeout(patience.with_one, running).await.unwrap_or(false)
        };
        if !went_well {
            return BatchResult::Wrong(done);
        }
        done += 1;
    }
    BatchResult::Well(done)
}

/// The last has the error itself.
fn fail_all(mut works: Vec<Waiting>, error: Error) {
    let last = works.pop();
    for work in works {
        work.fail(error.alike());
    }
    if let Some(last) = last {
        last.fail(error);
    }
}
