//! Reads whose cost their caller chooses.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use db::{Connections, Db, Error, Tx};
use testkit::{eventually, on_both};

use crate::shelf::{count, open, shelves, stock};

/// A select that comes to no end by itself.
const ENDLESS: &str =
    "with recursive n (x) as (select 1 union all select (x + 1) % 1000 from n) select count(*) from n";
/// More than there are connections.
const MANY: usize = 12;

async fn endless(tx: &mut Tx) -> Result<i64, Error> {
    Ok(db::fetch_one!(tx, (i64,), ENDLESS)?.0)
}

fn in_use(db: &Db) -> u32 {
    let Connections { open, idle, .. } = db.connections();
    open - idle
}

on_both! {
    async fn one_that_takes_too_long_is_ended_and_leaves_nothing_behind(database: Database) {
        let db = open(&database).await;
        stock(&db, 1, 7).await.unwrap();
        let ended = db.search(|tx| Box::pin(endless(tx))).await;
        assert!(matches!(ended, Err(Error::SearchTimeout)), "{ended:?}");
        // The same connections serve on, and their reads are bounded no more.
        assert_eq!(db.search(|tx| Box::pin(count(tx))).await.unwrap(), 1);
        assert_eq!(shelves(&db).await, 1);
    }

    async fn however_many_browse_others_find_a_connection(database: Database) {
        let db = open(&database).await;
        shelves(&db).await;
        let (before, left) = (in_use(&db), Arc::new(AtomicUsize::new(MANY)));
        let browsing = (0..MANY).map(|_| {
            let (db, left) = (db.clone(), left.clone());
            tokio::spawn(async move {
                let ended = db.search(|tx| Box::pin(endless(tx))).await;
                left.fetch_sub(1, Ordering::SeqCst);
                ended
            })
        });
        let browsing: Vec<_> = browsing.collect();
        let most = AtomicU32::new(0);
        eventually("all have ended", || async {
            most.fetch_max(in_use(&db) - before, Ordering::SeqCst);
            (left.load(Ordering::SeqCst) == 0).then_some(())
        })
        .await;
        let most = most.into_inner();
        assert!((1..=2).contains(&most), "{most} connections were browsing");
        let mut crowded = 0;
        for ended in browsing {
            match ended.await.unwrap() {
                Err(Error::SearchTimeout) => {}
                Err(Error::SearchesBusy) => crowded += 1,
                other => panic!("{other:?}"),
            }
        }
        assert!(crowded > 0);
    }
}
