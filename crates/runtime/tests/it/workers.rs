//! What a service does by itself.

use std::time::Duration;

use db::Db;
use runtime::{Deps, Service, Spec, Worker};
use testkit::{eventually, on_both};

use crate::shop::{SHOP, folder, service, settings_on, start};

/// Longer than any test: what happens again happens for another reason.
const FOR_EVER: Duration = Duration::from_secs(86_400);

/// Its first step has more to do, its second fails, its third is fine.
const STUMBLES: Spec = Spec { build: stumbles, ..SHOP };
/// Its step ends only after the hub has begun to stop.
const LINGERS: Spec = Spec { build: lingers, ..SHOP };

fn stumbles(_: &toml::Table, deps: Deps) -> anyhow::Result<Service> {
    let worker = Worker::every("stumbles", FOR_EVER, None, deps.db, |db| async move {
        note(&db, 1, "step").await?;
        let steps = noted(&db, 1, "step").await?;
        anyhow::ensure!(steps != 2, "the second fails");
        Ok(steps < 2)
    });
    Ok(service(vec![worker]))
}

fn lingers(_: &toml::Table, deps: Deps) -> anyhow::Result<Service> {
    let state = (deps.db, deps.drain);
    let worker = Worker::every("lingers", FOR_EVER, None, state, |(db, drain)| async move {
        note(&db, 1, "begun").await?;
        drain.begun().await;
        for _ in 0..20 {
            note(&db, 1, "late").await?;
        }
        Ok(false)
    });
    Ok(service(vec![worker]))
}

async fn note(db: &Db, shelves: i64, name: &'static str) -> Result<u64, db::Error> {
    db.write(move |tx| {
        Box::pin(async move {
            db::execute!(tx, "insert into steps (shelves, name) values ($1, $2)", shelves, name)
        })
    })
    .await
}

async fn noted(db: &Db, shelves: i64, name: &'static str) -> Result<i64, db::Error> {
    let count: Result<(i64,), db::Error> = db
        .read(move |tx| {
            Box::pin(async move {
                let sql = "select count(*) from steps where shelves = $1 and name = $2";
                db::fetch_one!(tx, (i64,), sql, shelves, name)
            })
        })
        .await;
    Ok(count?.0)
}

/// Waits for so many steps.
async fn steps(db: &Db, shelves: i64, name: &'static str, at_least: i64) -> i64 {
    let enough =
        || async { Some(noted(db, shelves, name).await.unwrap()).filter(|count| *count >= at_least) };
    eventually("the worker steps", enough).await
}

on_both! {
    async fn a_worker_goes_on_while_there_is_more_and_after_a_failure(database: Database) {
        let folder = folder();
        let hub = start(settings_on(&folder, &database), STUMBLES).await;
        let db = database.connect().await;
        assert_eq!(steps(&db, 1, "step", 3).await, 3);
        hub.stop().await;
        db.close().await;
    }

    async fn a_step_that_has_begun_is_seen_through(database: Database) {
        let folder = folder();
        let hub = start(settings_on(&folder, &database), LINGERS).await;
        let db = database.connect().await;
        steps(&db, 1, "begun", 1).await;
        assert_eq!(noted(&db, 1, "late").await.unwrap(), 0);
        hub.stop().await;
        assert_eq!(noted(&db, 1, "late").await.unwrap(), 20);
        db.close().await;
    }
}
