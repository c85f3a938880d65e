//! Values come back as they went in, and texts sort alike.

use chrono::{DateTime, Duration, Utc};
use db::sqlx;
use db::sqlx::types::Json;
use db::{Db, MigrationSet};
use kernel::EventId;
use testkit::{Database, on_both};
use uuid::Uuid;

use crate::shelf::{read, write};

const MIGRATIONS: MigrationSet = MigrationSet {
    name: "things",
    files: &[(
        "0001_things.sql",
        "create table things (id UUID primary key, flag BOOLEAN not null, at TIMESTAMPTZ not null, \
         bytes BYTEA not null, body JSONB not null, name TEXT not null, size BIGINT not null, note TEXT)",
    )],
};

#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
struct Thing {
    id: Uuid,
    flag: bool,
    at: DateTime<Utc>,
    bytes: Vec<u8>,
    body: Json<serde_json::Value>,
    name: String,
    size: i64,
    note: Option<String>,
}

fn thing(name: &str, at: DateTime<Utc>) -> Thing {
    Thing {
        id: EventId::new().uuid(),
        flag: true,
        at,
        bytes: vec![0, 255, 7],
        body: Json(serde_json::json!({ "colour": "red", "sizes": [1, 2] })),
        name: name.to_owned(),
        size: i64::MAX,
        note: None,
    }
}

async fn open(database: &Database) -> Db {
    database.migrated(&[MIGRATIONS]).await
}

async fn keep(db: &Db, thing: Thing) {
    write(db, move |tx| {
        let thing = thing.clone();
        Box::pin(async move {
            db::execute!(
                tx,
                "insert into things (id, flag, at, bytes, body, name, size, note) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8)",
                thing.id,
                thing.flag,
                thing.at,
                thing.bytes,
                thing.body,
                thing.name,
                thing.size,
                thing.note,
            )
        })
    })
    .await
    .unwrap();
}

/// All of them in the order of `sql`.
async fn kept(db: &Db, sql: &'static str) -> Vec<Thing> {
    read(db, move |tx| Box::pin(async move { db::fetch_all!(tx, Thing, sql) })).await.unwrap()
}

fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_750_000_000, 0).unwrap()
}

on_both! {
    async fn values_come_back_as_they_went_in(database: Database) {
        let db = open(&database).await;
        let other = Thing { flag: false, size: i64::MIN, note: Some("ข้าว 'n \"rice\"".to_owned()), ..thing("b", noon()) };
        let things = [thing("a", noon()), other];
        for thing in things.clone() {
            keep(&db, thing).await;
        }
        assert_eq!(kept(&db, "select * from things order by name").await, things);
        assert_eq!(kept(&db, "select * from things where flag = true").await, things[..1]);
        let red = "select * from things where body ->> 'colour' = 'red' and note is not null";
        assert_eq!(kept(&db, red).await, things[1..]);
    }

    async fn times_keep_their_microseconds_and_their_order(database: Database) {
        let db = open(&database).await;
        let steps = [-1_000_000, 0, 1, 10, 100_000, 999_999, 1_000_000];
        for step in steps {
            keep(&db, thing("t", noon() + Duration::microseconds(step))).await;
        }
        let order = kept(&db, "select * from things order by at").await;
        let found: Vec<i64> =
            order.iter().map(|thing| (thing.at - noon()).num_microseconds().unwrap()).collect();
        assert_eq!(found, steps);
        let since = read(&db, |tx| {
            Box::pin(async move {
                db::fetch_one!(tx, (i64,), "select count(*) from things where at >= $1 and at < $2",
                    noon() + Duration::microseconds(1), noon() + Duration::microseconds(999_999))
            })
        });
        assert_eq!(since.await.unwrap(), (3,));
    }

    async fn texts_sort_by_their_bytes(database: Database) {
        let db = open(&database).await;
        let sorted = ["", " z", "A-1", "A1", "B", "_", "a", "a b", "ab", "z", "é", "ก"];
        for name in sorted.iter().rev() {
            keep(&db, thing(name, noon())).await;
        }
        let found = kept(&db, "select * from things order by name").await;
        assert_eq!(found.iter().map(|thing| thing.name.as_str()).collect::<Vec<_>>(), sorted);
        let after = read(&db, |tx| {
            Box::pin(async move { db::fetch_one!(tx, (i64,), "select count(*) from things where name > $1", "_") })
        });
        assert_eq!(after.await.unwrap(), (6,));
    }
}
