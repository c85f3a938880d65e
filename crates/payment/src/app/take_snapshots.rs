//! Snapshots of balances, so that a balance costs as much after a million movements as after one: close the ledger up to a
//! mark, wait for those who are writing, count. A process may die at any point, and two may do so at once.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use db::{Command, Db, Query, ReadMode, Tx};
use rpc::Pipeline;
use runtime::Worker;
use tokio::time::Instant;
use uuid::Uuid;

use super::{App, Error};
use crate::store::snapshots;

/// How often movements are looked for that are not counted.
const PERIOD: Duration = Duration::from_secs(20);
/// How long ago the mark is: instances' clocks differ, and a movement has its id a moment before it is written.
const MARGIN: Duration = Duration::from_secs(60);
/// How long a process leaves the ledger open at first: in an upgrade, until those of a release that does not know of marks
/// have ended.
const OPEN_AT_FIRST: Duration = Duration::from_secs(15 * 60);
/// For fewer movements than these nothing is done.
const WORTHWHILE: i64 = 200;
/// Movements of one transaction.
const BATCH: i64 = 1_000;
/// How long those who are writing are waited for, and how often they are looked at.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Takes snapshots from time to time.
pub(crate) fn worker(pipeline: &Pipeline<App>) -> Worker {
    let since = Instant::now();
    Worker::every("payment.balance_snapshots", PERIOD, None, pipeline.clone(), move |pipeline| async move {
        if since.elapsed() < OPEN_AT_FIRST {
            return Ok(false);
        }
        Ok(step(pipeline.db(), pipeline.app(), snapshots::mark_before(MARGIN)).await?)
    })
}

/// Counts a batch of the movements up to a mark, if there are enough; whether there may be more.
pub(crate) async fn step(db: &Db, app: &Arc<App>, mark: Uuid) -> Result<bool, Error> {
    if db.query(app, CountUncounted { mark }).await? < WORTHWHILE {
        return Ok(false);
    }
    take(db, app, mark, BATCH).await
}

/// Counts a batch of the movements up to a mark; whether there may be more.
pub(crate) async fn take(db: &Db, app: &Arc<App>, mark: Uuid, batch: i64) -> Result<bool, Error> {
    db.run(app, CloseLedger { mark }).await?;
    let mut writers = db.query(app, ListWriters).await?;
    let until = Instant::now() + PATIENCE;
    while !writers.is_empty() {
        if Instant::now() > until {
            let message = "a transaction that writes movements does not end";
            return Err(Error::Busy { reason: "LEDGER_BUSY", message });
        }
        tokio::time::sleep(LOOK_EVERY).await;
        let now = db.query(app, ListWriters).await?;
        writers.retain(|writer| now.contains(writer));
    }
    db.run(app, CountTransfers { mark, batch }).await
}

/// Movements up to a mark that are not counted, as far as it matters.
#[derive(Debug)]
struct CountUncounted {
    mark: Uuid,
}

impl Query<App> for CountUncounted {
    type Output = i64;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<i64, Error> {
        Ok(snapshots::uncounted(tx, self.mark, WORTHWHILE).await?)
    }
}

/// Closes the ledger up to a mark.
#[derive(Debug)]
struct CloseLedger {
    mark: Uuid,
}

impl Command<App> for CloseLedger {
    type Output = ();

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<(), Error> {
        Ok(snapshots::close(tx, self.mark).await?)
    }
}

/// The transactions that are writing movements.
#[derive(Debug)]
struct ListWriters;

impl Query<App> for ListWriters {
    type Output = HashSet<String>;

    const READING: ReadMode = ReadMode::Select;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<HashSet<String>, Error> {
        Ok(snapshots::writers(tx).await?)
    }
}

/// Counts movements up to a mark; whether there may be more.
#[derive(Debug)]
struct CountTransfers {
    mark: Uuid,
    batch: i64,
}

impl Command<App> for CountTransfers {
    type Output = bool;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<bool, Error> {
        Ok(snapshots::count(tx, self.mark, self.batch).await?)
    }
}
