//! Waking others, and leading them.

use std::time::Duration;

use db::{Db, Engine, Error, Listener};
use futures::FutureExt as _;
use testkit::{Database, eventually, on_both};

use crate::shelf::{open, write};

/// Longer than any test: a listener that returns was woken.
const FOR_EVER: Duration = Duration::from_secs(86_400);
/// How long a notification may take.
const PATIENCE: Duration = Duration::from_secs(30);

async fn notify(db: &Db, channel: &'static str, commits: bool) {
    let told = write(db, move |tx| {
        Box::pin(async move {
            tx.notify(channel);
            if commits { Ok(()) } else { Err(Error::RowNotFound) }
        })
    });
    assert_eq!(told.await.is_ok(), commits);
}

async fn woken(listener: &mut Listener) {
    tokio::time::timeout(PATIENCE, listener.recv_within(FOR_EVER)).await.expect("it is woken");
}

fn was_woken(listener: &mut Listener) -> bool {
    listener.recv_within(FOR_EVER).now_or_never().is_some()
}

/// A database that hears what is told from now on.
async fn hearing(database: &Database) -> Db {
    let db = open(database).await;
    let mut first = db.listen("first");
    notify(&db, "first", true).await;
    woken(&mut first).await;
    db
}

/// The second of two processes on one database; SQLite has but one.
async fn second(database: &Database, first: &Db) -> Db {
    match first.engine() {
        Engine::Sqlite => first.clone(),
        Engine::Postgres => database.connect().await,
    }
}

on_both! {
    async fn a_listener_wakes_on_a_commit_and_on_no_rollback(database: Database) {
        let db = hearing(&database).await;
        let teller = second(&database, &db).await;
        let (mut kept, mut undone) = (db.listen("kept"), db.listen("undone"));
        notify(&teller, "undone", false).await;
        assert!(!was_woken(&mut kept), "nothing has been told");
        notify(&teller, "kept", true).await;
        woken(&mut kept).await;
        assert!(!was_woken(&mut undone));
        // Told once: it waits again.
        assert!(!was_woken(&mut kept));
    }

    async fn nobody_is_woken_before_the_commit(database: Database) {
        let db = hearing(&database).await;
        let listener = db.listen("soon");
        let early = listener.clone();
        write(&db, move |tx| {
            let mut early = early.clone();
            Box::pin(async move {
                tx.notify("soon");
                assert!(!was_woken(&mut early), "it is not committed yet");
                Ok(())
            })
        })
        .await
        .unwrap();
        woken(&mut listener.clone()).await;
    }

    async fn one_of_two_leads_and_the_other_after_it(database: Database) {
        let first = open(&database).await;
        let second = second(&database, &first).await;
        let mut lead = first.try_lead("relay").await.unwrap().expect("nobody leads");
        assert!(lead.is_held().await);
        assert!(second.try_lead("relay").await.unwrap().is_none());
        // Another matter has another leader.
        assert!(second.try_lead("timer").await.unwrap().is_some());
        drop(lead);
        let taken_over = || async { second.try_lead("relay").await.unwrap() };
        let _lead = eventually("the other leads", taken_over).await;
        assert!(first.try_lead("relay").await.unwrap().is_none());
    }
}
