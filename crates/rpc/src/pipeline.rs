//! The one way from a request to a use case and back.

use std::sync::Arc;

use db::{Application, Batched, Batches, Command, Db, Query, Runner};
use kernel::Clock;
use proto::convert::Invalid;
use tokio::time::Instant;
use tonic::{Request, Response, Status};
use tracing::Instrument as _;

use crate::idempotency::{self, Key, OnceOutcome};
use crate::mutation::{Encode, Mutation};
use crate::saga::{OpenSaga, Opening};
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
        M: proto::Mutation,
        C: Command<A>,
        R: prost::Message + Default + 'static,
    {
        let (request, deadline, command) = read(request, Key::of, decode)?;
        self.once(&self.db, request, deadline, command, encode).await.map(Response::new)
    }

    /// As [`Pipeline::mutate`], of a command that is made by calls to others: only for a request that was not answered
    /// before. It is run with others of its kind.
    pub async fn prepare<C, R>(
        &self,
        batches: &Batches<A, Mutation<C, Encode<A, C, R>>>,
        request: Key,
        deadline: Instant,
        prepare: impl Future<Output = Result<C, Status>> + Send,
        encode: Encode<A, C, R>,
    ) -> Result<R, Status>
    where
        C: Batched<A>,
        R: prost::Message + Default + 'static,
    {
        if let Some(answer) = idempotency::ended(&self.db, &request).await? {
            return Ok(answer);
        }
        self.once(batches, request, deadline, prepare.await?, encode).await
    }

    async fn once<C, R, F>(
        &self,
        runner: &impl Runner<A, Mutation<C, F>>,
        request: Key,
        deadline: Instant,
        command: C,
        encode: F,
    ) -> Result<R, Status>
    where
        C: Command<A>,
        R: prost::Message + Default + 'static,
        F: Fn(&C, C::Output) -> Result<R, A::Error> + Send + Sync + 'static,
    {
        let mutation = Mutation { command, encode, request: request.clone(), clock: self.clock.clone() };
        let ending = runner.run(&self.app, mutation);
        idempotency::conclude(&self.db, &self.clock, request, deadline, ending).await
    }

    /// Begins what takes several transactions with calls between them, once for the key of the request, and sees it
    /// through in a task of its own: a client that hangs up at any moment leaves nothing that waits for a lease to end.
    /// Who asks again meanwhile waits for the same answer. `runner` opens it: the database, or batches of its kind.
    pub async fn begin_saga<M, S, R>(
        &self,
        runner: &impl Runner<A, Opening<S>>,
        request: Request<M>,
        key: impl FnOnce(&Caller, &M) -> Result<Key, Invalid>,
        decode: impl FnOnce(M, &Caller, &mut Violations) -> Option<S>,
        encode: impl FnOnce(&S::Output) -> Result<R, A::Error> + Send + 'static,
    ) -> Result<Response<R>, Status>
    where
        M: proto::Mutation,
        S: OpenSaga<A>,
        R: prost::Message + Default + 'static,
    {
        let (key, deadline, saga) = read(request, key, decode)?;
        let (pipeline, runner) = (self.clone(), runner.clone());
        let opening = Opening { saga, request: key.clone(), clock: self.clock.clone(), deadline };
        let seeing = tokio::spawn(
            async move {
                match pipeline.open(&runner, opening).await? {
                    OnceOutcome::Kept(kept) => kept.and_then(|bytes| idempotency::decode(&bytes)).map(Some),
                    OnceOutcome::Running => Ok(None),
                    OnceOutcome::Fresh(opened) => match S::run_to_end(pipeline.app, opened).await {
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

    async fn open<S: OpenSaga<A>>(
        &self,
        runner: &impl Runner<A, Opening<S>>,
        opening: Opening<S>,
    ) -> Result<OnceOutcome<S::Opened>, Status> {
        let request = opening.request.clone();
        match runner.run(&self.app, opening).await {
            Ok(opened) => Ok(opened),
            Err(error) => idempotency::keep_refusal(&self.db, &self.clock, &request, error.into()).await,
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
