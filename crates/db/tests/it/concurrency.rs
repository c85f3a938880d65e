//! Several at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use db::{Engine, Error};
use futures::future::{join_all, try_join};
use testkit::on_both;
use tokio::sync::Barrier;

use crate::shelf::{count, on_hand, open, put, read, shelves, stock, write};

/// Takes one from a shelf if there is one.
async fn take(db: &db::Db, id: i64) -> u64 {
    let taken = write(db, move |tx| {
        Box::pin(async move {
            db::execute!(tx, "update shelves set on_hand = on_hand - 1 where id = $1 and on_hand >= 1", id)
        })
    });
    taken.await.unwrap()
}

on_both! {
    async fn guarded_updates_never_oversell(database: Database) {
        let db = open(&database).await;
        stock(&db, 1, 7).await.unwrap();
        let taken: u64 = join_all((0..20).map(|_| take(&db, 1))).await.into_iter().sum();
        assert_eq!((taken, on_hand(&db, 1).await), (7, 0));
    }

    async fn a_read_is_a_snapshot(database: Database) {
        let db = open(&database).await;
        stock(&db, 1, 7).await.unwrap();
        let writer = db.clone();
        let (before, after) = read(&db, move |tx| {
            let writer = writer.clone();
            Box::pin(async move {
                let before = count(tx).await?;
                stock(&writer, 2, 7).await?;
                Ok((before, count(tx).await?))
            })
        })
        .await
        .unwrap();
        assert_eq!((before, after), (1, 1));
        assert_eq!(shelves(&db).await, 2);
    }

    async fn when_another_came_first_the_work_is_run_again(database: Database) {
        let db = open(&database).await;
        let runs = Arc::new(AtomicU32::new(0));
        let counted = runs.clone();
        write(&db, move |tx| {
            let run = counted.fetch_add(1, Ordering::SeqCst);
            Box::pin(async move {
                put(tx, 1, 7).await?;
                if run < 2 { Err(Error::Serialization(db::sqlx::Error::RowNotFound)) } else { Ok(()) }
            })
        })
        .await
        .unwrap();
        assert_eq!((runs.load(Ordering::SeqCst), shelves(&db).await), (3, 1));
    }

    async fn two_that_lock_each_other_out_both_commit(database: Database) {
        let db = open(&database).await;
        for id in [1, 2] {
            stock(&db, id, 7).await.unwrap();
        }
        let met = Arc::new(Barrier::new(2));
        let crossing = |first: i64, second: i64| {
            let (met, runs) = (met.clone(), Arc::new(AtomicU32::new(0)));
            write(&db, move |tx| {
                // SQLite has one writer: there they cannot meet.
                let meets = tx.engine() == Engine::Postgres && runs.fetch_add(1, Ordering::SeqCst) == 0;
                let met = met.clone();
                Box::pin(async move {
                    db::execute!(tx, "update shelves set on_hand = on_hand - 1 where id = $1", first)?;
                    if meets {
                        met.wait().await;
                    }
                    db::execute!(tx, "update shelves set on_hand = on_hand - 1 where id = $1", second)
                })
            })
        };
        try_join(crossing(1, 2), crossing(2, 1)).await.unwrap();
        assert_eq!((on_hand(&db, 1).await, on_hand(&db, 2).await), (5, 5));
    }
}
