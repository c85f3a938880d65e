//! A request whose effect takes several transactions, and calls between them.

use std::future::Future;
use std::sync::Arc;

use db::{Application, Batched, Command, Entry, Outcome, Tx};
use kernel::Clock;
use tokio::time::Instant;
use tonic::Status;
use uuid::Uuid;

use crate::idempotency::{self, Key, OnceOutcome};

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

/// One of which many can be opened by the statements of one.
pub trait OpenSagas<A: Application>: OpenSaga<A> + Sized {
    /// See [`Batched::key`].
    fn key(&self) -> Uuid;

    /// See [`Batched::bytes`].
    fn bytes(&self) -> usize;

    /// Saves them, as [`Batched::run_all`] would.
    fn open_all(
        batch: &[Entry<'_, Opening<Self>>],
        app: &A,
        tx: &mut Tx,
    ) -> impl Future<Output = Result<Vec<Opened<A, Self>>, A::Error>> + Send;
}

/// What came of opening one.
pub type Opened<A, S> = Result<<S as OpenSaga<A>>::Opened, <A as Application>::Error>;

/// The first transaction of a saga: it and its request are saved. A refusal rolls both back.
#[derive(Debug)]
pub struct Opening<S> {
    pub(crate) saga: S,
    pub(crate) request: Key,
    pub(crate) clock: Clock,
    /// Until when its caller waits.
    pub(crate) deadline: Instant,
}

impl<S> Opening<S> {
    /// What is opened.
    pub fn saga(&self) -> &S {
        &self.saga
    }

    /// The request that waits for its outcome.
    pub fn request(&self) -> &Key {
        &self.request
    }
}

impl<A: Application<Error: Into<Status>>, S: OpenSaga<A>> Command<A> for Opening<S> {
    type Output = OnceOutcome<S::Opened>;

    /// The request last, as in a batch: so two of the same never wait for each other. One that is known already is a
    /// conflict, and whoever is told finds its outcome.
    async fn run(&self, app: &A, tx: &mut Tx) -> Result<Self::Output, A::Error> {
        let opened = self.saga.open(app, tx, &self.request).await?;
        idempotency::begin_all(tx, &self.clock, &[&self.request]).await?;
        Ok(OnceOutcome::Fresh(opened))
    }
}

impl<A: Application<Error: Into<Status>>, S: OpenSagas<A>> Batched<A> for Opening<S> {
    fn key(&self) -> Uuid {
        self.saga.key()
    }

    fn tenant(&self) -> &str {
        &self.request.principal
    }

    fn bytes(&self) -> usize {
        self.saga.bytes()
    }

    fn is_late(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// What was refused may be so because its request was answered before: whoever keeps the refusal finds that answer.
    async fn run_all(
        batch: &[Entry<'_, Self>],
        app: &A,
        tx: &mut Tx,
    ) -> Result<Vec<Outcome<A, Self>>, A::Error> {
        let opened = S::open_all(batch, app, tx).await?;
        let begun = batch.iter().zip(&opened).filter(|(_, outcome)| outcome.is_ok());
        let begun: Vec<&Opening<S>> = begun.map(|(entry, _)| entry.command()).collect();
        if let Some(first) = begun.first() {
            let requests: Vec<&Key> = begun.iter().map(|opening| &opening.request).collect();
            idempotency::begin_all(tx, &first.clock, &requests).await?;
        }
        Ok(opened.into_iter().map(|outcome| outcome.map(OnceOutcome::Fresh)).collect())
    }
}
