//! What can never be handled is parked, with all that comes behind it.

use std::sync::atomic::Ordering;

use events::views::Replayed;
use events::{ChaoticBus, Envelope, LocalBus};
use testkit::on_both;
use uuid::Uuid;

use crate::desk::{Desk, Mood, aggregate};

const WHY: &str = "no such currency";
const BEHIND: &str = "waits behind an earlier event of its key";

/// Relays versions 1 to 3 of `order`, of which the second is poisoned, and the first two of another.
async fn poisoned(desk: &Desk, order: Uuid, other: Uuid) {
    let poison = desk.event(order, 2);
    desk.clerk.is(&poison, Mood::Poison);
    let events =
        [desk.event(order, 1), poison, desk.event(order, 3), desk.event(other, 1), desk.event(other, 2)];
    desk.put(&events).await.unwrap();
    let relay = desk.relay();
    desk.relayed().await;
    relay.stop().await;
}

fn parked(behind: &[i64]) -> Vec<(i64, String)> {
    let behind = behind.iter().map(|version| (*version, BEHIND.to_owned()));
    std::iter::once((2, WHY.to_owned())).chain(behind).collect()
}

on_both! {
    async fn a_poisoned_event_is_parked_with_those_behind_it(database: Database) {
        let desk = Desk::open(&database, ChaoticBus::local(3)).await;
        let (order, other) = (aggregate(), aggregate());
        poisoned(&desk, order, other).await;
        assert_eq!(desk.parked(order).await, parked(&[3]));
        // Its effect went with it, and so did its place in the inbox.
        assert_eq!(desk.effects(order).await, [1]);
        assert_eq!(desk.inbox(order).await, [(1, "handled".to_owned())]);
        // Others of the same consumer go on.
        assert_eq!(desk.effects(other).await, [1, 2]);
    }

    async fn an_id_names_one_event(database: Database) {
        let desk = Desk::open(&database, ChaoticBus::local(3)).await;
        let (order, other) = (aggregate(), aggregate());
        let first = desk.event(order, 1);
        for _ in 0..2 {
            desk.deliver(&first).await;
        }
        desk.deliver(&Envelope { id: first.id, ..desk.event(other, 1) }).await;
        assert_eq!((desk.effects(order).await, desk.effects(other).await), (vec![1], vec![]));
        let parked = desk.parked(other).await;
        assert!(desk.parked(order).await.is_empty() && parked[0].1.contains("an id names one event"), "{parked:?}");
    }

    async fn a_replay_handles_them_in_order(database: Database) {
        let desk = Desk::open(&database, ChaoticBus::local(3)).await;
        let order = aggregate();
        poisoned(&desk, order, aggregate()).await;
        let again = desk.subscription.replay(order).await.unwrap();
        assert_eq!(again, Replayed { replayed: 0, parked: 2, reason: WHY.to_owned() });
        assert_eq!((desk.effects(order).await, desk.parked(order).await), (vec![1], parked(&[3])));
        desk.clerk.is_fine_again();
        // What comes meanwhile waits too, though it could be handled by itself.
        desk.deliver(&desk.event(order, 4)).await;
        assert_eq!(desk.parked(order).await, parked(&[3, 4]));
        let replayed = desk.subscription.replay(order).await.unwrap();
        assert_eq!(replayed, Replayed { replayed: 3, parked: 0, reason: String::new() });
        assert!(desk.parked(order).await.is_empty());
        desk.deliver(&desk.event(order, 5)).await;
        assert_eq!(desk.effects(order).await, [1, 2, 3, 4, 5]);
        let nothing = desk.subscription.replay(order).await.unwrap();
        assert_eq!(nothing, Replayed { replayed: 0, parked: 0, reason: String::new() });
    }

    async fn a_replay_stops_at_the_first_that_still_fails(database: Database) {
        let desk = Desk::open(&database, LocalBus::new()).await;
        let order = aggregate();
        poisoned(&desk, order, aggregate()).await;
        desk.clerk.is_fine_again();
        let fourth = desk.event(order, 4);
        desk.clerk.is(&fourth, Mood::Poison);
        desk.deliver(&fourth).await;
        let replayed = desk.subscription.replay(order).await.unwrap();
        assert_eq!(replayed, Replayed { replayed: 2, parked: 1, reason: WHY.to_owned() });
        assert_eq!(desk.effects(order).await, [1, 2, 3]);
    }

    async fn a_replayed_event_that_comes_again_has_no_second_effect(database: Database) {
        let desk = Desk::open(&database, LocalBus::new()).await;
        let order = aggregate();
        let event = desk.event(order, 1);
        desk.clerk.is(&event, Mood::Poison);
        desk.deliver(&event).await;
        desk.deliver(&event).await;
        assert_eq!(desk.parked(order).await.len(), 1);
        desk.clerk.is_fine_again();
        assert_eq!(desk.subscription.replay(order).await.unwrap().replayed, 1);
        desk.deliver(&event).await;
        assert_eq!(desk.effects(order).await, [1]);
    }

    async fn what_fails_too_often_is_parked(database: Database) {
        let desk = Desk::open(&database, LocalBus::new()).await;
        let order = aggregate();
        let event = desk.event(order, 1);
        desk.clerk.is(&event, Mood::NotYet(u32::MAX));
        desk.deliver(&event).await;
        assert_eq!(desk.parked(order).await, [(1, "not yet: the order is not here".to_owned())]);
        assert_eq!(desk.clerk.tries.load(Ordering::SeqCst), 8);
        assert!(desk.effects(order).await.is_empty());
    }

    async fn what_cannot_be_read_is_a_poison(database: Database) {
        let desk = Desk::open(&database, LocalBus::new()).await;
        let mut event = desk.event(aggregate(), 1);
        assert_eq!(event.decode::<String>().unwrap(), "a text");
        event.payload = vec![0xff, 0xff];
        let wrong = event.decode::<String>().unwrap_err().to_string();
        assert!(wrong.starts_with("the payload of order.placed.v1 cannot be read: "), "{wrong}");
    }
}
