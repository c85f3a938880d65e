//! The door for changes: what commits, what does not, and what is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use db::{Error, Retryable};
use testkit::{eventually, on_both};
use tokio::sync::Semaphore;

use crate::shelf::{count, open, put, read, shelves, stock, write};

/// A use case's refusal.
#[derive(Debug)]
enum Refusal {
    Sold,
    Database(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl Retryable for Refusal {
    fn database(&self) -> Option<&db::Error> {
        if let Self::Database(error) = self { Some(error) } else { None }
    }
}

on_both! {
    async fn what_is_ok_commits_and_a_refusal_rolls_back(database: Database) {
        let db = open(&database).await;
        stock(&db, 1, 5).await.unwrap();
        let refused: Result<(), Refusal> = db
            .write(|tx| {
                Box::pin(async move {
                    put(tx, 2, 5).await?;
                    Err(Refusal::Sold)
                })
            })
            .await;
        assert!(matches!(refused, Err(Refusal::Sold)), "{refused:?}");
        assert_eq!(shelves(&db).await, 1);
    }

    async fn what_must_follow_a_commit_follows_no_rollback(database: Database) {
        let db = open(&database).await;
        let followed = Arc::new(AtomicU32::new(0));
        for (id, fails) in [(1, false), (2, true)] {
            let followed = followed.clone();
            let done = write(&db, move |tx| {
                let followed = followed.clone();
                Box::pin(async move {
                    tx.after_commit(move || {
                        followed.fetch_add(1, Ordering::SeqCst);
                    });
                    put(tx, id, 1).await?;
                    if fails { Err(Error::RowNotFound) } else { Ok(()) }
                })
            });
            assert_eq!(done.await.is_err(), fails);
        }
        assert_eq!(followed.load(Ordering::SeqCst), 1);
    }

    async fn work_that_goes_on_after_an_error_is_broken(database: Database) {
        let db = open(&database).await;
        stock(&db, 1, 5).await.unwrap();
        let swallowed = write(&db, |tx| {
            Box::pin(async move {
                put(tx, 2, 5).await?;
                let twice = put(tx, 1, 5).await;
                assert!(matches!(twice, Err(Error::Conflict)), "{twice:?}");
                Ok(())
            })
        });
        let swallowed = swallowed.await;
        assert!(matches!(swallowed, Err(Error::Broken)), "{swallowed:?}");
        assert_eq!(shelves(&db).await, 1);
    }

    async fn a_read_that_goes_on_after_an_error_is_broken_too(database: Database) {
        let db = open(&database).await;
        let swallowed = read(&db, |tx| {
            Box::pin(async move {
                let changed = put(tx, 1, 5).await;
                assert!(changed.is_err(), "a snapshot changes nothing");
                Ok(())
            })
        });
        let swallowed = swallowed.await;
        assert!(matches!(swallowed, Err(Error::Broken)), "{swallowed:?}");
        assert_eq!(shelves(&db).await, 0);
    }

    async fn a_row_that_is_not_there_breaks_nothing(database: Database) {
        let db = open(&database).await;
        write(&db, |tx| {
            Box::pin(async move {
                let none = db::fetch_one!(tx, (i64,), "select on_hand from shelves where id = $1", 9_i64);
                assert!(matches!(none, Err(Error::RowNotFound)), "{none:?}");
                put(tx, 1, 5).await
            })
        })
        .await
        .unwrap();
        assert_eq!(shelves(&db).await, 1);
    }

    async fn a_panic_rolls_back_and_is_told(database: Database) {
        let db = open(&database).await;
        let panicked: Result<(), Error> = write(&db, |tx| {
            Box::pin(async move {
                put(tx, 1, 5).await?;
                panic!("as the test wishes")
            })
        })
        .await;
        assert!(matches!(panicked, Err(Error::Panicked)), "{panicked:?}");
        // The next one finds a door that opens, and nothing of the last.
        stock(&db, 1, 7).await.unwrap();
        assert_eq!(shelves(&db).await, 1);
    }

    async fn work_whose_caller_left_is_done_to_its_end(database: Database) {
        let db = open(&database).await;
        let (begun, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let (db_of_caller, tell, wait) = (db.clone(), begun.clone(), gate.clone());
        let caller = tokio::spawn(async move {
            write(&db_of_caller, move |tx| {
                let (tell, wait) = (tell.clone(), wait.clone());
                Box::pin(async move {
                    put(tx, 1, 5).await?;
                    tell.add_permits(1);
                    wait.acquire().await.unwrap().forget();
                    put(tx, 2, 5).await
                })
            })
            .await
        });
        begun.acquire().await.unwrap().forget();
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        assert_eq!(shelves(&db).await, 0);
        gate.add_permits(1);
        eventually("the work has committed", || async { (shelves(&db).await == 2).then_some(()) }).await;
    }

    async fn what_breaks_a_rule_says_which(database: Database) {
        let db = open(&database).await;
        stock(&db, 1, 5).await.unwrap();
        let twice = stock(&db, 1, 6).await;
        assert!(matches!(twice, Err(Error::Conflict)), "{twice:?}");
        let negative = stock(&db, 2, -1).await;
        assert!(matches!(negative, Err(Error::Check(_))), "{negative:?}");
        let nowhere = write(&db, |tx| {
            Box::pin(async move { db::execute!(tx, "insert into labels (id, shelf_id) values (1, 9)") })
        });
        let nowhere = nowhere.await;
        assert!(matches!(nowhere, Err(Error::Reference)), "{nowhere:?}");
        let unknown = write(&db, |tx| Box::pin(async move { db::execute!(tx, "delete from nothing") }));
        let unknown = unknown.await;
        assert!(matches!(unknown, Err(Error::Other(_))), "{unknown:?}");
    }

    async fn statistics_count_commits_and_statements(database: Database) {
        let db = open(&database).await;
        let before = db.statistics();
        write(&db, |tx| {
            Box::pin(async move {
                put(tx, 1, 5).await?;
                put(tx, 2, 5).await
            })
        })
        .await
        .unwrap();
        assert!(stock(&db, 1, 5).await.is_err());
        read(&db, |tx| Box::pin(count(tx))).await.unwrap();
        let after = db.statistics();
        let (commits, statements) = (after.commits - before.commits, after.statements - before.statements);
        assert_eq!((commits, statements), (1, 4));
    }
}
