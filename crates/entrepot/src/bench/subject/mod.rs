//! What is measured: a hub in processes of its own, a service within this process, or two databases with a bus between.

mod component;
mod whole_hub;

use anyhow::{Context as _, Result, ensure};
use db::Db;

use super::counters::Counters;
use crate::fleet::Usage;

pub(super) use component::{CallerEvents, Component, engine, settings};
pub(super) use whole_hub::WholeHub;

/// Counts the events that were ever written, and are not yet forgotten.
pub(super) const OUTBOX: &str = "select count(*) from outbox";

/// Something that runs, and can be asked what it has cost.
pub(super) trait Subject: Sized {
    /// What it is, in a sentence: the heading of the table.
    fn heading(&self) -> String;

    /// What its databases were asked so far.
    async fn counters(&self) -> Result<Counters>;

    /// What its processes use; `None`: it runs within this one.
    fn usage(&self) -> Option<Usage>;

    /// Waits until nothing is under way.
    async fn settle(&self) -> Result<()>;

    /// Ends it, in good order.
    async fn stop(self) -> Result<()>;
}

/// How many rows of a database a statement counts.
pub(super) async fn count(db: &Db, sql: &'static str) -> Result<i64> {
    let counted: Result<(i64,), db::Error> =
        db.read_one(move |tx| Box::pin(async move { db::fetch_one!(tx, (i64,), sql) })).await;
    Ok(counted.context("counting rows")?.0)
}

/// Refuses a database with a past: what a hub left in its outbox when it was stopped would be published to nobody, or what
/// an earlier run left would be counted again. `others` counts what else there may be.
pub(super) async fn check_unused(db: &Db, service: &str, others: &'static str) -> Result<()> {
    let used = count(db, OUTBOX).await? > 0 || count(db, others).await? > 0;
    ensure!(!used, "database.url: the database of {service} is in use; this needs one with nothing in it");
    Ok(())
}
