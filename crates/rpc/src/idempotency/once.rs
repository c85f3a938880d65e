//! One mutation once: within the transaction of its command, and what its caller is answered then.

use std::sync::Arc;

use db::{Db, Retryable, Tx};
use futures::future::BoxFuture;
use kernel::Clock;
use tokio::time::Instant;
use tonic::Status;

use super::{
    Key, NewRow, RequestState, begin, decode, finish_all, insert, is_kept, look, read, still_running, wait,
};
use crate::status;

/// How the transaction of a request ended.
#[derive(Debug)]
pub enum OnceOutcome<T> {
    /// It took effect now.
    Fresh(T),
    /// It had ended before: the message's bytes, or the refusal.
    Kept(Result<Vec<u8>, Status>),
    /// It is under way.
    Running,
}

/// Runs `work` once for this key: its effect and its answer commit together; a refusal rolls back and is kept. The
/// same request again, at once or later, gets the first outcome.
pub async fn once<T, E, F>(db: &Db, clock: &Clock, key: Key, deadline: Instant, work: F) -> Result<T, Status>
where
    T: prost::Message + Default + 'static,
    E: Into<Status> + From<db::Error> + Retryable + Send + 'static,
    F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
{
    let work = Arc::new(work);
    let (shared_key, shared_clock) = (key.clone(), clock.clone());
    let ending = db.write(move |tx| {
        let (work, key, clock) = (work.clone(), shared_key.clone(), shared_clock.clone());
        Box::pin(async move { within(tx, &clock, &key, async |tx| work(tx).await).await })
    });
    conclude(db, clock, key, deadline, ending).await
}

/// What [`once`] does within its transaction.
pub(crate) async fn within<T, E>(
    tx: &mut Tx,
    clock: &Clock,
    key: &Key,
    work: impl AsyncFnOnce(&mut Tx) -> Result<T, E>,
) -> Result<OnceOutcome<T>, E>
where
    T: prost::Message,
    E: From<db::Error>,
{
    match begin(tx, clock, key).await? {
        RequestState::Running => Ok(OnceOutcome::Running),
        RequestState::Finished(outcome) => Ok(OnceOutcome::Kept(outcome)),
        RequestState::New => {
            let answer = work(&mut *tx).await?;
            finish_all(tx, &[(key, Ok(answer.encode_to_vec()))]).await?;
            Ok(OnceOutcome::Fresh(answer))
        }
    }
}

/// What the request is answered, whose transaction ends as `ending` says. The database makes a duplicate wait for the
/// first one's transaction. What was begun goes on to its end.
pub(crate) async fn conclude<T, E>(
    db: &Db,
    clock: &Clock,
    key: Key,
    deadline: Instant,
    ending: impl Future<Output = Result<OnceOutcome<T>, E>>,
) -> Result<T, Status>
where
    T: prost::Message + Default,
    E: Into<Status>,
{
    let Ok(ended) = tokio::time::timeout_at(deadline, ending).await else {
        return Err(still_running("the request is still in progress; send it again later"));
    };
    let ended = match ended {
        Ok(ended) => ended,
        Err(error) => keep_refusal(db, clock, &key, error.into()).await?,
    };
    match ended {
        OnceOutcome::Fresh(answer) => Ok(answer),
        OnceOutcome::Kept(outcome) => outcome.and_then(|bytes| decode(&bytes)),
        OnceOutcome::Running => wait(db, &key, deadline).await,
    }
}

/// Keeps a refusal after its transaction was rolled back. If another of the same request was faster, its outcome counts:
/// what a batch refuses may be what it has done for the same request before.
pub(crate) async fn keep_refusal<T>(
    db: &Db,
    clock: &Clock,
    key: &Key,
    refused: Status,
) -> Result<OnceOutcome<T>, Status> {
    if !is_kept(refused.code()) {
        return match look(db, key).await {
            Ok(Some(RequestState::Finished(first))) => Ok(OnceOutcome::Kept(first)),
            Ok(Some(RequestState::Running)) => Ok(OnceOutcome::Running),
            Ok(Some(RequestState::New) | None) | Err(_) => Err(refused),
        };
    }
    let (owned, clock, refusal) = (key.clone(), clock.clone(), refused.clone());
    let kept: Result<Option<RequestState>, db::Error> = db
        .write(move |tx| {
            let (key, clock, refusal) = (owned.clone(), clock.clone(), refusal.clone());
            Box::pin(async move {
                match insert(tx, &clock, &[NewRow::refused(&key, &refusal)]).await? {
                    1 => Ok(None),
                    _ => read(tx, &key).await,
                }
            })
        })
        .await;
    match kept {
        Ok(Some(RequestState::Finished(first))) => Ok(OnceOutcome::Kept(first)),
        Ok(Some(RequestState::Running)) => Ok(OnceOutcome::Running),
        Ok(Some(RequestState::New) | None) => Err(refused),
        // Nobody knows whether the same request had another answer before.
        Err(error) => Err(status::database(&error)),
    }
}
