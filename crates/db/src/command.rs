//! What a use case wants, as a value: a change, or something to be read. It holds its inputs, is run in a transaction,
//! and may be run again.

use std::future::Future;
use std::sync::Arc;

use crate::search::work_of;
use crate::{Db, Error, Retryable, Tx};

/// What the use cases of a service need beside the transaction: clock, profile, settings.
pub trait Application: Send + Sync + 'static {
    /// Why a use case was refused, or failed.
    type Error: From<Error> + Retryable + Send + 'static;
}

/// A change within one transaction.
pub trait Command<A: Application>: Send + Sync + 'static {
    /// What came of it.
    type Output: Send + 'static;

    /// Makes the change. It may be run again when another transaction came first, so that it has no effect outside of
    /// the database and makes no calls; an error rolls it back.
    fn run(&self, app: &A, tx: &mut Tx) -> impl Future<Output = Result<Self::Output, A::Error>> + Send;
}

/// How a query reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadMode {
    /// On one snapshot; see [`Db::read`].
    Snapshot,
    /// One select, with no transaction around it; see [`Db::read_one`].
    Select,
    /// What the caller chooses the cost of; see [`Db::search`].
    Search,
}

/// A look at what is stored, which changes nothing.
pub trait Query<A: Application>: Send + Sync + 'static {
    /// What was found.
    type Output: Send + 'static;

    /// How it reads.
    const READING: ReadMode = ReadMode::Snapshot;

    /// Reads.
    fn run(&self, app: &A, tx: &mut Tx) -> impl Future<Output = Result<Self::Output, A::Error>> + Send;
}

/// Where commands are run: each in a transaction of its own by [`Db`], or together by [`crate::Batches`].
pub trait Runner<A: Application, C: Command<A>>: Clone + Send + Sync + 'static {
    /// Runs it.
    fn run(&self, app: &Arc<A>, command: C) -> impl Future<Output = Result<C::Output, A::Error>> + Send;
}

impl<A: Application, C: Command<A>> Runner<A, C> for Db {
    fn run(&self, app: &Arc<A>, command: C) -> impl Future<Output = Result<C::Output, A::Error>> + Send {
        Self::run(self, app, command)
    }
}

impl Db {
    /// Runs a command in a transaction of its own and commits it, as [`Db::write`] does.
    pub async fn run<A: Application, C: Command<A>>(
        &self,
        app: &Arc<A>,
        command: C,
    ) -> Result<C::Output, A::Error> {
        let (app, command) = (app.clone(), Arc::new(command));
        self.write(move |tx| {
            let (app, command) = (app.clone(), command.clone());
            Box::pin(async move { command.run(&app, tx).await })
        })
        .await
    }

    /// Answers a query, reading as it says.
    pub async fn query<A: Application, Q: Query<A>>(
        &self,
        app: &Arc<A>,
        query: Q,
    ) -> Result<Q::Output, A::Error> {
        let (app, query) = (app.clone(), Arc::new(query));
        let work = work_of(move |tx| {
            let (app, query) = (app.clone(), query.clone());
            Box::pin(async move { query.run(&app, tx).await })
        });
        match Q::READING {
            ReadMode::Snapshot => self.read(work).await,
            ReadMode::Select => self.read_one(work).await,
            ReadMode::Search => self.search(work).await,
        }
    }
}
