//! Relays: one at a time, and nothing lost when one ends.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use db::{Db, Engine};
use events::{Bus, BusError, Envelope, LocalBus, Subscription};
use testkit::{Database, eventually, on_both};

use crate::desk::{Desk, aggregate, waits};

/// Notes who published which version, and refuses the first `refusals`.
struct Witness {
    name: &'static str,
    seen: Arc<Mutex<Vec<(&'static str, i64)>>>,
    refusals: AtomicU32,
}

impl Witness {
    fn new(name: &'static str, seen: &Arc<Mutex<Vec<(&'static str, i64)>>>, refusals: u32) -> Arc<Self> {
        Arc::new(Self { name, seen: seen.clone(), refusals: AtomicU32::new(refusals) })
    }
}

#[async_trait]
impl Bus for Witness {
    async fn publish(&self, _: &str, event: &Envelope) -> Result<(), BusError> {
        self.seen.lock().unwrap().push((self.name, event.aggregate_version));
        let refuses = self
            .refusals
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
            .is_ok();
        if refuses { Err(BusError("it is full".to_owned())) } else { Ok(()) }
    }

    async fn subscribe(&self, _: Subscription) -> Result<(), BusError> {
        Ok(())
    }

    async fn waiting(&self, _: &Subscription) -> Result<i64, BusError> {
        Ok(0)
    }

    fn missing_from_groups(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The database as another process has it; SQLite has but one.
async fn elsewhere(database: &Database, desk: &Desk) -> Db {
    match desk.db.engine() {
        Engine::Sqlite => desk.db.clone(),
        Engine::Postgres => database.connect().await,
    }
}

/// More than a sweep takes at once.
const OLD: i64 = 1_200;

async fn kept(desk: &Desk) -> i64 {
    let kept: Result<(i64,), db::Error> = desk
        .db
        .read_one(|tx| Box::pin(async move { db::fetch_one!(tx, (i64,), "select count(*) from outbox") }))
        .await;
    kept.unwrap().0
}

on_both! {
    async fn old_events_are_deleted_until_none_is_left(database: Database) {
        let desk = Desk::open(&database, LocalBus::new()).await;
        let old: Vec<_> = (0..OLD).map(|_| desk.event(aggregate(), 1)).collect();
        desk.put(&old).await.unwrap();
        let long_ago = desk.clock.now() - chrono::Duration::days(8);
        let published: Result<u64, db::Error> = desk
            .db
            .write(move |tx| {
                Box::pin(async move { db::execute!(tx, "update outbox set published_at = $1", long_ago) })
            })
            .await;
        assert_eq!(published.unwrap(), 1_200);
        desk.put(&[desk.event(aggregate(), 1)]).await.unwrap();
        let relay = desk.relay();
        eventually("the old ones are gone", || async { (kept(&desk).await == 1).then_some(()) }).await;
        relay.stop().await;
        // Whenever they take effect elsewhere, they were told; one that nobody knows was not.
        for (event, expected) in [(old[0].id, true), (old[1_199].id, true), (desk.event(aggregate(), 1).id, false)] {
            let now = desk.clock.now();
            let told: Result<bool, db::Error> = desk
                .db
                .read(move |tx| Box::pin(events::witness::has_told(tx, event.uuid(), now)))
                .await;
            assert_eq!(told.unwrap(), expected);
        }
    }

    async fn a_relay_that_is_cancelled_loses_nothing(database: Database) {
        let desk = Desk::open(&database, LocalBus::new()).await;
        let order = aggregate();
        let events: Vec<_> = (1..=10).map(|version| desk.event(order, version)).collect();
        let (mood, begun, permit) = waits();
        desk.clerk.is(&events[3], mood);
        desk.put(&events[..3]).await.unwrap();
        let relay = desk.relay();
        desk.relayed().await;
        desk.put(&events[3..]).await.unwrap();
        begun.acquire().await.unwrap().forget();
        // The fourth is under way: its effect is seen through, but nobody marks it as taken.
        relay.stop().await;
        permit.add_permits(1);
        eventually("the fourth took effect", || async { (desk.effects(order).await.len() == 4).then_some(()) }).await;
        assert_eq!(desk.unpublished().await, 7);
        let relay = desk.relay();
        desk.relayed().await;
        relay.stop().await;
        assert_eq!(desk.effects(order).await, (1..=10).collect::<Vec<_>>());
    }

    async fn an_event_stays_until_the_bus_has_taken_it(database: Database) {
        let desk = Desk::open(&database, LocalBus::new()).await;
        let order = aggregate();
        let seen = Arc::default();
        let relay = desk.relay_to(desk.db.clone(), Witness::new("a", &seen, 1));
        desk.put(&[desk.event(order, 1), desk.event(order, 2)]).await.unwrap();
        desk.relayed().await;
        relay.stop().await;
        // The second waits for the first.
        assert_eq!(*seen.lock().unwrap(), [("a", 1), ("a", 1), ("a", 2)]);
    }

    async fn a_long_chain_does_not_wait_to_be_looked_for(database: Database) {
        let desk = Desk::open(&database, LocalBus::new()).await;
        let order = aggregate();
        let events: Vec<_> = (1..=100).map(|version| desk.event(order, version)).collect();
        desk.put(&events).await.unwrap();
        // Nobody tells of the second once the first has been taken.
        let relay = desk.relay();
        desk.relayed().await;
        relay.stop().await;
        assert_eq!(desk.effects(order).await, (1..=100).collect::<Vec<_>>());
    }

    async fn a_relay_looks_when_it_is_told_and_not_again(database: Database) {
        const EVENTS: u64 = 40;
        let desk = Desk::open(&database, LocalBus::new()).await;
        let seen = Arc::default();
        let relay = desk.relay_to(desk.db.clone(), Witness::new("a", &seen, 0));
        let other = database.connect().await;
        let before = desk.db.statistics().statements;
        for _ in 0..EVENTS {
            desk.put(&[desk.event(aggregate(), 1)]).await.unwrap();
            let unpublished = || async {
                let count: Result<i64, db::Error> =
                    other.read_one(|tx| Box::pin(async move { events::views::unpublished_count(tx).await })).await;
                (count.unwrap() == 0).then_some(())
            };
            eventually("the bus has taken it", unpublished).await;
        }
        relay.stop().await;
        // Put, seen, marked; and seldom a word to other processes, or a look without one.
        let statements = desk.db.statistics().statements - before;
        let words = if desk.db.engine() == Engine::Postgres { EVENTS } else { 0 };
        assert!(statements < 3 * EVENTS + words + EVENTS / 2, "{statements}");
    }

    async fn one_of_two_relays_publishes_and_the_other_after_it(database: Database) {
        let desk = Desk::open(&database, LocalBus::new()).await;
        let order = aggregate();
        let seen = Arc::default();
        let first = desk.relay_to(desk.db.clone(), Witness::new("first", &seen, 0));
        desk.put(&[desk.event(order, 1)]).await.unwrap();
        desk.relayed().await;
        let second = desk.relay_to(elsewhere(&database, &desk).await, Witness::new("second", &seen, 0));
        for version in 2..=20 {
            desk.put(&[desk.event(order, version)]).await.unwrap();
        }
        desk.relayed().await;
        first.stop().await;
        desk.put(&[desk.event(order, 21)]).await.unwrap();
        desk.relayed().await;
        second.stop().await;
        let expected: Vec<_> = (1..=20).map(|version| ("first", version)).chain([("second", 21)]).collect();
        assert_eq!(*seen.lock().unwrap(), expected);
    }
}
