//! Trouble at every step: an order that was begun is confirmed or given back, by itself, and never both.

use std::time::Duration;

use proto::order::v1::{ListOrdersRequest, Order, OrderState, PaymentMethod};
use testkit::{eventually, on_both};
use tonic::{Code, Request};

use crate::shop::{BUYER, Shop, place_request, reason};
use crate::world::Failure;

/// The buyer's only order.
async fn the_order(shop: &Shop) -> Order {
    eventually("the order is saved", || async {
        let listed = shop.orders(BUYER).list_orders(ListOrdersRequest::default()).await.unwrap().into_inner();
        assert!(listed.orders.len() < 2);
        listed.orders.into_iter().next()
    })
    .await
}

on_both! {
    async fn an_answer_that_is_lost_is_asked_for_again(database: Database) {
        let shop = Shop::open(&database).await;
        for rpc in ["Reserve", "Authorise"] {
            for failures in [vec![Failure::Lost], vec![Failure::Away], vec![Failure::Away, Failure::Lost]] {
                shop.world.fail(rpc, failures);
                let order = shop.order().await;
                assert_eq!(order.state(), OrderState::Confirmed);
            }
        }
        assert_eq!(shop.world.held(), (6, 6));
        assert_eq!(shop.told("order.confirmed.v1").await, 6);
        assert_eq!(shop.audit().await, Vec::<String>::new());
        shop.hub.stop().await;
    }

    async fn trouble_that_lasts_is_taken_up_again(database: Database) {
        let shop = Shop::open(&database).await;
        for rpc in ["Reserve", "Authorise"] {
            // More than one attempt makes, fewer than all.
            shop.world.fail(rpc, [Failure::Away, Failure::Lost, Failure::Lost, Failure::Away]);
            let request = place_request(&shop.quote().await, PaymentMethod::Wallet);
            let order = shop.orders(BUYER).place_order(request).await.unwrap().into_inner().order.unwrap();
            assert_eq!(order.state(), OrderState::Confirmed);
            let saga = shop.saga(&order.order_id).await;
            assert_eq!((saga.attempt, saga.step.as_str(), saga.settled), (2, "confirmed", true));
        }
        assert_eq!(shop.world.held(), (2, 2));
        assert_eq!(shop.told("order.confirmed.v1").await, 2);
        shop.hub.stop().await;
    }

    async fn what_cannot_be_placed_is_given_up_and_back(database: Database) {
        for rpc in ["Reserve", "Authorise"] {
            let other = database.another().await;
            let shop = Shop::open(&other).await;
            shop.world.away(rpc);
            let request = place_request(&shop.quote().await, PaymentMethod::Wallet);
            let mut patient = Request::new(request.clone());
            patient.set_timeout(Duration::from_secs(30));
            let refused = shop.orders(BUYER).place_order(patient).await.unwrap_err();
            assert_eq!(reason(&refused), "SERVICE_UNAVAILABLE");
            assert_eq!(refused.code(), Code::FailedPrecondition);
            assert!(shop.world.nothing_is_held());
            let order = the_order(&shop).await;
            assert_eq!((order.state(), order.cancel_reason.as_str()), (OrderState::Cancelled, "SERVICE_UNAVAILABLE"));
            // Three attempts to place, three calls each; none came after it was given up.
            assert_eq!(shop.world.count(rpc), 9);
            shop.world.back();
            let again = shop.orders(BUYER).place_order(request).await.unwrap_err();
            assert_eq!(reason(&again), "SERVICE_UNAVAILABLE");
            assert_eq!(shop.world.count(rpc), 9);
            shop.hub.stop().await;
            other.remove().await;
        }
    }

    async fn giving_back_goes_on_until_it_is_done(database: Database) {
        let shop = Shop::open(&database).await;
        for rpc in ["Release", "Void"] {
            shop.world.fail("Authorise", [Failure::Refuse("INSUFFICIENT_FUNDS")]);
            shop.world.fail(rpc, [Failure::Away, Failure::Lost, Failure::Away, Failure::Lost, Failure::Away]);
            let request = place_request(&shop.quote().await, PaymentMethod::Wallet);
            let refused = shop.orders(BUYER).place_order(request).await.unwrap_err();
            assert_eq!(reason(&refused), "INSUFFICIENT_FUNDS");
            assert!(shop.world.nothing_is_held());
        }
        assert_eq!(shop.told("order.cancelled.v1").await, 2);
        assert_eq!(shop.audit().await, Vec::<String>::new());
        shop.hub.stop().await;
    }

    async fn a_client_that_does_not_wait_finds_its_order(database: Database) {
        let shop = Shop::with(&database, "lease_seconds = 1\nattempts_max = 100").await;
        shop.world.away("Authorise");
        let request = place_request(&shop.quote().await, PaymentMethod::Wallet);
        let mut hasty = Request::new(request.clone());
        hasty.set_timeout(Duration::from_millis(200));
        let gone = shop.orders(BUYER).place_order(hasty).await.unwrap_err();
        assert!(matches!(gone.code(), Code::Aborted | Code::DeadlineExceeded | Code::Cancelled), "{gone:?}");
        let order = the_order(&shop).await;
        assert_eq!(order.state(), OrderState::Placing);
        shop.world.back();
        let placed = shop.orders(BUYER).place_order(request).await.unwrap().into_inner().order.unwrap();
        assert_eq!((placed.order_id.as_str(), placed.state()), (order.order_id.as_str(), OrderState::Confirmed));
        assert_eq!(shop.world.held(), (1, 1));
        shop.hub.stop().await;
    }

    async fn an_attempt_that_was_overtaken_changes_nothing(database: Database) {
        for (rpc, refusal) in [("Reserve", "OUT_OF_STOCK"), ("Authorise", "INSUFFICIENT_FUNDS")] {
            let other = database.another().await;
            let shop = Shop::with(&other, "lease_seconds = 1\ncall_timeout_ms = 20000").await;
            // The first attempt hangs for longer than its lease; the second decides otherwise.
            shop.world.fail(rpc, [Failure::Hang, Failure::Refuse(refusal)]);
            let mut patient = Request::new(place_request(&shop.quote().await, PaymentMethod::Wallet));
            patient.set_timeout(Duration::from_secs(30));
            let mut orders = shop.orders(BUYER);
            let placing = tokio::spawn(async move { orders.place_order(patient).await });
            let order = the_order(&shop).await;
            let ended = shop.comes_to(&order.order_id, OrderState::Cancelled).await;
            assert_eq!(shop.saga(&order.order_id).await.attempt, 2);
            shop.world.go_on();
            // The first is told what the second decided.
            assert_eq!(reason(&placing.await.unwrap().unwrap_err()), refusal);
            assert_eq!(shop.get(&order.order_id).await, ended);
            assert!(shop.world.nothing_is_held());
            assert_eq!((shop.told("order.confirmed.v1").await, shop.told("order.cancelled.v1").await), (0, 1));
            assert_eq!(shop.audit().await, Vec::<String>::new());
            shop.hub.stop().await;
            other.remove().await;
        }
    }

    async fn two_attempts_confirm_once(database: Database) {
        for rpc in ["Reserve", "Authorise"] {
            let other = database.another().await;
            let shop = Shop::with(&other, "lease_seconds = 1\ncall_timeout_ms = 20000").await;
            shop.world.fail(rpc, [Failure::Hang]);
            let mut patient = Request::new(place_request(&shop.quote().await, PaymentMethod::Wallet));
            patient.set_timeout(Duration::from_secs(30));
            let mut orders = shop.orders(BUYER);
            let placing = tokio::spawn(async move { orders.place_order(patient).await });
            let order = the_order(&shop).await;
            let confirmed = shop.comes_to(&order.order_id, OrderState::Confirmed).await;
            shop.world.go_on();
            assert_eq!(placing.await.unwrap().unwrap().into_inner().order, Some(confirmed.clone()));
            assert_eq!((shop.get(&order.order_id).await, confirmed.version), (confirmed, 2));
            assert_eq!((shop.told("order.confirmed.v1").await, shop.world.held()), (1, (1, 1)));
            assert_eq!(shop.audit().await, Vec::<String>::new());
            shop.hub.stop().await;
            other.remove().await;
        }
    }

    async fn a_saga_is_taken_up_though_the_clock_was_set_back(database: Database) {
        let shop = Shop::with(&database, "lease_seconds = 300\ncall_timeout_ms = 20000").await;
        shop.world.fail("Reserve", [Failure::Hang]);
        let mut patient = Request::new(place_request(&shop.quote().await, PaymentMethod::Wallet));
        patient.set_timeout(Duration::from_secs(30));
        let mut orders = shop.orders(BUYER);
        let placing = tokio::spawn(async move { orders.place_order(patient).await });
        let order = the_order(&shop).await;
        // What was written before the clock was set back by an hour is of a time that is yet to come.
        let then = kernel::Clock::system().now() + chrono::Duration::hours(1);
        let ahead: Result<u64, db::Error> = shop.hub.db.write(move |tx| Box::pin(async move {
            db::execute!(tx, "update sagas set wake_at = $1, moved_at = $2", then + chrono::Duration::seconds(300), then)
        })).await;
        assert_eq!(ahead.unwrap(), 1);
        shop.comes_to(&order.order_id, OrderState::Confirmed).await;
        // Taken up once: whoever did so has it for as long as a lease lasts.
        assert_eq!(shop.saga(&order.order_id).await.attempt, 2);
        shop.world.go_on();
        placing.await.unwrap().unwrap();
        assert_eq!((shop.told("order.confirmed.v1").await, shop.world.held()), (1, (1, 1)));
        shop.hub.stop().await;
    }

    async fn a_restart_goes_on_where_it_was(database: Database) {
        for rpc in ["Reserve", "Authorise"] {
            let other = database.another().await;
            let shop = Shop::with(&other, "lease_seconds = 1\nattempts_max = 100").await;
            shop.world.away(rpc);
            let mut hasty = Request::new(place_request(&shop.quote().await, PaymentMethod::Wallet));
            hasty.set_timeout(Duration::from_millis(200));
            shop.orders(BUYER).place_order(hasty).await.unwrap_err();
            let order = the_order(&shop).await;
            let Shop { hub, world, seller, silk } = shop;
            let shop = Shop { hub: hub.restart().await, world, seller, silk };
            assert_eq!(shop.get(&order.order_id).await.state(), OrderState::Placing);
            shop.world.back();
            shop.comes_to(&order.order_id, OrderState::Confirmed).await;
            assert_eq!(shop.world.held(), (1, 1));
            assert_eq!(shop.told("order.confirmed.v1").await, 1);
            assert_eq!(shop.audit().await, Vec::<String>::new());
            shop.hub.stop().await;
            other.remove().await;
        }
    }
}
