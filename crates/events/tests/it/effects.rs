//! Each event takes effect once, in order per aggregate.

use std::sync::atomic::Ordering;

use db::Engine;
use events::{Bus, ChaoticBus, LocalBus};
use futures::future::{join, join_all};
use testkit::{Database, on_both};
use uuid::Uuid;

use crate::desk::{Desk, Mood, aggregate, waits};

const AGGREGATES: usize = 5;
const VERSIONS: i64 = 8;

/// Tells of several aggregates in turn, some of it before the relay runs and some while it does.
async fn tells(database: &Database, bus: impl Bus + 'static) -> (Desk, Vec<Uuid>) {
    let desk = Desk::open(database, bus).await;
    let aggregates: Vec<Uuid> = std::iter::repeat_with(aggregate).take(AGGREGATES).collect();
    let mut relay = None;
    for version in 1..=VERSIONS {
        let events: Vec<_> = aggregates.iter().map(|order| desk.event(*order, version)).collect();
        desk.put(&events).await.unwrap();
        if version == VERSIONS / 2 {
            relay = Some(desk.relay());
        }
    }
    desk.relayed().await;
    relay.unwrap().stop().await;
    (desk, aggregates)
}

async fn took_effect_once_and_in_order(desk: &Desk, aggregates: &[Uuid]) {
    let all: Vec<i64> = (1..=VERSIONS).collect();
    for order in aggregates {
        assert_eq!(desk.effects(*order).await, all);
        assert!(desk.inbox(*order).await.iter().all(|(_, outcome)| outcome == "handled"));
        assert!(desk.parked(*order).await.is_empty());
    }
}

on_both! {
    async fn each_event_takes_effect_once_and_in_order(database: Database) {
        let (desk, aggregates) = tells(&database, LocalBus::new()).await;
        took_effect_once_and_in_order(&desk, &aggregates).await;
    }

    async fn also_when_each_comes_twice_and_late(database: Database) {
        let (desk, aggregates) = tells(&database, ChaoticBus::local(5)).await;
        took_effect_once_and_in_order(&desk, &aggregates).await;
    }

    async fn versions_need_not_be_told_in_their_order(database: Database) {
        let desk = Desk::open(&database, LocalBus::new()).await;
        let order = aggregate();
        // A later version was written first; the relay sends what it finds in the versions' order.
        desk.put(&[desk.event(order, 3), desk.event(order, 1), desk.event(order, 2)]).await.unwrap();
        let relay = desk.relay();
        desk.relayed().await;
        relay.stop().await;
        assert_eq!(desk.effects(order).await, [1, 2, 3]);
    }

    async fn an_older_version_is_ignored_and_noted(database: Database) {
        let desk = Desk::open(&database, LocalBus::new()).await;
        let (order, other) = (aggregate(), aggregate());
        let old = desk.event(order, 1);
        for event in [&desk.event(order, 2), &old, &old, &desk.event(other, 1)] {
            desk.deliver(event).await;
        }
        assert_eq!(desk.effects(order).await, [2]);
        assert_eq!(desk.inbox(order).await, [(1, "ignored".to_owned()), (2, "handled".to_owned())]);
        assert_eq!(desk.effects(other).await, [1]);
    }

    async fn what_fails_for_a_moment_is_tried_again(database: Database) {
        let desk = Desk::open(&database, LocalBus::new()).await;
        let order = aggregate();
        let event = desk.event(order, 1);
        desk.clerk.is(&event, Mood::NotYet(2));
        desk.put(&[event, desk.event(order, 2)]).await.unwrap();
        let relay = desk.relay();
        desk.relayed().await;
        relay.stop().await;
        assert_eq!(desk.effects(order).await, [1, 2]);
        assert_eq!(desk.clerk.tries.load(Ordering::SeqCst), 4);
        assert!(desk.parked(order).await.is_empty());
    }

    async fn of_those_together_the_one_that_cannot_be_yet_waits_and_the_poisoned_one_is_parked(database: Database) {
        let desk = Desk::open(&database, LocalBus::new()).await;
        let (mood, begun, permit) = waits();
        // As many as there are batches at once, so that those after them gather.
        let before: Vec<_> = match desk.db.engine() {
            Engine::Sqlite => vec![desk.event(aggregate(), 1)],
            Engine::Postgres => vec![desk.event(aggregate(), 1), desk.event(aggregate(), 1)],
        };
        let mut running = Vec::new();
        for event in &before {
            desk.clerk.is(event, mood.clone());
            let mut delivering = Box::pin(desk.subscription.deliver(event));
            assert!(futures::poll!(&mut delivering).is_pending());
            begun.acquire().await.unwrap().forget();
            running.push(delivering);
        }
        let events: Vec<_> = (0..12).map(|_| desk.event(aggregate(), 1)).collect();
        desk.clerk.is(&events[3], Mood::NotYet(2));
        desk.clerk.is(&events[7], Mood::Poison);
        let together = async {
            let delivering = desk.subscription.deliver_at_once(&events);
            tokio::pin!(delivering);
            assert!(futures::poll!(&mut delivering).is_pending());
            permit.add_permits(before.len());
            assert!(delivering.await);
        };
        join(join_all(running), together).await;
        for (place, event) in events.iter().enumerate() {
            let is_poison = place == 7;
            let (effects, parked) = (desk.effects(event.aggregate_id).await, desk.parked(event.aggregate_id).await);
            assert_eq!((effects.is_empty(), parked.len()), (is_poison, usize::from(is_poison)), "{place}");
            assert_eq!(desk.inbox(event.aggregate_id).await.is_empty(), is_poison, "{place}");
        }
        // Each once, and the one that waited twice more.
        let tries = desk.clerk.tries.load(Ordering::SeqCst);
        assert_eq!(usize::try_from(tries).unwrap(), before.len() + events.len() + 2);
    }

    async fn no_event_passes_an_earlier_one_of_its_aggregate_that_waits(database: Database) {
        let desk = Desk::open(&database, LocalBus::new()).await;
        let aggregates: Vec<Uuid> = std::iter::repeat_with(aggregate).take(AGGREGATES).collect();
        for version in 1..=VERSIONS {
            let events: Vec<_> = aggregates.iter().map(|order| desk.event(*order, version)).collect();
            desk.clerk.is(&events[usize::try_from(version).unwrap() % AGGREGATES], Mood::NotYet(2));
            desk.put(&events).await.unwrap();
        }
        let relay = desk.relay();
        desk.relayed().await;
        relay.stop().await;
        took_effect_once_and_in_order(&desk, &aggregates).await;
    }
}
