//! A counter that may be raised: the effect whose repetition would show.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use db::{Db, MigrationSet, Retryable, Tx};
use kernel::{Clock, EventId};
use proto::catalog::v1::WithdrawProductRequest;
use rpc::idempotency::{self, Key};
use rpc::{Caller, Role, status};
use testkit::Database;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tonic::{Code, Status};
use uuid::Uuid;

const MIGRATIONS: MigrationSet = MigrationSet {
    name: "counter",
    files: &[("0001_raises.sql", "create table raises (id UUID primary key)")],
};
/// Longer than any test.
const LONG: Duration = Duration::from_secs(600);

/// A use case's refusal.
#[derive(Clone, Debug)]
pub(crate) enum Refusal {
    Full,
    Wrong,
    Database(Arc<db::Error>),
}

impl From<db::Error> for Refusal {
    fn from(error: db::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

impl Retryable for Refusal {
    fn database(&self) -> Option<&db::Error> {
        if let Self::Database(error) = self { Some(error) } else { None }
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Full => {
                status::reject(Code::FailedPrecondition, "COUNTER_FULL", "it is full", &[("most", "7")])
            }
            Refusal::Wrong => status::invalid(&[("by", "must be positive")]),
            Refusal::Database(error) => status::database(&error),
        }
    }
}

#[derive(Clone)]
pub(crate) struct Counter {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    /// How often the work has run to its end.
    pub(crate) runs: Arc<AtomicU32>,
}

impl Counter {
    pub(crate) async fn open(database: &Database) -> Self {
        let db = database.migrated(&[idempotency::MIGRATIONS, MIGRATIONS]).await;
        Self { db, clock: Clock::system(), runs: Arc::default() }
    }

    /// Raises it once for this key, or refuses after it was raised; the answer is another at each run.
    pub(crate) async fn raise(&self, key: Key, refusal: Option<Refusal>) -> Result<String, Status> {
        self.raise_by(key, Instant::now() + LONG, refusal, Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)))
            .await
    }

    /// As [`Counter::raise`]; the work waits for a permit.
    pub(crate) async fn raise_by(
        &self,
        key: Key,
        deadline: Instant,
        refusal: Option<Refusal>,
        permits: Arc<Semaphore>,
    ) -> Result<String, Status> {
        let runs = self.runs.clone();
        idempotency::once(&self.db, &self.clock, key, deadline, move |tx| {
            let (runs, refusal, permits) = (runs.clone(), refusal.clone(), permits.clone());
            Box::pin(async move {
                let id = EventId::new();
                db::execute!(tx, "insert into raises (id) values ($1)", id.uuid())?;
                runs.fetch_add(1, Ordering::SeqCst);
                permits.acquire().await.unwrap().forget();
                match refusal {
                    None => Ok(id.to_string()),
                    Some(refusal) => Err(refusal),
                }
            })
        })
        .await
    }

    /// How often it was raised.
    pub(crate) async fn raised(&self) -> i64 {
        self.read(|tx| Box::pin(async move { db::fetch_one!(tx, (i64,), "select count(*) from raises") }))
            .await
            .0
    }

    pub(crate) async fn read<T, F>(&self, work: F) -> T
    where
        F: for<'t> Fn(&'t mut Tx) -> futures::future::BoxFuture<'t, Result<T, db::Error>>
            + Send
            + Sync
            + 'static,
        T: Send + 'static,
    {
        self.db.read(work).await.unwrap()
    }

    pub(crate) async fn write<T, F>(&self, work: F) -> T
    where
        F: for<'t> Fn(&'t mut Tx) -> futures::future::BoxFuture<'t, Result<T, db::Error>>
            + Send
            + Sync
            + 'static,
        T: Send + 'static,
    {
        self.db.write(work).await.unwrap()
    }
}

/// The key of a request of a seller for a product.
pub(crate) fn key(seller: &str, request_id: Uuid, product: &str) -> Key {
    let request = WithdrawProductRequest { request_id: request_id.to_string(), ..body(product) };
    let caller = Caller::new(Role::Seller, seller);
    Key::of(&caller, &request).unwrap()
}

/// The request without its id.
pub(crate) fn body(product: &str) -> WithdrawProductRequest {
    WithdrawProductRequest { product_id: product.to_owned(), ..WithdrawProductRequest::default() }
}

pub(crate) fn request_id() -> Uuid {
    EventId::new().uuid()
}
