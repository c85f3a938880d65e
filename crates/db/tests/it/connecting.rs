//! Connecting, and bringing a schema up to date.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use db::{Db, Error, MigrationSet, Options, Unavailability};
use futures::future::join_all;
use testkit::on_both;

use crate::shelf::{MIGRATIONS, open, shelves, stock, write};

/// The first as before, and one more; fails when it is run twice.
const LONGER: MigrationSet = MigrationSet {
    name: "shelf",
    files: &[
        MIGRATIONS.files[0],
        ("0002_first_shelf.sql", "insert into shelves (id, on_hand) values (1, 7)"),
    ],
};
/// A file that has run and reads otherwise now.
const CHANGED: MigrationSet = MigrationSet {
    name: "shelf",
    files: &[("0001_shelves.sql", "create table other (id BIGINT primary key)")],
};
/// Another crate's set with the same numbers.
const OTHER: MigrationSet = MigrationSet {
    name: "other",
    files: &[("0001_other.sql", "create table other (id BIGINT primary key)")],
};

#[tokio::test]
async fn what_is_no_database_is_refused() {
    for url in ["", "shelf.sqlite", "mysql://root@localhost/shelf", "postgres://hub@localhost:port/shelf"] {
        let refused = Db::connect(&Options::new(url)).await;
        assert!(matches!(refused, Err(Error::Url(_))), "{url}: {refused:?}");
    }
    let text = Db::connect(&Options::new("mysql://x")).await.unwrap_err().to_string();
    assert_eq!(text, "`mysql://x` is not a database: use sqlite:PATH or postgres://USER@HOST/NAME");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_in_its_own_words_and_in_time() {
    let place = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://hub@{}/shelf", place.local_addr().unwrap());
    drop(place);
    let began = Instant::now();
    let error = Db::connect(&Options::new(url)).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert!(matches!(error, Error::Unavailable(Unavailability::Unreachable { .. })), "{error:?}");
    let text = error.to_string();
    assert!(
        text.starts_with("the database does not answer: no connection within 10s: Connection refused"),
        "{text}"
    );
}

on_both! {
    async fn migrations_run_once_though_four_start_at_once(database: Database) {
        let processes = join_all((0..4).map(|_| database.connect())).await;
        for done in join_all(processes.iter().map(|db| db.migrate(&[LONGER, OTHER]))).await {
            done.unwrap();
        }
        assert_eq!(shelves(&processes[0]).await, 1);
    }

    async fn a_schema_grows_and_keeps_what_is_there(database: Database) {
        let db = open(&database).await;
        stock(&db, 2, 7).await.unwrap();
        db.migrate(&[LONGER]).await.unwrap();
        db.migrate(&[LONGER]).await.unwrap();
        assert_eq!(shelves(&db).await, 2);
    }

    async fn a_migration_that_has_run_never_changes(database: Database) {
        let db = open(&database).await;
        let changed = db.migrate(&[CHANGED]).await;
        assert!(matches!(changed, Err(Error::Migration { set: "shelf", .. })), "{changed:?}");
        let text = changed.unwrap_err().to_string();
        assert!(text.starts_with("migration shelf: 1 differs from what has run here"), "{text}");
        assert_eq!(shelves(&db).await, 0);
    }

    async fn what_an_error_names_is_there(database: Database) {
        let db = open(&database).await;
        let table = |error: &Error| {
            let text = error.to_string();
            let named = text.split_once("the table ").unwrap_or_else(|| panic!("no table: {text}")).1;
            named.split([' ', ':', ';']).next().unwrap().to_owned()
        };
        let changed = db.migrate(&[CHANGED]).await.unwrap_err();
        assert_eq!(table(&changed), "_migrations_shelf");
        write(&db, |tx| Box::pin(async move {
            db::execute!(tx, "update _migrations_shelf set success = false")?;
            Ok(())
        })).await.unwrap();
        let unfinished = db.migrate(&[MIGRATIONS]).await.unwrap_err();
        assert_eq!(table(&unfinished), "_migrations_shelf");
        write(&db, |tx| Box::pin(async move {
            db::execute!(tx, "update _migrations_shelf set success = true, version = 7")?;
            Ok(())
        })).await.unwrap();
        let newer = db.migrate(&[MIGRATIONS]).await.unwrap_err().to_string();
        assert!(newer.starts_with("migration shelf: 7 has run here but this program does not have it"), "{newer}");
    }

    async fn a_migration_that_fails_leaves_nothing(database: Database) {
        const WRONG: MigrationSet = MigrationSet {
            name: "shelf",
            files: &[
                MIGRATIONS.files[0],
                ("0002_wrong.sql", "insert into shelves (id, on_hand) values (3, 7); insert into nowhere values (1)"),
            ],
        };
        let db = open(&database).await;
        assert!(db.migrate(&[WRONG]).await.is_err());
        assert_eq!(shelves(&db).await, 0);
        db.migrate(&[LONGER]).await.unwrap();
        assert_eq!(shelves(&db).await, 1);
    }

    async fn a_closed_database_does_not_answer(database: Database) {
        let db = open(&database).await;
        db.close().await;
        let closed = stock(&db, 1, 7).await;
        assert!(matches!(closed, Err(Error::Unavailable(_))), "{closed:?}");
    }
}

#[tokio::test]
async fn damage_that_a_migration_finds_is_damage() {
    let database = testkit::Database::sqlite();
    let file = database.url().trim_start_matches("sqlite:");
    let options = Options::new(database.url());
    let db = Db::connect(&options).await.unwrap();
    db.migrate(&[MIGRATIONS]).await.unwrap();
    db.close().await;
    let mut bytes = std::fs::read(file).unwrap();
    // All but the page that says what there is.
    bytes[4_096..].fill(0xa5);
    std::fs::write(file, bytes).unwrap();
    let db = Db::connect(&options).await.unwrap();
    let error = db.migrate(&[LONGER]).await.unwrap_err();
    assert!(error.is_damage(), "{error:?}");
    db.close().await;
}
