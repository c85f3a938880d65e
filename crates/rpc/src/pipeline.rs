//! The one way from a request to a use case and back.

use std::sync::Arc;

use db::{Application, Command, Db, Query};
use kernel::Clock;
use proto::Mutation;
use proto::convert::Invalid;
use tokio::time::Instant;
use tonic::{Request, Response, Status};
use tracing::Instrument as _;

use crate::idempotency::{self, Key};
use crate::saga::{self, OpenSaga, SagaStart};
use crate::{Caller, Violations, deadline, require};

/// Runs the use cases of a service; its API holds one, and each handler hands it what it has read.
pub struct Pipeline<A> {
    app: Arc<A>,
    db: Db,
    clock: Clock,
}

impl<A> Pipeline<A> {
    /// Over a service's database.
    pub fn new(app: Arc<A>, db: Db, clock: Clock) -> Self {
        Self { app, db, clock }
    }

    /// What the use cases share.
    pub fn app(&self) -> &Arc<A> {
        &self.app
    }

    /// The service's database.
    pub fn db(&self) -> &Db {
        &self.db
    }
}

impl<A: Application<Error: Into<Status>>> Pipeline<A> {
    /// Runs the command of a request once for its `request_id`. Its effect and its answer commit together; a refusal
    /// rolls it back and is kept as well; the same request again gets the first outcome. `encode` works within the
    /// transaction and may be run again, as the command may.
    pub async fn mutate<M, C, R>(
        &self,
        request: Request<M>,
        decode: impl FnOnce(M, &Caller, &mut Violations) -> Option<C>,
        encode: impl Fn(&C, C::Output) -> Result<R, A::Error> + Send + Sync + 'static,
    ) -> Result<Response<R>, Status>
    where
        M: Mutation,
        C: Command<A>,
        R: prost::Message + Default + 'static,
    {
        let (key, deadline, command) = read(request, Key::of, decode)?;
        self.once(key, deadline, command, encode).await.map(Response::new)
    }

    /// As [`Pipeline::mutate`], of a command that is made by calls to others: only for a request that was not answered
    /// before.
    pub async fn prepare<C, R>(
        &self,
        key: Key,
        deadline: Instant,
        prepare: impl Future<Output = Result<C, Status>> + Send,
        encode: impl Fn(&C, C::Output) -> Result<R, A::Error> + Send + Sync + 'static,
    ) -> Result<R, Status>
    where
        C: Command<A>,
        R: prost::Message + Default + 'static,
    {
        if let Some(answer) = idempotency::ended(&self.db, &key).await? {
            return Ok(answer);
        }
        self.once(key, deadline, prepare.await?, encode).await
    }

    async fn once<C, R>(
        &self,
        key: Key,
        deadline: Instant,
        command: C,
        encode: impl Fn(&C, C::Output) -> Result<R, A::Error> + Send + Sync + 'static,
    ) -> Result<R, Status>
    where
        C: Command<A>,
        R: prost::Message + Default + 'static,
    {
        let shared = Arc::new((self.app.clone(), command, encode));
        let answer = idempotency::once(&self.db, &self.clock, key, deadline, move |tx| {
            let shared = shared.clone();
            Box::pin(async move {
                let (app, command, encode) = &*shared;
                let output = command.run(app, tx).await?;
                encode(command, output)
            })
        });
        answer.await
    }

    /// Begins what takes several transactions with calls between them, once for the key of the request, and sees it
    /// through in a task of its own: a client that hangs up at any moment leaves nothing that waits for a lease to end.
    /// Who asks again meanwhile waits for the same answer.
    pub async fn begin_saga<M, S, R>(
        &self,
        request: Request<M>,
        key: impl FnOnce(&Caller, &M) -> Result<Key, Invalid>,
        decode: impl FnOnce(M, &Caller, &mut Violations) -> Option<S>,
        encode: impl FnOnce(&S::Output) -> Result<R, A::Error> + Send + 'static,
    ) -> Result<Response<R>, Status>
    where
        M: Mutation,
        S: OpenSaga<A>,
        R: prost::Message + Default + 'static,
    {
        let (key, deadline, opening) = read(request, key, decode)?;
        let (pipeline, request) = (self.clone(), key.clone());
        let seeing = tokio::spawn(
            async move {
                let begun =
                    saga::begin(&pipeline.db, &pipeline.clock, &pipeline.app, request, opening).await?;
                match begun {
                    SagaStart::Kept(kept) => kept.and_then(|bytes| idempotency::decode(&bytes)).map(Some),
                    SagaStart::Running => Ok(None),
                    SagaStart::Opened(opened) => match S::run_to_end(pipeline.app, opened).await {
                        Some(ended) => ended.and_then(|output| encode(&output)).map(Some).map_err(Into::into),
                        None => Ok(None),
                    },
                }
            }
            .in_current_span(),
        );
        match tokio::time::timeout_at(deadline, seeing).await {
            Ok(Ok(Ok(Some(answer)))) => Ok(Response::new(answer)),
            Ok(Ok(Err(refused))) => Err(refused),
            // Another is at it, or its time is over.
            Ok(Ok(Ok(None)) | Err(_)) | Err(_) => {
                idempotency::wait(&self.db, &key, deadline).await.map(Response::new)
            }
        }
    }

    /// Runs a command whose own ids make it idempotent.
    pub async fn run<C: Command<A>>(&self, command: C) -> Result<C::Output, A::Error> {
        self.db.run(&self.app, command).await
    }

    /// Answers a query.
    pub async fn query<Q: Query<A>>(&self, query: Q) -> Result<Q::Output, A::Error> {
        self.db.query(&self.app, query).await
    }
}

/// What a request is: its key and what it asks for, or all that is wrong with it.
fn read<M, T>(
    request: Request<M>,
    key: impl FnOnce(&Caller, &M) -> Result<Key, Invalid>,
    decode: impl FnOnce(M, &Caller, &mut Violations) -> Option<T>,
) -> Result<(Key, Instant, T), Status> {
    let (caller, deadline) = (require(&request)?, deadline(&request));
    let message = request.into_inner();
    Violations::of(|violations| {
        let key = violations.take(key(&caller, &message));
        let asked = decode(message, &caller, violations);
        Some((key?, deadline, asked?))
    })
}

impl<A> Clone for Pipeline<A> {
    fn clone(&self) -> Self {
        Self { app: self.app.clone(), db: self.db.clone(), clock: self.clock.clone() }
    }
}

impl<A> std::fmt::Debug for Pipeline<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pipeline").field("db", &self.db).finish_non_exhaustive()
    }
}
