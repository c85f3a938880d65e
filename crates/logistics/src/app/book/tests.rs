//! A batch of orders is booked as its orders are one by one.

use std::sync::Arc;

use db::{Batches, Db};
use futures::future::join_all;
use kernel::{Clock, ConsignmentId};
use money::{Currency, Money};
use runtime::Sandbox;
use testkit::on_both;
use trade::Transport;

use super::*;
use crate::app::cancel_consignments::CancelConsignments;
use crate::app::serial_blocks::SerialBlocks;
use crate::app::transit_times::TransitTimes;
use crate::domain::booking::Declared;
use crate::domain::shipment::tests::shipment;

fn app() -> Arc<App> {
    let (file, text) = hub::builtin("my").unwrap();
    Arc::new(App {
        clock: Clock::fixed(DateTime::from_timestamp(1_790_000_000, 123_456_000).unwrap()),
        outbox: ::events::Outbox,
        hub: Arc::new(hub::Profile::parse(file, text).unwrap()),
        rates: Arc::new(hub::reference_rates(None).unwrap()),
        sandbox: Sandbox { enabled: true, ..Sandbox::default() },
        passages: TransitTimes::new(),
        serials: SerialBlocks::default(),
    })
}

async fn migrated(database: &testkit::Database) -> Db {
    database.migrated(&[::events::MIGRATIONS, crate::SPEC.migrations]).await
}

/// What ids are derived from.
fn root(seed: u64, place: usize) -> Uuid {
    Uuid::from_u64_pair(seed, u64::try_from(place).unwrap())
}

/// A number below `below` that differs from case to case and is the same in each run.
fn draw(seed: u64, place: usize, what: &str, below: u8) -> u8 {
    OrderId::derive(root(seed, place), what).uuid().as_bytes()[15] % below
}

fn consignment(seed: u64, place: usize, number: u8) -> Consignment {
    let what = format!("consignment {number}");
    let myr = |minor| Money::new(minor, Currency::MYR).unwrap();
    Consignment {
        id: ConsignmentId::derive(root(seed, place), &what),
        seller_id: format!("seller {number}"),
        seller_name: "Baan \"Silk\" \u{1} ผ้าไหม".to_owned(),
        from: ["TH", "CN", "MY"][usize::from(draw(seed, place, &what, 3))].parse().unwrap(),
        carrier: ["selat", "monsoon"][usize::from(draw(seed, place, &what, 2))].to_owned(),
        service: "packet".to_owned(),
        transport: Transport::Post,
        chargeable_grams: 250,
        days_min: 4,
        declared: Declared {
            customs_value: Some(myr(13_400)),
            duty: None,
            import_tax: myr(100),
            seller_collected_tax: myr(1_200),
            fees: None,
            items: Vec::new(),
            rules: Vec::new(),
        },
    }
}

fn order(seed: u64, place: usize) -> BookOrder {
    let like = shipment(ShipmentState::Booked, true);
    BookOrder {
        order_id: OrderId::derive(root(seed, place), "order"),
        order_number: format!("MY-{seed}-{place}"),
        buyer: like.buyer,
        address: like.address,
        consignments: (0..=draw(seed, place, "count", 3))
            .map(|number| consignment(seed, place, number))
            .collect(),
    }
}

const ORDERS: usize = 40;

/// Whose goods nobody carries.
fn is_broken(seed: u64, place: usize) -> bool {
    seed % 2 == 1 && place == 17
}

/// What is asked for: each order, and some of them twice.
fn asked(seed: u64) -> Vec<BookOrder> {
    let orders = (0..ORDERS).map(|place| {
        let mut order = order(seed, place);
        if is_broken(seed, place) {
            order
                .consignments
                .push(Consignment { carrier: "nobody".to_owned(), ..consignment(seed, place, 9) });
        }
        order
    });
    let twice = (0..ORDERS).filter(|place| draw(seed, *place, "twice", 4) == 0 && !is_broken(seed, *place));
    orders.chain(twice.map(|place| order(seed, place))).collect()
}

/// Some orders were cancelled or booked before.
async fn prepare(seed: u64, app: &Arc<App>, db: &Db) {
    for place in 0..ORDERS {
        let order = order(seed, place);
        match draw(seed, place, "before", 6) {
            _ if is_broken(seed, place) => {}
            0 => drop(db.run(app, CancelConsignments { order_id: order.order_id }).await.unwrap()),
            1 => db.run(app, order).await.unwrap(),
            _ => {}
        }
    }
}

#[derive(sqlx::FromRow, Debug, PartialEq)]
struct Booked {
    order_id: Uuid,
    decided: String,
    consignment_id: Option<Uuid>,
    order_number: Option<String>,
    seller_id: Option<String>,
    sender: Option<String>,
    carrier: Option<String>,
    from_country: Option<String>,
    address: Option<String>,
    state: Option<String>,
    version: Option<i64>,
    next_step_at: Option<DateTime<Utc>>,
    created_at: Option<DateTime<Utc>>,
    declaration: Option<String>,
    declared: Option<String>,
    document: Option<Vec<u8>>,
    events: i64,
}

/// All that is stored, but for what is drawn anew for each: numbers and ids.
async fn stored(db: &Db) -> Vec<Booked> {
    let rows: Result<Vec<Booked>, db::Error> = db
        .read(|tx| {
            Box::pin(async move {
                db::fetch_all!(
                    tx,
                    Booked,
                    "select orders.order_id, orders.state as decided, consignment_id, order_number, seller_id, sender, \
                     carrier, from_country, cast(address as text) as address, shipments.state, version, \
                     next_step_at, created_at, declarations.state as declaration, \
                     cast(declared as text) as declared, document, \
                     (select count(*) from outbox where aggregate_id = shipments.shipment_id) as events \
                     from orders left join shipments on shipments.order_id = orders.order_id \
                     left join declarations on declarations.shipment_id = shipments.shipment_id \
                     order by orders.order_id, consignment_id"
                )
            })
        })
        .await;
    rows.unwrap()
}

async fn numbers(db: &Db) -> Vec<String> {
    let rows: Result<Vec<(String,)>, db::Error> = db
        .read(|tx| {
            Box::pin(async move {
                db::fetch_all!(
                    tx,
                    (String,),
                    "select substr(tracking_number, 1, 10) from shipments order by 1"
                )
            })
        })
        .await;
    rows.unwrap().into_iter().map(|(number,)| number).collect()
}

fn said(outcome: Result<(), Error>) -> String {
    outcome.map_or_else(|error| error.to_string(), |()| "booked".to_owned())
}

on_both! {
    async fn a_batch_books_as_its_orders_do_one_by_one(database: Database) {
        let other = database.another().await;
        let (batched, single) = (migrated(&database).await, migrated(&other).await);
        let (app, alone) = (app(), app());
        let batches = Batches::new(&batched);
        for seed in 0..6 {
            prepare(seed, &app, &batched).await;
            prepare(seed, &alone, &single).await;
            let before = (batched.statistics().statements, single.statistics().statements);
            let together = join_all(asked(seed).into_iter().map(|order| batches.run(&app, order))).await;
            let mut one_by_one = Vec::new();
            for order in asked(seed) {
                one_by_one.push(said(single.run(&alone, order).await));
            }
            assert_eq!(together.into_iter().map(said).collect::<Vec<_>>(), one_by_one, "{seed}");
            let needed = batched.statistics().statements - before.0;
            let needed_alone = single.statistics().statements - before.1;
            assert!(needed * 2 < needed_alone, "{needed} statements for {needed_alone}");
        }
        assert_eq!(stored(&batched).await, stored(&single).await);
        let mut given = numbers(&batched).await;
        let count = given.len();
        given.dedup();
        assert_eq!(given.len(), count);
        batched.close().await;
        single.close().await;
        other.remove().await;
    }

    async fn a_batch_that_fails_and_is_tried_by_halves_uses_no_more_serials_than_it_books(database: Database) {
        let (db, app) = (migrated(&database).await, app());
        let blocks = [("monsoon", 1_000..1_200), ("selat", 5_000..5_200)];
        let keep = blocks.clone().map(|(carrier, block)| (carrier.to_owned(), Some(block)));
        app.serials.keep(keep.into());
        let batches = Batches::new(&db);
        let outcomes = join_all(asked(1).into_iter().map(|order| batches.run(&app, order))).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_err()).count(), 1);
        // Behind the two letters of the indicator.
        let mut serials: Vec<u32> =
            numbers(&db).await.iter().map(|number| number[2..].parse().unwrap()).collect();
        let used = serials.len();
        for (carrier, _) in &blocks {
            serials.extend(app.serials.take(carrier, usize::MAX).serials());
        }
        assert!(used > ORDERS, "{used}");
        serials.sort_unstable();
        assert_eq!(serials, blocks.into_iter().flat_map(|(_, block)| block).collect::<Vec<u32>>());
        db.close().await;
    }

    async fn who_book_the_same_orders_in_another_order_do_not_block_each_other(database: Database) {
        let (db, app) = (migrated(&database).await, app());
        let instances = [Batches::new(&db), Batches::new(&db)];
        for seed in 0..10 {
            let forward = (0..ORDERS).map(|place| instances[0].run(&app, order(seed, place)));
            let backward = (0..ORDERS).rev().map(|place| instances[1].run(&app, order(seed, place)));
            let (one, other) = tokio::join!(join_all(forward), join_all(backward));
            assert!(one.into_iter().chain(other).all(|outcome| outcome.is_ok()));
        }
        assert_eq!(db.statistics().retries, 0);
        db.close().await;
    }
}
