//! Each event takes effect once, in order per aggregate.

use std::sync::atomic::Ordering;

use events::{Bus, ChaoticBus, LocalBus};
use testkit::{Database, on_both};
use uuid::Uuid;

use crate::desk::{Desk, Mood, aggregate};

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
}
