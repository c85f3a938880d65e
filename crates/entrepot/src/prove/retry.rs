//! Repeating a request until the hub answers it: the same request, so that it happens once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use backon::{ConstantBuilder, Retryable as _};
use rpc::status::reason;
use tonic::{Code, Response, Status};

/// How long one try may take.
const TRY_MAX: Duration = Duration::from_secs(6);
/// How long to wait before the next.
const AGAIN_AFTER: Duration = Duration::from_millis(40);
/// How often a read of a healthy hub is repeated at most.
const READS_AGAIN_MAX: usize = 3;
/// How long a hub may leave a request without an answer, whatever happens to it.
const PATIENCE: Duration = Duration::from_secs(180);

/// How the requests of all clients went.
#[derive(Debug, Default)]
pub(super) struct Tries {
    /// Requests that were answered.
    pub(super) answered: AtomicU64,
    /// Tries that were not.
    pub(super) unanswered: AtomicU64,
}

/// Somebody who repeats.
#[derive(Debug, Clone, Default)]
pub(super) struct RetryPolicy(pub(super) Arc<Tries>);

impl RetryPolicy {
    /// Makes the call until it is answered. A refusal is an answer: its reason. An error means that the hub left the
    /// request without one, or answered what it never may.
    pub(super) async fn until_answered<T>(
        &self,
        what: &str,
        call: impl AsyncFn() -> Result<Response<T>, Status>,
    ) -> Result<Result<T, String>> {
        let begun = Instant::now();
        let mut last = Status::unknown("no answer");
        while begun.elapsed() < PATIENCE {
            match tokio::time::timeout(TRY_MAX, call()).await {
                Ok(Ok(answer)) => {
                    self.0.answered.fetch_add(1, Ordering::Relaxed);
                    return Ok(Ok(answer.into_inner()));
                }
                Ok(Err(status)) if is_answer(status.code()) => {
                    self.0.answered.fetch_add(1, Ordering::Relaxed);
                    return Ok(Err(reason(&status).unwrap_or_else(|| status.to_string())));
                }
                Ok(Err(status)) => last = status,
                Err(_) => last = Status::deadline_exceeded("no answer in time"),
            }
            self.0.unanswered.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(AGAIN_AFTER).await;
        }
        bail!("{what} was not answered within {} s; the last attempt: {last}", PATIENCE.as_secs())
    }
}

/// Repeats a read of a hub that is healthy again: where a client hung up on a call while its service was away, the channel
/// may answer the next call with that failure.
pub(super) async fn repeated<T>(read: impl AsyncFn() -> Result<T>) -> Result<T> {
    let again = ConstantBuilder::default().with_delay(AGAIN_AFTER).with_max_times(READS_AGAIN_MAX);
    (|| read()).retry(again).await
}

/// Whether the hub has decided: all else is tried again.
fn is_answer(code: Code) -> bool {
    matches!(
        code,
        Code::FailedPrecondition
            | Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
    )
}
