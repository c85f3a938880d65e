//! Events written with the change that they tell of.

use db::Error;
use events::{LocalBus, Outbox};
use testkit::on_both;

use crate::desk::{Desk, aggregate};

on_both! {
    async fn a_version_is_told_once(database: Database) {
        let desk = Desk::open(&database, LocalBus::new()).await;
        let order = aggregate();
        desk.put(&[desk.event(order, 1)]).await.unwrap();
        let twice = desk.put(&[desk.event(order, 2), desk.event(order, 1)]).await;
        assert!(matches!(twice, Err(Error::Conflict)), "{twice:?}");
        assert_eq!(desk.unpublished().await, 1);
        desk.put(&[desk.event(order, 2), desk.event(aggregate(), 1)]).await.unwrap();
        assert_eq!(desk.unpublished().await, 3);
    }

    async fn an_event_is_kept_from_when_it_occurred_though_the_clock_went_back(database: Database) {
        let desk = Desk::open(&database, LocalBus::new()).await;
        let mut event = desk.event(aggregate(), 1);
        event.occurred_at = desk.clock.now() + chrono::Duration::days(8);
        desk.put(&[event.clone(), desk.event(aggregate(), 1)]).await.unwrap();
        let relay = desk.relay();
        desk.relayed().await;
        relay.stop().await;
        let now = desk.clock.now();
        let kept: Result<Vec<(bool,)>, Error> = desk
            .db
            .read(move |tx| {
                Box::pin(async move {
                    db::fetch_all!(
                        tx,
                        (bool,),
                        "select case when published_at <= $1 then published_at >= occurred_at \
                         else published_at = occurred_at end from outbox",
                        now
                    )
                })
            })
            .await;
        assert_eq!(kept.unwrap(), [(true,), (true,)]);
    }

    async fn a_change_that_is_rolled_back_is_not_told(database: Database) {
        let desk = Desk::open(&database, LocalBus::new()).await;
        let order = aggregate();
        let event = desk.event(order, 1);
        let undone: Result<(), Error> = desk
            .db
            .write(move |tx| {
                let event = event.clone();
                Box::pin(async move {
                    Outbox.put(tx, &event).await?;
                    Err(Error::RowNotFound)
                })
            })
            .await;
        assert!(undone.is_err());
        let told = desk.event(order, 1);
        desk.put(std::slice::from_ref(&told)).await.unwrap();
        let relay = desk.relay();
        desk.relayed().await;
        relay.stop().await;
        assert_eq!(desk.effects(order).await, [1]);
    }
}
