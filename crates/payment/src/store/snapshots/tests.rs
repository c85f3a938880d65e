//! Balances are the plain sums of movements, whenever snapshots are taken, and by whom.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use db::{Db, Engine, Tx};
use futures::future::{join, join_all};
use kernel::{Clock, OrderId, TransferId};
use money::Money;
use sqlx::FromRow;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use testkit::on_both;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::{counted_through, mark_before};
use crate::app::take_snapshots::{step, take};
use crate::app::{App, Error};
use crate::domain::ledger::{LedgerAccount, Transfer, TransferState};
use crate::store::measures::Balances;
use crate::store::{audit, measures, transfers, wide};

const SELLER: &str = "seller_payable";
const SELLERS: [&str; 3] = ["silk", "rattan", "tea"];

fn app() -> Arc<App> {
    let (file, text) = hub::builtin("my").unwrap();
    Arc::new(App {
        clock: Clock::system(),
        outbox: ::events::Outbox,
        hub: Arc::new(hub::Profile::parse(file, text).unwrap()),
        rates: Arc::default(),
        sandbox: true,
    })
}

async fn migrated(database: &testkit::Database) -> Db {
    database.migrated(&[::events::MIGRATIONS, crate::SPEC.migrations]).await
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

/// Numbers that look like chance, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.roll(u64::try_from(from.len()).unwrap())).unwrap()]
    }

    fn account(&mut self) -> LedgerAccount {
        let owner = self.pick(&SELLERS);
        let kind = self.pick(&[SELLER, "holding", "wallet", "commission"]);
        LedgerAccount { kind, owner: owner.to_owned() }
    }

    /// From a seller, or to one; its two sides are of two accounts.
    fn transfer(&mut self, order: Option<OrderId>) -> Transfer {
        let (seller, mut other) = (LedgerAccount::seller(self.pick(&SELLERS)), self.account());
        if other.kind == SELLER {
            other = LedgerAccount::commission();
        }
        let minor =
            [1 + self.roll(2_000_000_000), money::MINOR_MAX.unsigned_abs()][usize::from(self.roll(9) == 0)];
        let currency = self.pick(&["MYR", "THB"]).parse().unwrap();
        let amount = Money::new(i64::try_from(minor).unwrap(), currency).unwrap();
        let (debit, credit) = if self.roll(3) == 0 { (seller, other) } else { (other, seller) };
        let mut transfer = match order {
            Some(order) => Transfer::pending("test", debit, credit, amount, now()).of_order(order),
            None => Transfer::posted("test", debit, credit, amount, now()),
        };
        if self.roll(3) == 0 {
            // By a clock that is behind.
            let behind = u128::from(self.roll(100)) << super::BITS_BELOW_TIME;
            transfer.id = Uuid::from_u128(transfer.id.uuid().as_u128() - behind).into();
        }
        transfer
    }
}

async fn put(db: &Db, new: Vec<Transfer>) {
    let put: Result<(), Error> = db
        .write(move |tx| {
            let mut new = new.clone();
            Box::pin(async move { Ok(transfers::put(tx, &mut new).await?) })
        })
        .await;
    put.unwrap();
}

async fn settle(db: &Db, order: OrderId, state: TransferState) -> Result<(), Error> {
    db.write(move |tx| Box::pin(transfers::settle(tx, std::iter::once(order), state))).await
}

/// What a seller's balances are, and what the kinds of accounts come to.
async fn told(db: &Db, seller: &'static str) -> (Vec<(String, i128)>, Balances) {
    let told: Result<_, db::Error> = db
        .read(move |tx| {
            Box::pin(async move {
                Ok((transfers::balances(tx, SELLER, seller).await?, measures::balances(tx).await?))
            })
        })
        .await;
    told.unwrap()
}

/// Side of a movement: kind, owner, currency, state, and the amount in two parts.
type Side = (String, String, String, String, i64, i64);

async fn sides(db: &Db) -> Vec<Side> {
    let sides: Result<Vec<Side>, db::Error> = db
        .read_one(|tx| {
            Box::pin(async move {
                db::fetch_all!(
                    tx,
                    Side,
                    "select credit_kind, credit_owner, currency, state, amount_minor / 1000000000, \
                     amount_minor % 1000000000 from transfers where state <> 'voided' \
                     union all select debit_kind, debit_owner, currency, state, -(amount_minor / 1000000000), \
                     -(amount_minor % 1000000000) from transfers where state <> 'voided'",
                )
            })
        })
        .await;
    sides.unwrap()
}

/// Compares what is told with all movements, one by one.
async fn check(db: &Db) {
    let sides = sides(db).await;
    for seller in SELLERS {
        let (mut balances, mut kinds) = (BTreeMap::<String, i128>::new(), Balances::new());
        for (kind, owner, currency, state, high, low) in &sides {
            if kind == SELLER && owner == seller && state == "posted" {
                *balances.entry(currency.clone()).or_default() += wide(*high, *low);
            }
            let key = (kind.clone(), currency.clone(), state.clone());
            *kinds.entry(key).or_default() += wide(*high, *low);
        }
        assert_eq!(told(db, seller).await, (balances.into_iter().collect(), kinds));
    }
    assert_eq!(differences(db).await, Vec::<String>::new());
}

/// What the audit says of snapshots.
async fn differences(db: &Db) -> Vec<String> {
    let found: Result<Vec<String>, db::Error> = db.read(|tx| Box::pin(audit::violations(tx))).await;
    found.unwrap().into_iter().filter(|violation| violation.starts_with("a snapshot")).collect()
}

async fn count(db: &Db, sql: &'static str) -> i64 {
    let counted: Result<(i64,), db::Error> =
        db.read_one(move |tx| Box::pin(async move { db::fetch_one!(tx, (i64,), sql) })).await;
    counted.unwrap().0
}

/// As some clock shows it: behind what it was, right, or ahead.
fn mark(dice: &mut Dice) -> Uuid {
    match dice.roll(3) {
        0 => mark_before(Duration::from_millis(2)),
        1 => TransferId::new().uuid(),
        _ => Uuid::from_u128(TransferId::new().uuid().as_u128() + (200 << super::BITS_BELOW_TIME)),
    }
}

async fn a_case(db: &Db, app: &Arc<App>, seed: u64) {
    let mut dice = Dice(seed);
    let mut open = Vec::new();
    for _ in 0..60 {
        match dice.roll(8) {
            0..=2 => {
                let new = (0..=dice.roll(4)).map(|_| dice.transfer(None)).collect();
                put(db, new).await;
            }
            3 | 4 => {
                let order = OrderId::new();
                open.push(order);
                put(db, vec![dice.transfer(Some(order))]).await;
            }
            5 => {
                if !open.is_empty() {
                    let order = open
                        .swap_remove(usize::try_from(dice.roll(u64::try_from(open.len()).unwrap())).unwrap());
                    let state = dice.pick(&[TransferState::Posted, TransferState::Voided]);
                    settle(db, order, state).await.unwrap();
                }
            }
            _ => {
                let batch = 1 + i64::try_from(dice.roll(6)).unwrap();
                take(db, app, mark(&mut dice), batch).await.unwrap();
            }
        }
        check(db).await;
    }
    assert!(count(db, "select count(*) from balance_snapshots").await > 0);
}

/// Lasts until it is told to go on, with movements written or, before that, with nothing.
async fn long_write(
    db: &Db,
    new: Vec<Transfer>,
    written_first: bool,
    begun: Arc<Semaphore>,
    go_on: Arc<Semaphore>,
) {
    let written: Result<(), Error> = db
        .write(move |tx| {
            let (mut new, begun, go_on) = (new.clone(), begun.clone(), go_on.clone());
            Box::pin(async move {
                db::execute!(tx, "update wallets set held_minor = 0")?;
                if written_first {
                    transfers::put(tx, &mut new).await?;
                }
                begun.add_permits(1);
                go_on.acquire().await.unwrap().forget();
                if !written_first {
                    transfers::put(tx, &mut new).await?;
                }
                Ok(())
            })
        })
        .await;
    written.unwrap();
}

async fn taken_during_a_write(db: &Db, app: &Arc<App>, written_first: bool) {
    let new = vec![Dice(3).transfer(None)];
    let (begun, go_on) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let writing = long_write(db, new, written_first, begun.clone(), go_on.clone());
    let taking = async {
        begun.acquire().await.unwrap().forget();
        put_beside(db).await;
        let mark = TransferId::new().uuid();
        if !written_first && db.engine() == Engine::Postgres {
            // It writes nothing of the ledger yet: nobody waits for it.
            while take(db, app, mark, 10).await.unwrap() {}
            go_on.add_permits(1);
            return;
        }
        let taking = tokio::spawn({
            let (db, app) = (db.clone(), app.clone());
            async move { take(&db, &app, mark, 10).await }
        });
        // Long enough for one that would not wait.
        tokio::time::sleep(Duration::from_millis(150)).await;
        assert!(!taking.is_finished());
        go_on.add_permits(1);
        taking.await.unwrap().unwrap();
    };
    join(writing, taking).await;
    check(db).await;
}

/// What is counted meanwhile, on the engine that lets others write meanwhile.
async fn put_beside(db: &Db) {
    if db.engine() == Engine::Postgres {
        put(db, vec![Dice(4).transfer(None)]).await;
    }
}

on_both! {
    async fn balances_are_the_sums_of_movements_whenever_snapshots_are_taken(database: Database) {
        let (db, app) = (migrated(&database).await, app());
        for seed in 0..6 {
            a_case(&db, &app, seed).await;
        }
        db.close().await;
    }

    async fn a_movement_that_is_written_meanwhile_is_in_the_balance(database: Database) {
        let (db, app) = (migrated(&database).await, app());
        taken_during_a_write(&db, &app, true).await;
        taken_during_a_write(&db, &app, false).await;
        db.close().await;
    }

    async fn many_write_and_two_take_snapshots_at_once(database: Database) {
        let (db, app) = (migrated(&database).await, app());
        let writers = join_all((0..6).map(|seed| {
            let db = db.clone();
            async move {
                let mut dice = Dice(seed);
                for _ in 0..30 {
                    let order = OrderId::new();
                    put(&db, vec![dice.transfer(None), dice.transfer(Some(order))]).await;
                    settle(&db, order, TransferState::Posted).await.unwrap();
                }
            }
        }));
        let takers = join_all((0..2).map(|_| async {
            for _ in 0..25 {
                take(&db, &app, TransferId::new().uuid(), 40).await.unwrap();
            }
        }));
        join(writers, takers).await;
        check(&db).await;
        while take(&db, &app, TransferId::new().uuid(), 100).await.unwrap() {}
        check(&db).await;
        db.close().await;
    }

    async fn a_pending_movement_does_not_stop_the_mark(database: Database) {
        let (db, app) = (migrated(&database).await, app());
        let (mut dice, order) = (Dice(1), OrderId::new());
        put(&db, vec![dice.transfer(Some(order))]).await;
        put(&db, (0..20).map(|_| dice.transfer(None)).collect()).await;
        while take(&db, &app, TransferId::new().uuid(), 4).await.unwrap() {}
        let beyond = "select count(*) from transfers where transfer_id > (select counted_through from ledger_marks)";
        assert_eq!(count(&db, beyond).await, 0);
        settle(&db, order, TransferState::Posted).await.unwrap();
        check(&db).await;
        take(&db, &app, TransferId::new().uuid(), 4).await.unwrap();
        assert_eq!(count(&db, "select count(*) from passed_transfers").await, 0);
        check(&db).await;
        db.close().await;
    }

    async fn nothing_is_done_for_a_few_movements(database: Database) {
        let (db, app) = (migrated(&database).await, app());
        fill(&db, 199).await;
        assert!(!step(&db, &app, TransferId::new().uuid()).await.unwrap());
        assert_eq!(count(&db, "select count(*) from ledger_marks").await, 0);
        fill(&db, 1_001).await;
        assert!(step(&db, &app, TransferId::new().uuid()).await.unwrap());
        check(&db).await;
        assert!(!step(&db, &app, TransferId::new().uuid()).await.unwrap());
        assert_eq!(count(&db, "select count(*) from transfers where transfer_id > \
            (select counted_through from ledger_marks)").await, 0);
        check(&db).await;
        db.close().await;
    }

    async fn the_audit_finds_a_snapshot_that_differs(database: Database) {
        let (db, app) = (migrated(&database).await, app());
        put(&db, (0..20).map(|seed| Dice(seed).transfer(None)).collect()).await;
        take(&db, &app, TransferId::new().uuid(), 100).await.unwrap();
        assert_eq!(differences(&db).await, Vec::<String>::new());
        for break_it in [
            "update balance_snapshots set low = low + 1",
            "update balance_snapshots set low = low - 1",
            "delete from balance_snapshots",
        ] {
            let broken: Result<u64, db::Error> =
                db.write(move |tx| Box::pin(async move { db::execute!(tx, break_it) })).await;
            broken.unwrap();
            let is_found = !differences(&db).await.is_empty();
            assert_eq!(is_found, !break_it.contains("- 1"), "{break_it}");
        }
        db.close().await;
    }

    async fn a_balance_reads_few_rows_however_many_movements_there_are(database: Database) {
        let (db, app) = (migrated(&database).await, app());
        for movements in [1, 5_000, 45_000] {
            fill(&db, movements).await;
            while take(&db, &app, TransferId::new().uuid(), 10_000).await.unwrap() {}
            put(&db, (0..10).map(|seed| Dice(seed).transfer(None)).collect()).await;
            for read in [Read::Balances, Read::Movements, Read::Kinds] {
                let cost: Result<(i64, Vec<String>), db::Error> = db
                    .write(move |tx| {
                        Box::pin(async move {
                            Ok(match tx.engine() {
                                Engine::Postgres => (read.rows(tx).await?, Vec::new()),
                                Engine::Sqlite => (0, read.scans(tx).await?),
                            })
                        })
                    })
                    .await;
                let (rows, scans) = cost.unwrap();
                assert_eq!(rows > 0, db.engine() == Engine::Postgres);
                assert!(rows < 100 && scans.is_empty(), "{rows} rows of {movements}; {scans:?}");
            }
        }
        db.close().await;
    }
}

/// Run by its name with those that are ignored, from a release build, it prints a table.
#[tokio::test]
#[ignore = "a measurement"]
async fn the_balance_of_a_million() {
    let databases = [Some(testkit::Database::sqlite()), testkit::Database::postgres().await];
    for database in databases.into_iter().flatten() {
        let (db, app) = (migrated(&database).await, app());
        let mut there = 0;
        for movements in [1, 1_000, 100_000, 1_000_000] {
            fill(&db, movements - there).await;
            there = movements;
            let plain = time(&db).await;
            let (begun, mut batches) = (Instant::now(), 1_u32);
            while take(&db, &app, TransferId::new().uuid(), 1_000).await.unwrap() {
                batches += 1;
            }
            let batch = begun.elapsed() / batches;
            println!(
                "{:?} {movements:>8}: balance and sample {plain:?}; with snapshots {:?}; {batches} batches of {batch:?}",
                db.engine(),
                time(&db).await,
            );
        }
        db.close().await;
        database.remove().await;
    }
}

/// The median time of a seller's balance, and of a sample of all kinds.
async fn time(db: &Db) -> (Duration, Duration) {
    let (mut balance, mut sample) = (Vec::new(), Vec::new());
    for _ in 0..21 {
        let begun = Instant::now();
        let told: Result<_, db::Error> =
            db.read(|tx| Box::pin(transfers::balances(tx, SELLER, "silk"))).await;
        told.unwrap();
        balance.push(begun.elapsed());
        let begun = Instant::now();
        let told: Result<_, db::Error> = db.read(|tx| Box::pin(measures::balances(tx))).await;
        told.unwrap();
        sample.push(begun.elapsed());
    }
    balance.sort_unstable();
    sample.sort_unstable();
    (balance[10], sample[10])
}

/// So many sales of one seller, of a moment ago.
async fn fill(db: &Db, movements: i64) {
    let at = mark_before(Duration::from_millis(1)).simple().to_string()[..12].to_owned();
    let now = now();
    let start = count(db, "select count(*) from transfers").await;
    let filled: Result<(), db::Error> = db
        .write(move |tx| {
            let at = at.clone();
            Box::pin(async move {
                let sql = tx.sql(
                    "insert into transfers (transfer_id, kind, debit_kind, debit_owner, credit_kind, credit_owner, \
                     currency, amount_minor, state, created_at) \
                     select cast($1 || '7000' || lpad(to_hex($4 + number), 16, '0') as uuid), 'sale', 'escrow', \
                     cast(number as text), 'seller_payable', 'silk', 'MYR', 7, 'posted', $3 \
                     from generate_series(1, $2) as numbers (number)",
                    "with recursive numbers (number) as ( \
                         select 1 union all select number + 1 from numbers where number < $2) \
                     insert into transfers (transfer_id, kind, debit_kind, debit_owner, credit_kind, credit_owner, \
                     currency, amount_minor, state, created_at) \
                     select unhex($1 || '7000' || printf('%016x', $4 + number)), 'sale', 'escrow', \
                     cast(number as text), 'seller_payable', 'silk', 'MYR', 7, 'posted', $3 from numbers",
                );
                db::execute!(tx, sql, at, movements, now, start)?;
                let sql = tx.sql("analyze transfers", "select 1");
                db::execute!(tx, sql)?;
                Ok(())
            })
        })
        .await;
    filled.unwrap();
}

/// What reads balances, and a page of a seller's movements.
#[derive(Clone, Copy)]
enum Read {
    Balances,
    Movements,
    Kinds,
}

impl Read {
    async fn explained<R>(self, tx: &mut Tx, explain: &str) -> Result<Vec<R>, db::Error>
    where
        R: for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        let sql = match self {
            Self::Balances => transfers::BALANCES,
            Self::Movements => transfers::OF_ACCOUNT,
            Self::Kinds => measures::BALANCES,
        };
        let counted = counted_through(tx).await?;
        let sql: &'static str = format!("{explain} {sql}").leak();
        match self {
            Self::Balances => db::fetch_all!(tx, R, sql, SELLER, "silk", counted, Uuid::max()),
            Self::Movements => db::fetch_all!(tx, R, sql, SELLER, "silk", Uuid::max(), 20_i64),
            Self::Kinds => db::fetch_all!(tx, R, sql, counted, Uuid::max()),
        }
    }

    /// The rows that PostgreSQL touches, step by step of its plan.
    async fn rows(self, tx: &mut Tx) -> Result<i64, db::Error> {
        let plan: Vec<(String,)> = self.explained(tx, "explain (analyze, timing off)").await?;
        let number = |line: &str, after: &str| {
            let rest = line.rsplit_once(after)?.1;
            rest.split([' ', ')', '.']).next().unwrap().parse::<i64>().ok()
        };
        let rows = plan.iter().filter_map(|(line,)| match number(line, "(actual rows=") {
            Some(rows) => Some(rows * number(line, " loops=").unwrap()),
            None => number(line, "Rows Removed by Filter: "),
        });
        Ok(rows.sum())
    }

    /// The steps of SQLite's plan that read a table of movements otherwise than by a range of ids.
    async fn scans(self, tx: &mut Tx) -> Result<Vec<String>, db::Error> {
        let plan: Vec<(i64, i64, i64, String)> = self.explained(tx, "explain query plan").await?;
        let steps = plan.into_iter().map(|(.., step)| step);
        Ok(steps.filter(|step| step.contains(" transfers") && !step.contains("transfer_id")).collect())
    }
}
