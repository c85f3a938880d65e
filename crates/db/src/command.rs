//! What a use case wants, as a value: a change, or something to be read. It holds its inputs, is run in a transaction,
//! and may be run again.

use std::future::Future;
use std::sync::Arc;

use crate::search::work_of;
use crate::{Db, Error, Retryable, Tx};

/// A change within one transaction.
pub trait Command: Send + Sync + 'static {
    /// What the use cases of a service need beside the transaction.
    type App: Send + Sync + 'static;
    /// What came of it.
    type Output: Send + 'static;
    /// Why it was refused, or failed.
    type Error: From<Error> + Retryable + Send + 'static;

    /// Makes the change. It may be run again when another transaction came first, so that it has no effect outside of
    /// the database and makes no calls; an error rolls it back.
    fn run(
        &self,
        app: &Self::App,
        tx: &mut Tx,
    ) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send;
}

/// How a query reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadMode {
    /// On one snapshot; see [`Db::read`].
    Snapshot,
    /// One select, with no transaction around it; see [`Db::look`].
    Select,
    /// What the caller chooses the cost of; see [`Db::browse`].
    Search,
}

/// A look at what is stored, which changes nothing.
pub trait Query: Send + Sync + 'static {
    /// What the use cases of a service need beside the snapshot.
    type App: Send + Sync + 'static;
    /// What was found.
    type Output: Send + 'static;
    /// Why there is no answer.
    type Error: From<Error> + Retryable + Send + 'static;

    /// How it reads.
    const READING: ReadMode = ReadMode::Snapshot;

    /// Reads.
    fn run(
        &self,
        app: &Self::App,
        tx: &mut Tx,
    ) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send;
}

impl Db {
    /// Runs a command in a transaction of its own and commits it, as [`Db::write`] does.
    pub async fn run<C: Command>(&self, app: &Arc<C::App>, command: C) -> Result<C::Output, C::Error> {
        let (app, command) = (app.clone(), Arc::new(command));
        self.write(move |tx| {
            let (app, command) = (app.clone(), command.clone());
            Box::pin(async move { command.run(&app, tx).await })
        })
        .await
    }

    /// Answers a query, reading as it says.
    pub async fn query<Q: Query>(&self, app: &Arc<Q::App>, query: Q) -> Result<Q::Output, Q::Error> {
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
