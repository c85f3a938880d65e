//! Works that wait for the writer go together, and none notices.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use futures::poll;
use testkit::Database;
use tokio::sync::Semaphore;

use super::*;
use crate::{Db, MigrationSet, Options};

const MIGRATIONS: MigrationSet = MigrationSet {
    name: "shelf",
    files: &[(
        "0001_shelves.sql",
        "create table shelves (id BIGINT primary key, on_hand BIGINT not null check (on_hand >= 0)); \
         create table labels (shelf_id BIGINT not null references shelves (id) deferrable initially deferred);",
    )],
};

/// So long that no test hangs on the machine's speed.
const PATIENCE: TimeLimits =
    TimeLimits { together: Duration::from_secs(60), with_one: Duration::from_secs(2) };

type Answer<T> = BoxFuture<'static, Result<T, Error>>;

/// A SQLite database whose writer is held until it is let go, so that who comes meanwhile goes together.
struct Held {
    db: Db,
    gate: Arc<Semaphore>,
    holder: Answer<()>,
    _database: Database,
}

impl Held {
    async fn new() -> Self {
        let database = Database::sqlite();
        let options = Options::new(database.url());
        let db = Db::connect_with(&options, PATIENCE).await.expect("a test's database");
        db.migrate(&[MIGRATIONS]).await.expect("a test's schema");
        let (begun, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let (tell, wait) = (begun.clone(), gate.clone());
        let holder = wait_for_turn(&db, move |_| {
            let (tell, wait) = (tell.clone(), wait.clone());
            Box::pin(async move {
                tell.add_permits(1);
                passed(&wait).await;
                Ok(())
            })
        })
        .await;
        passed(&begun).await;
        Self { db, gate, holder, _database: database }
    }

    /// Has the work wait for the writer.
    async fn queue<T, F>(&self, work: F) -> Answer<T>
    where
        F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, Error>> + Send + Sync + 'static,
        T: Send + 'static,
    {
        wait_for_turn(&self.db, work).await
    }

    async fn put(&self, id: i64) -> Answer<()> {
        self.queue(move |tx| Box::pin(put(tx, id))).await
    }

    /// Puts a shelf, counts the commit, and fails at last if it is to.
    async fn put_followed(&self, id: i64, fails: bool, followed: &Arc<AtomicU32>) -> Answer<()> {
        let followed = followed.clone();
        self.queue(move |tx| {
            let followed = followed.clone();
            Box::pin(async move {
                tx.after_commit(move || {
                    followed.fetch_add(1, Ordering::SeqCst);
                });
                put(tx, id).await?;
                if fails { Err(Error::RowNotFound) } else { Ok(()) }
            })
        })
        .await
    }

    /// Lets those who wait go.
    async fn let_go(&mut self) {
        self.gate.add_permits(1);
        (&mut self.holder).await.expect("it held");
    }
}

async fn passed(gate: &Semaphore) {
    gate.acquire().await.expect("it is not closed").forget();
}

/// A write that is in the queue when this returns.
async fn wait_for_turn<T, F>(db: &Db, work: F) -> Answer<T>
where
    F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, Error>> + Send + Sync + 'static,
    T: Send + 'static,
{
    let (db, work) = (db.clone(), Arc::new(work));
    let mut answer: Answer<T> =
        Box::pin(async move { db.0.writes.as_ref().expect("SQLite has a queue").write(work).await });
    assert!(poll!(&mut answer).is_pending());
    answer
}

async fn put(tx: &mut Tx, id: i64) -> Result<(), Error> {
    crate::execute!(tx, "insert into shelves (id, on_hand) values ($1, 1)", id)?;
    Ok(())
}

/// Takes the one unit of a shelf, if it is there.
async fn take(tx: &mut Tx, id: i64) -> Result<u64, Error> {
    crate::execute!(tx, "update shelves set on_hand = on_hand - 1 where id = $1 and on_hand >= 1", id)
}

async fn shelves(db: &Db) -> Vec<i64> {
    let found: Result<Vec<(i64,)>, Error> = db
        .read_one(|tx| {
            Box::pin(async move { crate::fetch_all!(tx, (i64,), "select id from shelves order by id") })
        })
        .await;
    found.expect("a look").into_iter().map(|(id,)| id).collect()
}

#[tokio::test]
async fn those_who_wait_commit_at_once() {
    let mut held = Held::new().await;
    let answers = [held.put(1).await, held.put(2).await, held.put(3).await];
    let before = held.db.statistics();
    held.let_go().await;
    for answer in answers {
        answer.await.expect("it was put");
    }
    let after = held.db.statistics();
    // The holder's, and one for the three.
    assert_eq!((after.commits - before.commits, after.statements - before.statements), (2, 3));
    assert_eq!(shelves(&held.db).await, [1, 2, 3]);
}

#[tokio::test]
async fn nobody_is_answered_before_the_commit() {
    let mut held = Held::new().await;
    let first = held.put(1).await;
    let answered = Arc::new(AtomicBool::new(false));
    let tells = answered.clone();
    let first = tokio::spawn(async move {
        let answer = first.await;
        tells.store(true, Ordering::SeqCst);
        answer
    });
    let last = held.queue(move |tx| {
        let answered = answered.clone();
        Box::pin(async move {
            for id in 2..20 {
                put(tx, id).await?;
                tokio::task::yield_now().await;
            }
            Ok(answered.load(Ordering::SeqCst))
        })
    });
    let last = last.await;
    held.let_go().await;
    assert!(!last.await.expect("it was put"), "the first was answered while the transaction went on");
    first.await.expect("no panic").expect("it was put");
    assert_eq!(shelves(&held.db).await.len(), 19);
}

#[tokio::test]
async fn an_error_and_a_panic_are_their_own_alone() {
    let mut held = Held::new().await;
    let followed = Arc::new(AtomicU32::new(0));
    let first = held.put_followed(1, false, &followed).await;
    let conflict = held.put(1).await;
    let undone = held.put_followed(2, true, &followed).await;
    let panics: Answer<()> = held
        .queue(|tx| {
            Box::pin(async move {
                put(tx, 3).await?;
                panic!("as the test wishes")
            })
        })
        .await;
    let broken: Answer<()> = held
        .queue(|tx| {
            Box::pin(async move {
                put(tx, 4).await?;
                assert!(put(tx, 4).await.is_err());
                Ok(())
            })
        })
        .await;
    let last = held.put_followed(5, false, &followed).await;
    held.let_go().await;
    first.await.expect("it was put");
    let conflict = conflict.await;
    assert!(matches!(conflict, Err(Error::Conflict)), "{conflict:?}");
    let undone = undone.await;
    assert!(matches!(undone, Err(Error::RowNotFound)), "{undone:?}");
    let panics = panics.await;
    assert!(matches!(panics, Err(Error::Panicked)), "{panics:?}");
    let broken = broken.await;
    assert!(matches!(broken, Err(Error::Broken)), "{broken:?}");
    last.await.expect("it was put");
    assert_eq!((shelves(&held.db).await, followed.load(Ordering::SeqCst)), (vec![1, 5], 2));
}

#[tokio::test]
async fn what_another_undoes_is_never_seen() {
    let mut held = Held::new().await;
    let put = held.put(1).await;
    let undone: Answer<u64> = held
        .queue(|tx| {
            Box::pin(async move {
                assert_eq!(take(tx, 1).await?, 1);
                Err(Error::RowNotFound)
            })
        })
        .await;
    let taken = held.queue(|tx| Box::pin(take(tx, 1))).await;
    let late = held.queue(|tx| Box::pin(take(tx, 1))).await;
    held.let_go().await;
    put.await.expect("it was put");
    assert!(undone.await.is_err());
    assert_eq!((taken.await.expect("it ran"), late.await.expect("it ran")), (1, 0));
}

#[tokio::test]
async fn a_rule_that_holds_at_the_commit_breaks_it_for_its_own_alone() {
    let mut held = Held::new().await;
    let first = held.put(1).await;
    let nowhere = held
        .queue(|tx| Box::pin(async move { crate::execute!(tx, "insert into labels (shelf_id) values (9)") }));
    let nowhere = nowhere.await;
    let last = held.put(2).await;
    held.let_go().await;
    first.await.expect("it was put");
    let nowhere = nowhere.await;
    assert!(matches!(nowhere, Err(Error::Reference)), "{nowhere:?}");
    last.await.expect("it was put");
    assert_eq!(shelves(&held.db).await, [1, 2]);
}

#[tokio::test]
async fn who_lingers_keeps_nobody_before_it_from_the_commit() {
    let mut held = Held::new().await;
    let (gate, runs) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicU32::new(0)));
    let (wait, counted) = (gate.clone(), runs.clone());
    let first = held.put(1).await;
    let lingers = held.queue(move |tx| {
        counted.fetch_add(1, Ordering::SeqCst);
        let wait = wait.clone();
        Box::pin(async move {
            put(tx, 2).await?;
            passed(&wait).await;
            Ok(())
        })
    });
    let mut lingers = lingers.await;
    let behind = held.put(3).await;
    held.let_go().await;
    first.await.expect("it was put");
    assert_eq!(shelves(&held.db).await, [1]);
    assert!(poll!(&mut lingers).is_pending());
    gate.add_permits(1);
    lingers.await.expect("it was put");
    behind.await.expect("it was put");
    assert_eq!((shelves(&held.db).await, runs.load(Ordering::SeqCst)), (vec![1, 2, 3], 2));
}

#[tokio::test]
async fn a_caller_who_leaves_changes_nothing() {
    let mut held = Held::new().await;
    let left = held.put(1).await;
    let stayed = held.put(2).await;
    drop(left);
    held.let_go().await;
    stayed.await.expect("it was put");
    assert_eq!(shelves(&held.db).await, [1, 2]);
}

#[tokio::test]
async fn who_was_told_that_it_did_not_begin_does_not_begin() {
    let mut held = Held::new().await;
    fn put_first(tx: &mut Tx) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(put(tx, 1))
    }
    let queue = held.db.0.writes.as_ref().expect("SQLite has a queue");
    let late = queue.write_within(Duration::from_millis(1), Arc::new(put_first)).await;
    assert!(matches!(late, Err(Error::Unavailable(_))), "{late:?}");
    let next = held.put(2).await;
    held.let_go().await;
    next.await.expect("it was put");
    assert_eq!(shelves(&held.db).await, [2]);
}

#[tokio::test]
async fn many_are_several_transactions_in_their_order() {
    let mut held = Held::new().await;
    let mut answers = Vec::new();
    for place in 0..100 {
        let after = held.queue(move |tx| {
            Box::pin(async move {
                put(tx, place).await?;
                let (count,) = crate::fetch_one!(tx, (i64,), "select count(*) from shelves")?;
                Ok(count)
            })
        });
        answers.push(after.await);
    }
    held.let_go().await;
    for (answer, place) in answers.into_iter().zip(1_i64..) {
        assert_eq!(answer.await.expect("it was put"), place);
    }
}
