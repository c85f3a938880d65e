//! Commands that are run together: to each it is as if it had run by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use db::{Application, Batched, Batches, Command, Entry, Error, Outcome, Retryable, Tx, Unavailability};
use futures::future::join_all;
use testkit::on_both;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::shelf::{on_hand, open, put, shelves, stock};

/// A shop with one shelf.
#[derive(Default)]
struct Shop {
    /// How many batches of two commands or more were run.
    batches: AtomicU32,
    /// How many commands ran alone.
    alone: AtomicU32,
    /// After how many of both the command of a tenant that waits behind a flood was run.
    turn: AtomicU32,
}

/// Who gives one command.
const MODEST: &str = "modest";

impl Shop {
    fn take_turn(&self, take: &Take) {
        if take.tenant == MODEST {
            self.turn.store(
                self.batches.load(Ordering::SeqCst) + self.alone.load(Ordering::SeqCst),
                Ordering::SeqCst,
            );
        }
    }
}

impl Application for Shop {
    type Error = Refusal;
}

#[derive(Debug)]
enum Refusal {
    /// Fewer are left.
    Sold,
    Database(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl Retryable for Refusal {
    fn database(&self) -> Option<&Error> {
        if let Self::Database(error) = self { Some(error) } else { None }
    }
}

/// Takes units off the shelf; what is left then.
struct Take {
    key: u128,
    tenant: String,
    units: i64,
    how: How,
}

#[derive(Clone)]
enum How {
    Well,
    /// Says that it has begun, and waits.
    Holds {
        begun: Arc<Semaphore>,
        permit: Arc<Semaphore>,
    },
    /// Breaks the table's rule.
    Breaks,
    /// Says that it has no database.
    Away,
    Panics,
}

const SHELF: i64 = 1;

async fn left(tx: &mut Tx) -> Result<i64, Error> {
    let sql = tx.sql(
        "select on_hand from shelves where id = $1 for update",
        "select on_hand from shelves where id = $1",
    );
    Ok(db::fetch_one!(tx, (i64,), sql, SHELF)?.0)
}

async fn set(tx: &mut Tx, units: i64) -> Result<(), Error> {
    db::execute!(tx, "update shelves set on_hand = $2 where id = $1", SHELF, units)?;
    Ok(())
}

impl How {
    async fn happen(&self, tx: &mut Tx) -> Result<(), Error> {
        match self {
            Self::Well => Ok(()),
            Self::Holds { begun, permit } => {
                begun.add_permits(1);
                permit.acquire().await.unwrap().forget();
                Ok(())
            }
            Self::Breaks => put(tx, 9, -1).await,
            Self::Away => Err(Error::Unavailable(Unavailability::Closed)),
            Self::Panics => panic!("a command panics"),
        }
    }
}

impl Command<Shop> for Take {
    type Output = i64;

    async fn run(&self, shop: &Shop, tx: &mut Tx) -> Result<i64, Refusal> {
        shop.alone.fetch_add(1, Ordering::SeqCst);
        shop.take_turn(self);
        let left = left(tx).await? - self.units;
        if left < 0 {
            return Err(Refusal::Sold);
        }
        set(tx, left).await?;
        self.how.happen(tx).await?;
        Ok(left)
    }
}

impl Batched<Shop> for Take {
    fn key(&self) -> Uuid {
        Uuid::from_u128(self.key)
    }

    fn tenant(&self) -> &str {
        &self.tenant
    }

    async fn run_all(
        batch: &[Entry<'_, Self>],
        shop: &Shop,
        tx: &mut Tx,
    ) -> Result<Vec<Outcome<Shop, Self>>, Refusal> {
        shop.batches.fetch_add(1, Ordering::SeqCst);
        for take in batch {
            shop.take_turn(take);
        }
        let mut left = left(tx).await?;
        let mut outcomes = Vec::new();
        for take in batch {
            outcomes.push(if take.units <= left {
                left -= take.units;
                Ok(left)
            } else {
                Err(Refusal::Sold)
            });
        }
        set(tx, left).await?;
        for take in batch {
            take.how.happen(tx).await?;
        }
        Ok(outcomes)
    }
}

fn take(key: u128, units: i64, how: How) -> Take {
    Take { key, tenant: key.to_string(), units, how }
}

/// Runs the commands while one before them holds the shelf, so that they gather.
async fn together(
    batches: &Batches<Shop, Take>,
    shop: &Arc<Shop>,
    commands: Vec<Take>,
) -> Vec<Result<i64, Refusal>> {
    let (begun, permit) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let holds = How::Holds { begun: begun.clone(), permit: permit.clone() };
    let holding = batches.run(shop, take(1_000, 0, holds));
    let gathering = async {
        begun.acquire().await.unwrap().forget();
        let given = join_all(commands.into_iter().map(|command| batches.run(shop, command)));
        tokio::pin!(given);
        // All have been given once it was polled.
        assert!(futures::poll!(&mut given).is_pending());
        permit.add_permits(1);
        given.await
    };
    let (held, outcomes) = futures::future::join(holding, gathering).await;
    assert!(held.is_ok(), "{held:?}");
    outcomes
}

on_both! {
    async fn commands_that_gather_are_run_together_and_none_is_sold_twice(database: Database) {
        let db = open(&database).await;
        stock(&db, SHELF, 10).await.unwrap();
        let (shop, batches) = (Arc::new(Shop::default()), Batches::new(&db));
        let wanted = [4, 7, 3, 2, 9, 1, 1].into_iter().enumerate();
        let commands = wanted.map(|(key, units)| take(u128::try_from(key).unwrap(), units, How::Well));
        let outcomes = together(&batches, &shop, commands.collect()).await;
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(_) | Err(Refusal::Sold))));
        let wanted = [4, 7, 3, 2, 9, 1, 1].into_iter().zip(&outcomes);
        let taken: i64 = wanted.filter(|(_, outcome)| outcome.is_ok()).map(|(units, _)| units).sum();
        assert_eq!(on_hand(&db, SHELF).await, 10 - taken);
        // Whoever took the last saw what was left; on PostgreSQL another of the two batches may have come between.
        let least = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).min();
        assert_eq!(least, Some(&(10 - taken)));
        if db.engine() == db::Engine::Sqlite {
            let left: Vec<Option<i64>> = outcomes.iter().map(|outcome| outcome.as_ref().ok().copied()).collect();
            assert_eq!(left, [Some(6), None, Some(3), Some(1), None, Some(0), None]);
        }
        assert!(shop.batches.load(Ordering::SeqCst) >= 1);
    }

    async fn who_comes_alone_runs_alone(database: Database) {
        let db = open(&database).await;
        stock(&db, SHELF, 10).await.unwrap();
        let (shop, batches) = (Arc::new(Shop::default()), Batches::new(&db));
        for key in 0..3 {
            batches.run(&shop, take(key, 1, How::Well)).await.unwrap();
        }
        assert_eq!((shop.alone.load(Ordering::SeqCst), shop.batches.load(Ordering::SeqCst)), (3, 0));
    }

    async fn what_breaks_a_batch_fails_alone(database: Database) {
        let db = open(&database).await;
        stock(&db, SHELF, 100).await.unwrap();
        let (shop, batches) = (Arc::new(Shop::default()), Batches::new(&db));
        let how = |key| match key {
            5 => How::Breaks,
            7 => How::Away,
            9 => How::Panics,
            _ => How::Well,
        };
        let commands = (0..12).map(|key| take(key, 1, how(key))).collect();
        let outcomes = together(&batches, &shop, commands).await;
        for (key, outcome) in outcomes.iter().enumerate() {
            match key {
                5 => assert!(matches!(outcome, Err(Refusal::Database(Error::Check(_)))), "{outcome:?}"),
                7 => assert!(matches!(outcome, Err(Refusal::Database(Error::Unavailable(_)))), "{outcome:?}"),
                9 => assert!(matches!(outcome, Err(Refusal::Database(Error::Panicked))), "{outcome:?}"),
                _ => assert!(outcome.is_ok(), "{key}: {outcome:?}"),
            }
        }
        assert_eq!(on_hand(&db, SHELF).await, 91);
        assert_eq!(shelves(&db).await, 1);
        assert!(shop.batches.load(Ordering::SeqCst) > 1);
    }

    async fn of_one_key_one_after_the_other(database: Database) {
        let db = open(&database).await;
        stock(&db, SHELF, 10).await.unwrap();
        let (shop, batches) = (Arc::new(Shop::default()), Batches::new(&db));
        let outcomes = together(&batches, &shop, (0..4).map(|_| take(7, 1, How::Well)).collect()).await;
        assert!(outcomes.into_iter().all(|outcome| outcome.is_ok()));
        assert_eq!(shop.batches.load(Ordering::SeqCst), 0);
        assert_eq!(on_hand(&db, SHELF).await, 6);
    }

    async fn who_leaves_may_take_it_back_and_nothing_is_half_done(database: Database) {
        let db = open(&database).await;
        stock(&db, SHELF, 10).await.unwrap();
        let (shop, batches) = (Arc::new(Shop::default()), Batches::new(&db));
        let (begun, permit) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let holds = How::Holds { begun: begun.clone(), permit: permit.clone() };
        let holding = batches.run(&shop, take(1, 1, holds));
        let leaving = async {
            begun.acquire().await.unwrap().forget();
            // On PostgreSQL the next begins, and waits for the shelf's row; the last gathers.
            let mut next = Box::pin(batches.run(&shop, take(2, 1, How::Well)));
            assert!(futures::poll!(&mut next).is_pending());
            let mut last = Box::pin(batches.run(&shop, Take { tenant: "2".to_owned(), ..take(3, 1, How::Well) }));
            assert!(futures::poll!(&mut last).is_pending());
            drop(last);
            permit.add_permits(1);
            next.await.unwrap();
        };
        let (held, ()) = futures::future::join(holding, leaving).await;
        held.unwrap();
        batches.run(&shop, take(4, 1, How::Well)).await.unwrap();
        let left = on_hand(&db, SHELF).await;
        match db.engine() {
            // It has one batch at a time: the last cannot have begun.
            db::Engine::Sqlite => assert_eq!(left, 7),
            db::Engine::Postgres => assert!([6, 7].contains(&left), "{left}"),
        }
    }

    async fn a_flood_of_one_tenant_makes_another_wait_for_no_more_than_what_has_begun(database: Database) {
        const FLOOD: u128 = 2_000;
        let db = open(&database).await;
        stock(&db, SHELF, 10_000).await.unwrap();
        let (shop, batches) = (Arc::new(Shop::default()), Batches::new(&db));
        let flood = (0..FLOOD).map(|key| Take { tenant: "flood".to_owned(), ..take(key, 1, How::Well) });
        let modest = Take { tenant: MODEST.to_owned(), ..take(FLOOD, 1, How::Well) };
        let mut outcomes = together(&batches, &shop, flood.chain([modest]).collect()).await;
        assert!(outcomes.pop().unwrap().is_ok());
        // The one that holds the shelf; on PostgreSQL the batch that waits for it; its own.
        let turn = shop.turn.load(Ordering::SeqCst);
        assert!(turn <= if db.engine() == db::Engine::Sqlite { 2 } else { 3 }, "{turn}");
        // So many wait of one tenant, and no more: they are told at once.
        let too_many = |outcome: &Result<i64, Refusal>| {
            matches!(outcome, Err(Refusal::Database(Error::Unavailable(Unavailability::TooManyWaiting { .. }))))
        };
        let refused = outcomes.iter().filter(|outcome| too_many(outcome)).count();
        let taken = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert!(refused > 0 && refused + taken == outcomes.len(), "{refused} {taken}");
        assert_eq!(on_hand(&db, SHELF).await, 10_000 - 1 - i64::try_from(taken).unwrap());
        assert!(turn < shop.batches.load(Ordering::SeqCst) / 2);
    }
}
