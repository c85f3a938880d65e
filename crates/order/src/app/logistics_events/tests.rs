//! A batch of bookings takes effect as its bookings do one by one.

use std::sync::Arc;

use db::Db;
use futures::future::join;
use testkit::{Database, on_both};

use super::*;
use crate::domain::Refusal;
use crate::domain::quote::Quote;
use crate::domain::samples::{self, at, consignment_id, order};
use crate::store::quotes;

async fn migrated(database: &Database) -> Db {
    database.migrated(&[rpc::idempotency::MIGRATIONS, crate::SPEC.migrations]).await
}

/// Orders of one to three consignments; some are cancelled.
fn placed() -> Vec<Order> {
    let placed = (0..12).map(|place| {
        let mut confirmed = order(place % 3 + 1).confirm(at(2), at(2)).unwrap();
        confirmed.terms.number = format!("MY-{place}");
        match place % 5 {
            4 => confirmed.cancel(Refusal::new("CHANGED_MIND", ""), at(3)).unwrap(),
            _ => confirmed,
        }
    });
    placed.collect()
}

fn booking(order: &Order, place: usize, tracking_number: &str) -> RecordBooking {
    let consignment_id = consignment_id(order, place);
    RecordBooking { order_id: order.id, consignment_id, tracking_number: tracking_number.to_owned() }
}

/// Of each consignment, in an order that differs from case to case; of some twice.
fn bookings(orders: &[Order], case: usize) -> Vec<RecordBooking> {
    let mut bookings = Vec::new();
    for (number, order) in orders.iter().enumerate() {
        for place in 0..order.terms.consignments.len() {
            bookings.push(booking(order, place, &format!("LX{number}{place}MY")));
            if (number + place + case).is_multiple_of(4) {
                bookings.push(booking(order, place, "another"));
            }
        }
    }
    bookings.sort_by_key(|booking| {
        let what = format!("{case} {}", booking.tracking_number);
        OrderId::derive(booking.consignment_id.uuid(), &what)
    });
    bookings
}

async fn insert(db: &Db, orders: &[Order]) {
    let orders = Arc::new(orders.to_vec());
    let inserted: Result<(), db::Error> = db
        .write(move |tx| {
            let orders = orders.clone();
            Box::pin(async move {
                let quotes: Vec<Quote> = orders.iter().map(samples::quote_of).collect();
                quotes::insert(tx, &quotes.iter().collect::<Vec<_>>()).await?;
                orders::insert(tx, &orders.iter().collect::<Vec<_>>()).await.map(drop)
            })
        })
        .await;
    inserted.unwrap();
}

async fn record(db: &Db, bookings: Arc<Vec<RecordBooking>>) -> Result<(), Error> {
    db.write(move |tx| {
        let bookings = bookings.clone();
        Box::pin(async move { book(&bookings.iter().collect::<Vec<_>>(), at(9), tx).await })
    })
    .await
}

/// All that is stored of orders, with all their versions.
async fn stored(db: &Db) -> Vec<(Uuid, String, i64, bool, DateTime<Utc>, i64, String)> {
    let rows: Result<Vec<_>, db::Error> = db
        .read(|tx| {
            Box::pin(async move {
                db::fetch_all!(
                    tx,
                    (Uuid, String, i64, bool, DateTime<Utc>, i64, String),
                    "select id, state, orders.version, holds_quote, updated_at, order_versions.version, \
                     cast(order_versions.progress as text) || cast(orders.progress as text) \
                     from orders join order_versions on order_id = id order by id, order_versions.version"
                )
            })
        })
        .await;
    rows.unwrap()
}

on_both! {
    async fn a_batch_books_as_its_bookings_do_one_by_one(database: Database) {
        let other = database.another().await;
        let (batched, single) = (migrated(&database).await, migrated(&other).await);
        for case in 0..6 {
            let mut orders = placed();
            for order in &mut orders {
                order.terms.number = format!("{}-{case}", order.terms.number);
            }
            insert(&batched, &orders).await;
            insert(&single, &orders).await;
            let before = batched.statistics().statements;
            record(&batched, Arc::new(bookings(&orders, case))).await.unwrap();
            // Lock, save, versions; and notices of this and of what was inserted, which follow their commits.
            assert!(batched.statistics().statements - before <= 5);
            for booking in bookings(&orders, case) {
                record(&single, Arc::new(vec![booking])).await.unwrap();
            }
            assert_eq!(stored(&batched).await, stored(&single).await, "{case}");
        }
        batched.close().await;
        single.close().await;
        other.remove().await;
    }

    async fn what_cannot_be_booked_changes_nothing_of_the_others(database: Database) {
        let db = migrated(&database).await;
        let orders = placed();
        insert(&db, &orders).await;
        let before = stored(&db).await;
        let [one, other] = [&orders[0], &orders[1]];
        let nobodys = RecordBooking { order_id: OrderId::new(), ..booking(other, 0, "LX2MY") };
        let anothers = RecordBooking { order_id: one.id, ..booking(other, 0, "LX2MY") };
        for (wrong, kind) in [(nobodys, "order"), (anothers, "consignment")] {
            let refused = record(&db, Arc::new(vec![booking(one, 0, "LX1MY"), wrong])).await.unwrap_err();
            assert!(matches!(refused, Error::NotFound { kind: found, .. } if found == kind), "{refused}");
            assert_eq!(stored(&db).await, before);
        }
        db.close().await;
    }

    async fn who_book_of_the_same_orders_in_another_order_do_not_block_each_other(database: Database) {
        let db = migrated(&database).await;
        for case in 0..10 {
            let mut orders: Vec<Order> = (0..30).map(|_| order(2).confirm(at(2), at(2)).unwrap()).collect();
            for (place, order) in orders.iter_mut().enumerate() {
                order.terms.number = format!("MY-{case}-{place}");
            }
            insert(&db, &orders).await;
            let forward: Vec<_> = orders.iter().map(|order| booking(order, 0, "LX1MY")).collect();
            let backward: Vec<_> = orders.iter().rev().map(|order| booking(order, 1, "LX2MY")).collect();
            let (one, another) = join(record(&db, Arc::new(forward)), record(&db, Arc::new(backward))).await;
            assert!(one.is_ok() && another.is_ok());
        }
        let stored = stored(&db).await;
        assert!(stored.iter().all(|(_, _, version, ..)| *version == 4));
        assert_eq!(db.statistics().retries, 0);
        db.close().await;
    }
}
