//! Commands that are run together end as they do one by one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::DateTime;
use db::{Batched, Batches, Command, Db, Engine, Entry, Outcome, Tx};
use events::Envelope;
use futures::future::{join, join_all};
use kernel::{Clock, OrderId, ReservationId, VariantId};
use money::{Currency, Money};
use proto::order::events::v1::OrderConfirmed;
use testkit::on_both;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::app::dispatch::{Dispatch, DispatchOutcome};
use crate::app::release_reservation::ReleaseReservation;
use crate::app::reserve::{LineToReserve, Reserve};
use crate::app::{App, Error};
use crate::domain::allowance::Allowance;
use crate::domain::reservation::ReservationState;

fn app() -> Arc<App> {
    let (file, text) = hub::builtin("my").unwrap();
    Arc::new(App {
        clock: Clock::fixed(DateTime::from_timestamp(1_790_000_000, 123_456_000).unwrap()),
        outbox: ::events::Outbox,
        hub: Arc::new(hub::Profile::parse(file, text).unwrap()),
        rates: Arc::default(),
        allowance: Allowance {
            products_max: 10,
            text_characters_max: 1_000,
            unverified_products_max: 10,
            unverified_text_characters_max: 1_000,
        },
    })
}

async fn migrated(database: &testkit::Database) -> Db {
    database.migrated(&[::events::MIGRATIONS, crate::SPEC.migrations]).await
}

/// A number below `below` that differs from case to case and is the same in each run.
fn draw(seed: u64, place: usize, what: &str, below: u8) -> u8 {
    OrderId::derive(Uuid::from_u64_pair(seed, u64::try_from(place).unwrap()), what).uuid().as_bytes()[15]
        % below
}

fn id(number: u8) -> Uuid {
    Uuid::from_u128(0x7000_8000_0000_0000_0000 + u128::from(number))
}

/// By product, shelf, units of the shelf, and whether it is offered. The second product may not be sold here.
const VARIANTS: [(u8, u8, i64, bool); 7] = [
    (0, 0, 1, true),
    (0, 1, 1, true),
    (0, 2, 1, true),
    (0, 3, 1, true),
    (0, 0, 2, true),
    (0, 1, 1, false),
    (1, 2, 1, true),
];

/// The goods of one seller, anew: so many units on each of four shelves.
async fn stock(db: &Db, on_hand: [i64; 4]) {
    let stocked: Result<(), db::Error> = db
        .write(move |tx| {
            Box::pin(async move {
                for clear in [
                    "delete from inbox",
                    "delete from parked_events",
                    "delete from outbox",
                    "delete from movements",
                    "delete from reservations",
                    "delete from variants",
                    "delete from products",
                    "delete from stock_items",
                    "delete from locations",
                    "delete from sellers",
                ] {
                    db::execute!(tx, clear)?;
                }
                let at = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
                db::execute!(
                    tx,
                    "insert into sellers (seller_id, display_name, country, registration_number, tax_registered, \
                     payout_currency, state, created_at) values ($1, 'Silk', 'TH', '1', true, 'THB', 'verified', $2)",
                    id(0),
                    at,
                )?;
                db::execute!(
                    tx,
                    "insert into locations (location_id, seller_id, name, country, postcode) \
                     values ($1, $1, 'Warehouse', 'TH', '50200')",
                    id(0),
                )?;
                for (shelf, units) in (0..).zip(on_hand) {
                    let sql = "insert into stock_items (stock_item_id, seller_id, location_id, sku, on_hand) \
                         values ($1, $2, $2, 'shelf', $3)";
                    db::execute!(tx, sql, id(shelf), id(0), units)?;
                }
                for (product, category) in (0..).zip(["scarves", "tobacco"]) {
                    let sql = tx.sql(
                        "insert into products (product_id, seller_id, category, translations, created_at, updated_at) \
                         values ($1, $2, $3, '[]'::jsonb, $4, $4)",
                        "insert into products (product_id, seller_id, category, translations, created_at, updated_at) \
                         values ($1, $2, $3, '[]', $4, $4)",
                    );
                    db::execute!(tx, sql, id(product), id(0), category, at)?;
                }
                for (variant, (product, shelf, units, is_offered)) in (0..).zip(VARIANTS) {
                    db::execute!(
                        tx,
                        "insert into variants (variant_id, product_id, seller_id, sku, name, price_minor, currency, \
                         hs_code, origin, weight_grams, length_mm, width_mm, height_mm, stock_item_id, stock_units, \
                         preference, offered) \
                         values ($1, $2, $3, $4, 'Blue', 100, 'THB', '621410', 'TH', 1, 1, 1, 1, $5, $6, '', $7)",
                        id(variant),
                        id(product),
                        id(0),
                        format!("A-{variant}"),
                        id(shelf),
                        units,
                        is_offered,
                    )?;
                }
                Ok(())
            })
        })
        .await;
    stocked.unwrap();
}

/// All that is stored, but for ids that are drawn anew for each.
async fn stored(db: &Db) -> Vec<String> {
    let rows: Result<Vec<String>, db::Error> = db
        .read(|tx| {
            Box::pin(async move {
                let shelves = db::fetch_all!(
                    tx,
                    (Uuid, i64, i64),
                    "select stock_item_id, on_hand, reserved from stock_items order by stock_item_id"
                )?;
                let reservations = db::fetch_all!(
                    tx,
                    (Uuid, Uuid, String, i64, String, DateTime<chrono::Utc>),
                    "select reservation_id, order_id, state, version, cast(lines as text), created_at \
                     from reservations order by reservation_id"
                )?;
                let movements = db::fetch_all!(
                    tx,
                    (Uuid, Uuid, i64, String, DateTime<chrono::Utc>),
                    "select reservation_id, stock_item_id, delta, reason, created_at from movements \
                     order by reservation_id, stock_item_id, delta"
                )?;
                let events = db::fetch_all!(
                    tx,
                    (Uuid, i64, String, Vec<u8>, DateTime<chrono::Utc>),
                    "select aggregate_id, aggregate_version, kind, payload, occurred_at from outbox \
                     order by aggregate_id, aggregate_version"
                )?;
                let mut rows: Vec<String> = shelves.iter().map(|row| format!("{row:?}")).collect();
                rows.extend(reservations.iter().map(|row| format!("{row:?}")));
                rows.extend(movements.iter().map(|row| format!("{row:?}")));
                rows.extend(events.iter().map(|row| format!("{row:?}")));
                Ok(rows)
            })
        })
        .await;
    rows.unwrap()
}

/// A command, or one that waits so that those after it gather.
enum Step<C> {
    Waits { key: Uuid, begun: Arc<Semaphore>, go: Arc<Semaphore> },
    Runs { command: C, largest: Arc<AtomicUsize> },
}

impl<C: Batched<App>> Command<App> for Step<C> {
    type Output = Option<C::Output>;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Self::Output, Error> {
        match self {
            Self::Waits { begun, go, .. } => {
                begun.add_permits(1);
                go.acquire().await.unwrap().forget();
                Ok(None)
            }
            Self::Runs { command, .. } => command.run(app, tx).await.map(Some),
        }
    }
}

impl<C: Batched<App>> Batched<App> for Step<C> {
    fn key(&self) -> Uuid {
        match self {
            Self::Waits { key, .. } => *key,
            Self::Runs { command, .. } => command.key(),
        }
    }

    async fn run_all(
        batch: &[Entry<'_, Self>],
        app: &App,
        tx: &mut Tx,
    ) -> Result<Vec<Outcome<App, Self>>, Error> {
        let of = |entry: &Entry<'_, Self>| match entry.command() {
            Self::Waits { .. } => panic!("who waits is alone"),
            Self::Runs { largest, .. } => drop(largest.fetch_max(batch.len(), Ordering::SeqCst)),
        };
        batch.iter().for_each(of);
        let entries: Vec<Entry<'_, C>> = batch
            .iter()
            .filter_map(|entry| match entry.command() {
                Self::Waits { .. } => None,
                Self::Runs { command, .. } => Some(entry.with(command)),
            })
            .collect();
        Ok(C::run_all(&entries, app, tx).await?.into_iter().map(|outcome| outcome.map(Some)).collect())
    }
}

/// Runs them in one batch, since others are under way when they are given.
async fn together<C: Batched<App>>(db: &Db, app: &Arc<App>, commands: Vec<C>) -> Vec<Outcome<App, C>> {
    let batches: Batches<App, Step<C>> = Batches::new(db);
    let (begun, go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let largest = Arc::new(AtomicUsize::new(0));
    let at_once: u32 = match db.engine() {
        Engine::Sqlite => 1,
        Engine::Postgres => 2,
    };
    // One after the other, since two would begin together.
    let mut waiting = Vec::new();
    for number in 0..at_once {
        let key = Uuid::from_u128(u128::from(number));
        let step = Step::Waits { key, begun: begun.clone(), go: go.clone() };
        let mut running = Box::pin(batches.run(app, step));
        assert!(futures::poll!(&mut running).is_pending());
        begun.acquire().await.unwrap().forget();
        waiting.push(running);
    }
    let count = commands.len();
    let gathering = async {
        let given = commands.into_iter().map(|command| Step::Runs { command, largest: largest.clone() });
        let given = join_all(given.map(|step| batches.run(app, step)));
        tokio::pin!(given);
        // All have been given once it was polled.
        assert!(futures::poll!(&mut given).is_pending());
        go.add_permits(2);
        given.await
    };
    let (_, outcomes) = join(join_all(waiting), gathering).await;
    assert_eq!(largest.load(Ordering::SeqCst), count);
    outcomes.into_iter().map(|outcome| outcome.map(Option::unwrap)).collect()
}

async fn one_by_one<C: Batched<App>>(db: &Db, app: &Arc<App>, commands: Vec<C>) -> Vec<Outcome<App, C>> {
    let mut outcomes = Vec::new();
    for command in commands {
        outcomes.push(db.run(app, command).await);
    }
    outcomes
}

fn described<T: std::fmt::Debug>(outcomes: &[Result<T, Error>]) -> Vec<String> {
    outcomes.iter().map(|outcome| format!("{outcome:?}")).collect()
}

fn reservation(seed: u64, place: usize) -> (ReservationId, OrderId) {
    let space = Uuid::from_u64_pair(seed, u64::try_from(place).unwrap());
    (ReservationId::derive(space, "reservation"), OrderId::derive(space, "order"))
}

fn line(variant: u8, quantity: i64, minor: i64) -> LineToReserve {
    LineToReserve {
        variant_id: VariantId::from(id(variant)),
        quantity,
        unit_price: Money::new(minor, Currency::THB).unwrap(),
        quoted: None,
    }
}

fn reserve(seed: u64, place: usize) -> Reserve {
    let (reservation_id, order_id) = reservation(seed, place);
    let wanted = (0..=draw(seed, place, "lines", 3))
        .map(|number| {
            let what = format!("line {number}");
            let variant = match draw(seed, place, &what, 40) {
                often @ 0..30 => often % 5,
                // What is not offered, may not be sold, or is not there.
                rare => 5 + rare % 3,
            };
            let minor = if draw(seed, place, &format!("price {number}"), 20) == 0 { 99 } else { 100 };
            line(variant, 1 + i64::from(draw(seed, place, &format!("quantity {number}"), 3)), minor)
        })
        .collect();
    Reserve { reservation_id, order_id, wanted, tenant: String::new() }
}

/// One unit of a variant.
fn unit(seed: u64, place: usize, variant: u8) -> Reserve {
    Reserve { wanted: vec![line(variant, 1, 100)], ..reserve(seed, place) }
}

const COMMANDS: usize = 30;
/// Of these, some were given before.
const GIVEN: usize = 8;

async fn give(seed: u64, app: &Arc<App>, db: &Db) {
    stock(db, [0, 1, 2, 3].map(|shelf| 4 + i64::from(draw(seed, shelf, "units", 24)))).await;
    for place in 0..GIVEN {
        let (reservation_id, order_id) = reservation(seed, place);
        let before = draw(seed, place, "before", 4);
        if before > 0 {
            // It may be refused.
            drop(db.run(app, reserve(seed, place)).await);
        }
        match before {
            2 => drop(db.run(app, ReleaseReservation { reservation_id, order_id }).await.unwrap()),
            3 => drop(db.run(app, Dispatch { reservation_id, order_id }).await.unwrap()),
            _ => {}
        }
    }
}

fn reserves(seed: u64) -> Vec<Reserve> {
    let again = |place: usize| match draw(seed, place, "again", 4) {
        0 => Reserve { order_id: reservation(seed, 99).1, ..reserve(seed, place) },
        1 => Reserve { wanted: reserve(seed, 99).wanted, ..reserve(seed, place) },
        _ => reserve(seed, place),
    };
    // Those that were given before come first, last and between.
    (0..COMMANDS).map(|place| again((place * 7) % COMMANDS)).collect()
}

/// For what is held, ended or not there; with `wrong`, one is for another order.
fn dispatches(seed: u64, wrong: bool) -> Vec<Dispatch> {
    let dispatch = |place| {
        let (reservation_id, order_id) = reservation(seed, place);
        let is_wrong = wrong && place == 11;
        Dispatch { reservation_id, order_id: if is_wrong { reservation(seed, 99).1 } else { order_id } }
    };
    (0..COMMANDS + 4).rev().map(dispatch).collect()
}

/// Takes units of shelves, says so, and waits before its commit.
struct Takes {
    units: [(Uuid, i64); 2],
    begun: Arc<Semaphore>,
    go: Arc<Semaphore>,
}

impl Command<App> for Takes {
    type Output = ();

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<(), Error> {
        for (shelf, units) in self.units {
            let sql = "update stock_items set reserved = reserved + $2 where stock_item_id = $1";
            db::execute!(tx, sql, shelf, units)?;
        }
        self.begun.add_permits(1);
        self.go.acquire().await.unwrap().forget();
        Ok(())
    }
}

/// How many of PostgreSQL's sessions of this database wait for a lock.
async fn waiting_for_locks(db: &Db) -> i64 {
    let count: Result<(i64,), db::Error> = db
        .read(|tx| {
            Box::pin(async move {
                db::fetch_one!(
                    tx,
                    (i64,),
                    "select count(*) from pg_stat_activity where datname = current_database() \
                     and wait_event_type = 'Lock'"
                )
            })
        })
        .await;
    count.unwrap().0
}

/// PostgreSQL looks for deadlocks after 10 ms, in connections that are made from now on.
async fn ends_deadlocks_at_once(db: &Db) {
    let set: Result<(), db::Error> = db
        .write(|tx| {
            Box::pin(async move {
                let sql = "do $$ begin execute format( \
                     'alter database %I set deadlock_timeout = ''10ms''', current_database()); end $$";
                db::execute!(tx, sql)?;
                Ok(())
            })
        })
        .await;
    set.unwrap();
}

on_both! {
    async fn reservations_are_held_and_refused_as_they_are_one_by_one(database: Database) {
        let (app, db) = (app(), migrated(&database).await);
        let mut all = Vec::new();
        for seed in 0..16 {
            give(seed, &app, &db).await;
            let alone = described(&one_by_one(&db, &app, reserves(seed)).await);
            let expected = stored(&db).await;
            give(seed, &app, &db).await;
            let outcomes = described(&together(&db, &app, reserves(seed)).await);
            assert_eq!((outcomes.as_slice(), stored(&db).await), (alone.as_slice(), expected), "{seed}");
            all.extend(outcomes);
        }
        for word in [
            "Held", "Dispatched", "OUT_OF_STOCK", "QUOTE_STALE", "PRODUCT_WITHDRAWN", "GOODS_PROHIBITED", "NotFound",
            "RESERVATION_EXISTS", "RESERVATION_RELEASED",
        ] {
            assert!(all.iter().any(|outcome| outcome.contains(word)), "{word}");
        }
    }

    async fn units_of_one_that_is_held_already_are_refused_to_nobody(database: Database) {
        let (app, db) = (app(), migrated(&database).await);
        stock(&db, [3, 0, 0, 0]).await;
        let held = db.run(&app, unit(1, 0, 0)).await;
        assert_eq!(held.unwrap(), ReservationState::Held);
        let outcomes = together(&db, &app, (0..3).map(|place| unit(1, place, 0)).collect()).await;
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(ReservationState::Held))), "{outcomes:?}");
    }

    async fn batches_of_two_processes_give_out_what_there_is_and_no_more(database: Database) {
        let (app, db) = (app(), migrated(&database).await);
        stock(&db, [90, 90, 40, 90]).await;
        let processes: [Batches<App, Reserve>; 2] = [Batches::new(&db), Batches::new(&db)];
        let wants = |place: usize| {
            let mut wanted = vec![line(2, 1, 100), line(u8::from(place.is_multiple_of(2)), 1, 100)];
            if place.is_multiple_of(3) {
                wanted.reverse();
            }
            Reserve { wanted, ..reserve(3, place) }
        };
        // Some run alone beside them.
        let reserving = (0..160).map(async |place| match processes.get(place % 4) {
            Some(batches) => batches.run(&app, wants(place)).await,
            None => db.run(&app, wants(place)).await,
        });
        // Some are given back meanwhile, or before they are asked for.
        let releasing = (0..160).step_by(9).map(|place| {
            let (reservation_id, order_id) = reservation(3, place);
            db.run(&app, ReleaseReservation { reservation_id, order_id })
        });
        let (outcomes, _) = join(join_all(reserving), join_all(releasing)).await;
        for outcome in &outcomes {
            let refused = described(std::slice::from_ref(outcome));
            let known = ["Held", "OUT_OF_STOCK", "RESERVATION_RELEASED"];
            assert!(known.iter().any(|word| refused[0].contains(word)), "{refused:?}");
        }
        // Who was refused for want of what was given back later may try again.
        let again = join_all((160..240).map(|place| processes[place % 2].run(&app, wants(place)))).await;
        drop(again);
        let rows = stored(&db).await;
        let held = rows.iter().filter(|row| row.contains("\"held\"")).count();
        assert_eq!(held, 40);
        assert_eq!(rows[2], format!("{:?}", (id(2), 40, 40)));
    }

    async fn who_comes_second_to_a_shelf_gets_what_is_left_of_it(database: Database) {
        let (app, db) = (app(), migrated(&database).await);
        // SQLite has one writer: nobody comes between.
        if db.engine() == Engine::Sqlite {
            return;
        }
        stock(&db, [3, 9, 4, 0]).await;
        let (begun, go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let first = Takes { units: [(id(0), 2), (id(2), 2)], begun: begun.clone(), go: go.clone() };
        let first = db.run(&app, first);
        let several = |place, wanted: &[(u8, i64)]| Reserve {
            wanted: wanted.iter().map(|(variant, quantity)| line(*variant, *quantity, 100)).collect(),
            ..reserve(11, place)
        };
        let second = async {
            begun.acquire().await.unwrap().forget();
            let commands = vec![
                several(0, &[(1, 1)]),
                several(1, &[(1, 1), (0, 1)]),
                several(2, &[(0, 1)]),
                several(3, &[(0, 1), (1, 7)]),
                several(4, &[(2, 1)]),
                // Is refused by what was read already.
                several(5, &[(2, 5)]),
            ];
            let outcomes = together(&db, &app, commands);
            let going = async {
                testkit::eventually("the second waits for the first", || async {
                    (waiting_for_locks(&db).await > 0).then_some(())
                })
                .await;
                go.add_permits(1);
            };
            join(outcomes, going).await.0
        };
        let (first, outcomes) = join(first, second).await;
        first.unwrap();
        let outcomes = described(&outcomes);
        for (outcome, expected) in
            outcomes.iter().zip(["Held", "Held", "OUT_OF_STOCK", "OUT_OF_STOCK", "Held", "OUT_OF_STOCK"])
        {
            assert!(outcome.contains(expected), "{outcomes:?}");
        }
        let rows = stored(&db).await;
        let shelves = [(id(0), 3, 3), (id(1), 9, 2), (id(2), 4, 3)].map(|shelf| format!("{shelf:?}"));
        assert_eq!(rows[..3], shelves);
        assert_eq!(rows.iter().filter(|row| row.contains("\"held\"")).count(), 3);
        assert_eq!(db.statistics().retries, 0);
    }

    async fn two_processes_that_want_the_same_shelves_neither_block_nor_repeat_each_other(database: Database) {
        let (app, db) = (app(), migrated(&database).await);
        let other = match db.engine() {
            Engine::Sqlite => db.clone(),
            Engine::Postgres => {
                ends_deadlocks_at_once(&db).await;
                database.connect().await
            }
        };
        stock(&db, [60, 60, 60, 0]).await;
        let processes = [&db, &other].map(Batches::<App, Reserve>::new);
        // Two of three shelves, one after the other and the other way round: each is asked for more than there is.
        let wants = |place: usize| {
            let shelf = u8::try_from(place % 3).unwrap();
            let mut wanted = vec![line(shelf, 1, 100), line((shelf + 1) % 3, 1, 100)];
            if place.is_multiple_of(2) {
                wanted.reverse();
            }
            Reserve { wanted, ..reserve(13, place) }
        };
        let reserving = (0..240).map(|place| processes[place / 3 % 2].run(&app, wants(place)));
        let outcomes = described(&join_all(reserving).await);
        assert!(outcomes.iter().all(|outcome| ["Held", "OUT_OF_STOCK"].iter().any(|word| outcome.contains(word))));
        // Two of each pair of shelves have nothing left: nobody was refused while there was something.
        let rows = stored(&db).await;
        let held = outcomes.iter().filter(|outcome| outcome.contains("Held")).count();
        assert!(rows[..3].iter().filter(|row| !row.ends_with(" 60, 60)")).count() <= 1, "{rows:?}");
        assert_eq!(rows.iter().filter(|row| row.contains("\"held\"")).count(), held);
        assert_eq!((db.statistics().retries, other.statistics().retries), (0, 0));
    }

    async fn orders_are_dispatched_as_they_are_one_by_one(database: Database) {
        let (app, db) = (app(), migrated(&database).await);
        let mut all = Vec::new();
        for seed in 0..8 {
            let wrong = seed % 2 == 1;
            give(seed, &app, &db).await;
            one_by_one(&db, &app, reserves(seed)).await;
            let alone = described(&one_by_one(&db, &app, dispatches(seed, wrong)).await);
            let expected = stored(&db).await;
            give(seed, &app, &db).await;
            one_by_one(&db, &app, reserves(seed)).await;
            let outcomes = described(&together(&db, &app, dispatches(seed, wrong)).await);
            assert_eq!((outcomes.as_slice(), stored(&db).await), (alone.as_slice(), expected), "{seed}");
            all.extend(outcomes);
        }
        for word in ["Done", "Already", "Never", "RESERVATION_EXISTS"] {
            assert!(all.iter().any(|outcome| outcome.contains(word)), "{word}");
        }
    }

    async fn confirmations_that_come_together_each_take_effect_once_and_a_wrong_one_is_parked(database: Database) {
        let (app, db) = (app(), migrated(&database).await);
        stock(&db, [90, 0, 0, 0]).await;
        for place in 0..20 {
            assert_eq!(db.run(&app, unit(5, place, 0)).await.unwrap(), ReservationState::Held);
        }
        // The last holds nothing.
        let confirmed = |place: usize| {
            let (reservation_id, order_id) = reservation(5, place);
            let message = OrderConfirmed {
                order_id: order_id.to_string(),
                reservation_id: reservation_id.to_string(),
                ..OrderConfirmed::default()
            };
            Envelope::of(order_id, 1, app.clock.now(), &message)
        };
        let events: Vec<Envelope> = (0..21).map(confirmed).collect();
        for consumer in crate::consumers::consumers(&app) {
            let stop = tokio_util::sync::CancellationToken::new();
            let subscription = events::Subscription::new("my", consumer, db.clone(), app.clock.clone(), stop);
            for _ in 0..2 {
                assert!(subscription.deliver_at_once(&events).await);
            }
            let taken = subscription.taken();
            assert_eq!((taken.handled, taken.duplicate), (20, 20), "{taken:?}");
        }
        let rows = stored(&db).await;
        assert_eq!(rows[0], format!("{:?}", (id(0), 70, 0)));
        assert_eq!(rows.iter().filter(|row| row.contains("\"dispatched\", 2, ")).count(), 20);
        assert_eq!(rows.iter().filter(|row| row.contains("catalog.stock_dispatched.v1")).count(), 20);
    }

    async fn an_id_that_is_asked_for_twice_is_dispatched_once(database: Database) {
        let (app, db) = (app(), migrated(&database).await);
        stock(&db, [9, 0, 0, 0]).await;
        let (reservation_id, order_id) = reservation(7, 0);
        assert_eq!(db.run(&app, unit(7, 0, 0)).await.unwrap(), ReservationState::Held);
        let batches: Batches<App, Dispatch> = Batches::new(&db);
        let twice = (0..6).map(|_| batches.run(&app, Dispatch { reservation_id, order_id }));
        let outcomes: Vec<DispatchOutcome> = join_all(twice).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == DispatchOutcome::Done).count(), 1);
        assert_eq!(stored(&db).await[0], format!("{:?}", (id(0), 8, 0)));
    }
}
