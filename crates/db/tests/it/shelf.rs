//! A small schema: shelves with goods, and labels on them.

use db::{Db, Error, MigrationSet, Tx};
use futures::future::BoxFuture;
use testkit::Database;

pub(crate) const MIGRATIONS: MigrationSet = MigrationSet {
    name: "shelf",
    files: &[(
        "0001_shelves.sql",
        "create table shelves (id BIGINT primary key, on_hand BIGINT not null check (on_hand >= 0)); \
         create table labels (id BIGINT primary key, shelf_id BIGINT not null references shelves (id));",
    )],
};

pub(crate) async fn open(database: &Database) -> Db {
    database.migrated(&[MIGRATIONS]).await
}

pub(crate) async fn put(tx: &mut Tx, id: i64, on_hand: i64) -> Result<(), Error> {
    db::execute!(tx, "insert into shelves (id, on_hand) values ($1, $2)", id, on_hand)?;
    Ok(())
}

/// Puts a shelf in a transaction of its own.
pub(crate) async fn stock(db: &Db, id: i64, on_hand: i64) -> Result<(), Error> {
    write(db, move |tx| Box::pin(put(tx, id, on_hand))).await
}

/// A write whose error is the database's.
pub(crate) async fn write<T, F>(db: &Db, work: F) -> Result<T, Error>
where
    F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, Error>> + Send + Sync + 'static,
    T: Send + 'static,
{
    db.write(work).await
}

/// A read whose error is the database's.
pub(crate) async fn read<T, F>(db: &Db, work: F) -> Result<T, Error>
where
    F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, Error>> + Send + Sync + 'static,
    T: Send + 'static,
{
    db.read(work).await
}

pub(crate) async fn count(tx: &mut Tx) -> Result<i64, Error> {
    let (count,) = db::fetch_one!(tx, (i64,), "select count(*) from shelves")?;
    Ok(count)
}

/// How many shelves there are.
pub(crate) async fn shelves(db: &Db) -> i64 {
    read(db, |tx| Box::pin(count(tx))).await.unwrap()
}

/// What stands on a shelf.
pub(crate) async fn on_hand(db: &Db, id: i64) -> i64 {
    let found = read(db, move |tx| {
        Box::pin(async move { db::fetch_one!(tx, (i64,), "select on_hand from shelves where id = $1", id) })
    });
    found.await.unwrap().0
}
