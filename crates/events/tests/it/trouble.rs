//! A database that cannot do its work parks nothing and loses nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use db::Engine;
use events::LocalBus;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use testkit::{Database, eventually, on_both};
use uuid::Uuid;

use crate::desk::{Desk, aggregate};

/// How often the disk is filled and cleared.
const TIMES: usize = 10;
/// Pages of a disk with room.
const ROOM: &str = "pragma max_page_count = 1000000";
/// No page more than there are.
const NO_ROOM: &str = "pragma max_page_count = 1";
/// How soon a write that failed is tried again.
const AGAIN_AFTER: Duration = Duration::from_millis(5);

/// Fills the disk of `desk`, or clears it: a SQLite file may take no page more; PostgreSQL lets nothing be written, and
/// ends its sessions.
async fn fill(desk: &Desk, database: &Database, full: bool) {
    if desk.db.engine() == Engine::Sqlite {
        let pages = if full { NO_ROOM } else { ROOM };
        let told: Result<u64, db::Error> =
            desk.db.write(move |tx| Box::pin(async move { db::execute!(tx, pages) })).await;
        told.unwrap();
        return;
    }
    let mut server = PgConnection::connect(database.url()).await.unwrap();
    let name = database.url().rsplit_once('/').unwrap().1;
    let change =
        if full { "set default_transaction_read_only = on" } else { "reset default_transaction_read_only" };
    for statement in [
        "set default_transaction_read_only = off".to_owned(),
        format!("alter database {name} {change}"),
        "select pg_terminate_backend(pid) from pg_stat_activity \
         where datname = current_database() and pid <> pg_backend_pid()"
            .to_owned(),
    ] {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut server).await.unwrap();
    }
    server.close().await.unwrap();
}

/// What buyers do meanwhile: each change is tried until it is made.
#[derive(Default)]
struct Load {
    over: AtomicBool,
    made: AtomicI64,
    refused: AtomicU64,
}

impl Load {
    async fn go_on(&self, desk: &Desk, order: Uuid) {
        while !self.over.load(Ordering::SeqCst) {
            let event = desk.event(order, self.made.load(Ordering::SeqCst) + 1);
            while let Err(error) = desk.put(std::slice::from_ref(&event)).await {
                // A session that ended after its commit and before its answer has made the change.
                if matches!(error, db::Error::Conflict) {
                    break;
                }
                assert!(error.is_transient(), "{error:?}");
                self.refused.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(AGAIN_AFTER).await;
            }
            self.made.fetch_add(1, Ordering::SeqCst);
        }
    }
}

on_both! {
    async fn a_disk_that_fills_again_and_again_parks_nothing_and_loses_nothing(database: Database) {
        let (desk, load) = (Arc::new(Desk::open(&database, LocalBus::new()).await), Arc::new(Load::default()));
        let (relay, order) = (desk.relay(), aggregate());
        let loading = tokio::spawn({
            let (desk, load) = (desk.clone(), load.clone());
            async move { load.go_on(&desk, order).await }
        });
        for _ in 0..TIMES {
            let refused = load.refused.load(Ordering::SeqCst);
            fill(&desk, &database, true).await;
            eventually("a change is refused", || async {
                (load.refused.load(Ordering::SeqCst) > refused).then_some(())
            })
            .await;
            let made = load.made.load(Ordering::SeqCst);
            fill(&desk, &database, false).await;
            eventually("changes are made again", || async {
                (load.made.load(Ordering::SeqCst) > made + 1).then_some(())
            })
            .await;
        }
        load.over.store(true, Ordering::SeqCst);
        loading.await.unwrap();
        desk.relayed().await;
        relay.stop().await;
        assert_eq!(desk.parked(order).await, []);
        assert!(desk.db.statistics().troubles > 0);
        let made = load.made.load(Ordering::SeqCst);
        assert_eq!(desk.effects(order).await, (1..=made).collect::<Vec<_>>());
    }
}
