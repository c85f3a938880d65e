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

/// A database that hears what is told from now on, and another process of it that tells.
async fn hearing(database: &Database) -> (Db, Db) {
    let db = open(database).await;
    let teller = second(database, &db).await;
    heard(&db, &teller).await;
    (db, teller)
}

/// Returns when what one tells wakes the other, and all that was told before has been heard.
async fn heard(db: &Db, teller: &Db) {
    let (mut first, mut last) = (db.listen("first"), db.listen("last"));
    eventually("it hears", || async {
        notify(teller, "first", true).await;
        let mut first = first.clone();
        tokio::time::timeout(Duration::from_millis(100), first.recv_within(FOR_EVER)).await.ok()
    })
    .await;
    notify(teller, "last", true).await;
    woken(&mut last).await;
    woken(&mut first).await;
}

/// Tells of so many things in one transaction.
async fn burst(teller: &Db, things: &[uuid::Uuid]) {
    let things = things.to_vec();
    write(teller, move |tx| {
        things.iter().for_each(|thing| tx.notify_about("orders", *thing));
        Box::pin(async { Ok(()) })
    })
    .await
    .unwrap();
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
        let (db, teller) = hearing(&database).await;
        let (mut kept, mut undone) = (db.listen("kept"), db.listen("undone"));
        notify(&teller, "undone", false).await;
        assert!(!was_woken(&mut kept), "nothing has been told");
        notify(&teller, "kept", true).await;
        woken(&mut kept).await;
        assert!(!was_woken(&mut undone));
        // Told once: it waits again.
        assert!(!was_woken(&mut kept));
    }

    async fn those_of_the_same_process_are_awake_when_the_commit_is_answered(database: Database) {
        let (db, teller) = hearing(&database).await;
        let mut listener = db.listen("here");
        assert!(!was_woken(&mut listener));
        notify(&db, "here", true).await;
        assert!(was_woken(&mut listener));
        // Its own word that comes back by the database wakes nobody again.
        heard(&db, &teller).await;
        assert!(!was_woken(&mut listener));
    }

    async fn each_of_ten_thousand_is_woken_by_few_words(database: Database) {
        let (db, teller) = hearing(&database).await;
        let things: Vec<_> = (0..10_000).map(|_| kernel::EventId::new().uuid()).collect();
        let mut watched: Vec<_> = things.iter().step_by(500).map(|thing| db.listen_about("orders", *thing)).collect();
        let before = teller.statistics().statements;
        burst(&teller, &things).await;
        for listener in &mut watched {
            woken(listener).await;
        }
        // A hundred of them, told again and again: nothing more is waiting than each of them once.
        for _ in 0..20 {
            burst(&teller, &things[..100]).await;
        }
        woken(&mut watched[0]).await;
        assert!(teller.statistics().statements - before <= 21);
    }

    async fn what_is_told_last_is_told_before_the_end(database: Database) {
        let (db, teller) = hearing(&database).await;
        let (mut last, mut later) = (db.listen("goodbye"), db.listen("later"));
        notify(&teller, "later", true).await;
        notify(&teller, "goodbye", true).await;
        teller.close().await;
        woken(&mut last).await;
        woken(&mut later).await;
    }

    async fn nobody_is_woken_before_the_commit(database: Database) {
        let db = open(&database).await;
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
        let mut lead = first.try_become_leader("relay").await.unwrap().expect("nobody leads");
        assert!(lead.is_held().await);
        assert!(second.try_become_leader("relay").await.unwrap().is_none());
        // Another matter has another leader.
        assert!(second.try_become_leader("timer").await.unwrap().is_some());
        drop(lead);
        let taken_over = || async { second.try_become_leader("relay").await.unwrap() };
        let _lead = eventually("the other leads", taken_over).await;
        assert!(first.try_become_leader("relay").await.unwrap().is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_listens_is_woken_after_its_connection_broke() {
    let Some(database) = Database::postgres().await else { return };
    let (db, teller) = hearing(&database).await;
    let mut listener = db.listen("quiet");
    let ended = write(&teller, |tx| {
        Box::pin(async move {
            db::fetch_all!(
                tx,
                (bool,),
                "select pg_terminate_backend(pid) from pg_stat_activity \
                 where datname = current_database() and query ilike 'listen%'"
            )
        })
    });
    // Its own at least: the other need not hear yet.
    assert!(!ended.await.unwrap().is_empty());
    // It may have missed a word: all are woken when it hears again.
    woken(&mut listener).await;
    heard(&db, &teller).await;
    database.remove().await;
}
