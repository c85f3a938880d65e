//! A request whose effect takes several transactions, and calls between them.

use std::future::Future;
use std::sync::Arc;

use db::{Application, Db, Retryable, Tx};
use kernel::Clock;
use tonic::Status;

use crate::idempotency::{self, Key};

/// A command that opens a saga: a durable run of steps, which ends by itself whoever dies on the way.
pub trait OpenSaga<A: Application>: Send + Sync + 'static {
    /// What was saved: all that is needed to go on.
    type Opened: Send + 'static;
    /// How it ended.
    type Output: Send + 'static;

    /// Saves the saga, with the request that waits for its outcome. It may be run again, as a command may.
    fn open(
        &self,
        app: &A,
        tx: &mut Tx,
        request: &Key,
    ) -> impl Future<Output = Result<Self::Opened, A::Error>> + Send;

    /// Takes it to its outcome, which is kept as the request's answer in the transaction that decides it; `None` where
    /// another goes on with it.
    fn run_to_end(
        app: Arc<A>,
        opened: Self::Opened,
    ) -> impl Future<Output = Option<Result<Self::Output, A::Error>>> + Send;
}

/// How it begins.
pub(crate) enum SagaStart<T> {
    /// It ended before, or was refused just now.
    Kept(Result<Vec<u8>, Status>),
    /// It is under way.
    Running,
    /// Its saga is saved: on with it.
    Opened(T),
}

/// A refusal that does not stand, which rolls all back.
enum Failed<E> {
    Error(E),
    Status(Status),
}

impl<E: From<db::Error>> From<db::Error> for Failed<E> {
    fn from(error: db::Error) -> Self {
        Self::Error(error.into())
    }
}

impl<E: Retryable> Retryable for Failed<E> {
    fn database(&self) -> Option<&db::Error> {
        if let Self::Error(error) = self { error.database() } else { None }
    }
}

/// Its first transaction. A refusal that stands is kept as the request's answer.
pub(crate) async fn begin<A, S>(
    db: &Db,
    clock: &Clock,
    app: &Arc<A>,
    key: Key,
    opening: S,
) -> Result<SagaStart<S::Opened>, Status>
where
    A: Application<Error: Into<Status>>,
    S: OpenSaga<A>,
{
    let shared = Arc::new((app.clone(), clock.clone(), key, opening));
    let begun: Result<_, Failed<A::Error>> = db
        .write(move |tx| {
            let shared = shared.clone();
            Box::pin(async move {
                let (app, clock, key, opening) = &*shared;
                match idempotency::begin(tx, clock, key).await? {
                    idempotency::RequestState::New => {}
                    idempotency::RequestState::Running => return Ok(SagaStart::Running),
                    idempotency::RequestState::Finished(outcome) => return Ok(SagaStart::Kept(outcome)),
                }
                match opening.open(app, tx, key).await {
                    Ok(opened) => Ok(SagaStart::Opened(opened)),
                    Err(error) if error.is_retryable() => Err(Failed::Error(error)),
                    Err(error) => {
                        let refused: Status = error.into();
                        if !idempotency::is_kept(refused.code()) {
                            return Err(Failed::Status(refused));
                        }
                        idempotency::finish::<()>(tx, key, &Err(refused.clone())).await?;
                        Ok(SagaStart::Kept(Err(refused)))
                    }
                }
            })
        })
        .await;
    begun.map_err(|failed| match failed {
        Failed::Error(error) => error.into(),
        Failed::Status(status) => status,
    })
}
