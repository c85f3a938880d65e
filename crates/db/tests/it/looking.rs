//! One select without a transaction around it.

use db::{Db, Error};
use testkit::{Database, eventually, on_both};

use crate::shelf::{count, on_hand, open, put, read, shelves, stock, write};

/// What a look of one select finds.
async fn seen(db: &Db) -> Result<i64, Error> {
    db.read_one(|tx| Box::pin(count(tx))).await
}

/// Ends every connection that there is to the database now, and waits until they have ended.
async fn cut_off(database: &Database) {
    let other = database.connect().await;
    let open: Vec<(i32,)> = read(&other, |tx| {
        Box::pin(async move {
            db::fetch_all!(
                tx,
                (i32,),
                "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            )
        })
    })
    .await
    .unwrap();
    let pids: Vec<i32> = open.into_iter().map(|(pid,)| pid).collect();
    eventually("they have ended", || async {
        let pids = pids.clone();
        let left = read(&other, move |tx| {
            let pids = pids.clone();
            Box::pin(async move {
                db::fetch_all!(
                    tx,
                    (bool,),
                    "select pg_terminate_backend(pid) from pg_stat_activity \
                     where pid in (select cast(value as integer) from jsonb_array_elements_text($1) as pids (value))",
                    db::sqlx::types::Json(pids),
                )
            })
        });
        left.await.unwrap().is_empty().then_some(())
    })
    .await;
}

on_both! {
    async fn a_look_sees_what_is_there(database: Database) {
        let db = open(&database).await;
        assert_eq!(seen(&db).await.unwrap(), 0);
        stock(&db, 1, 7).await.unwrap();
        let before = db.statistics();
        assert_eq!(seen(&db).await.unwrap(), 1);
        assert_eq!(db.statistics().statements - before.statements, 1);
    }

    async fn a_look_is_one_select(database: Database) {
        let db = open(&database).await;
        let twice = db.read_one(|tx| Box::pin(async move { Ok::<_, Error>((count(tx).await?, count(tx).await?)) })).await;
        assert!(matches!(twice, Err(Error::MoreThanOneSelect)), "{twice:?}");
        let swallowed = db
            .read_one(|tx| {
                Box::pin(async move {
                    let first = count(tx).await?;
                    assert!(count(tx).await.is_err());
                    Ok::<_, Error>(first)
                })
            })
            .await;
        assert!(matches!(swallowed, Err(Error::Broken)), "{swallowed:?}");
    }

    async fn a_look_changes_nothing(database: Database) {
        let db = open(&database).await;
        stock(&db, 1, 7).await.unwrap();
        let put: Result<(), Error> = db.read_one(|tx| Box::pin(put(tx, 2, 7))).await;
        assert!(matches!(put, Err(Error::MoreThanOneSelect)), "{put:?}");
        let taken = db.read_one(|tx| {
            Box::pin(async move {
                db::fetch_one!(tx, (i64,), "update shelves set on_hand = 0 where id = 1 returning on_hand")
            })
        });
        assert!(matches!(taken.await, Err::<(i64,), Error>(Error::MoreThanOneSelect)));
        assert_eq!((shelves(&db).await, on_hand(&db, 1).await), (1, 7));
    }

    async fn a_look_that_fails_leaves_its_connection_whole(database: Database) {
        let db = open(&database).await;
        for _ in 0..20 {
            let failed: Result<(i64,), Error> = db
                .read_one(|tx| Box::pin(async move { db::fetch_one!(tx, (i64,), "select nothing from shelves") }))
                .await;
            assert!(matches!(failed, Err(Error::Other(_))), "{failed:?}");
        }
        assert_eq!(seen(&db).await.unwrap(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_finds_its_connection_cut_takes_another() {
    let Some(database) = Database::postgres().await else { return };
    let db = open(&database).await;
    // Several are open when the server leaves.
    futures::future::join_all((1..=4).map(|id| stock(&db, id, 7))).await;
    cut_off(&database).await;
    assert_eq!(seen(&db).await.unwrap(), 4);
    cut_off(&database).await;
    stock(&db, 5, 7).await.unwrap();
    cut_off(&database).await;
    assert_eq!(shelves(&db).await, 5);
    cut_off(&database).await;
    write(&db, |tx| Box::pin(async move { put(tx, 6, 7).await })).await.unwrap();
    database.remove().await;
}
