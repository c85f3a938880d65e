//! QR payments: payment alone knows whether money came, and order ends only what was not paid.

use chrono::Duration;
use futures::future::join;
use proto::order::v1::{CancelOrderRequest, ListOrdersRequest, Order, OrderState, PaymentMethod};
use testkit::on_both;

use crate::shop::{BUYER, Shop, place_request, reason, request_id};
use crate::world::Failure;

async fn awaiting(shop: &Shop) -> Order {
    let request = place_request(&shop.quote().await, PaymentMethod::Duitnow);
    let order = shop.orders(BUYER).place_order(request).await.unwrap().into_inner().order.unwrap();
    assert_eq!(order.state(), OrderState::AwaitingPayment);
    order
}

fn cancel(order: &Order) -> CancelOrderRequest {
    CancelOrderRequest { request_id: request_id(), order_id: order.order_id.clone(), reason: String::new() }
}

on_both! {
    async fn an_order_waits_for_its_payment(database: Database) {
        let shop = Shop::open(&database).await;
        let request = place_request(&shop.quote().await, PaymentMethod::Duitnow);
        let order = shop.orders(BUYER).place_order(request.clone()).await.unwrap().into_inner().order.unwrap();
        let payment = order.payment.clone().unwrap();
        assert_eq!((order.state(), payment.qr_payload.as_str()), (OrderState::AwaitingPayment, "000201..."));
        assert!(payment.expires_at.is_some() && payment.paid_at.is_none());
        assert!(shop.saga(&order.order_id).await.settled);
        assert_eq!(shop.told("order.confirmed.v1").await, 0);
        shop.paid(&order).await;
        shop.tell_paid(&order).await;
        let paid = shop.comes_to(&order.order_id, OrderState::Confirmed).await;
        let payment = paid.payment.clone().unwrap();
        assert!(payment.qr_payload.is_empty() && payment.paid_at.is_some());
        assert_eq!((paid.version, shop.told("order.confirmed.v1").await), (3, 1));
        // The request's answer stays what it was.
        let again = shop.orders(BUYER).place_order(request).await.unwrap().into_inner().order.unwrap();
        assert_eq!(again, order);
        shop.hub.advance(Duration::days(1));
        assert_eq!(shop.get(&order.order_id).await.state(), OrderState::Confirmed);
        assert_eq!(shop.audit().await, Vec::<String>::new());
        shop.hub.stop().await;
    }

    async fn money_that_is_faster_than_the_answer_counts(database: Database) {
        let shop = Shop::with(&database, "lease_seconds = 1\nattempts_max = 100").await;
        // The hold is there, its answer is lost, and the buyer pays meanwhile.
        shop.world.fail("Authorise", vec![Failure::Lost; 6]);
        let request = place_request(&shop.quote().await, PaymentMethod::Duitnow);
        let (mut orders, asked) = (shop.orders(BUYER), request.clone());
        let placing = tokio::spawn(async move { orders.place_order(asked).await });
        let order = testkit::eventually("money is asked for", || async {
            if shop.world.state().holds.is_empty() {
                return None;
            }
            let listed = shop.orders(BUYER).list_orders(ListOrdersRequest::default()).await.unwrap().into_inner();
            listed.orders.into_iter().next()
        })
        .await;
        // Told, while a repeated Authorise still answers that the money is awaited.
        shop.tell_paid(&order).await;
        let placed = placing.await.unwrap().unwrap().into_inner().order.unwrap();
        assert_eq!(placed.state(), OrderState::Confirmed);
        assert_eq!(shop.told("order.confirmed.v1").await, 1);
        assert_eq!(shop.audit().await, Vec::<String>::new());
        shop.hub.stop().await;
    }

    async fn a_code_that_is_not_paid_in_time_ends_the_order(database: Database) {
        let shop = Shop::open(&database).await;
        let order = awaiting(&shop).await;
        shop.world.fail("CancelPayment", [Failure::Lost, Failure::Away, Failure::Away, Failure::Away]);
        shop.hub.advance(Duration::minutes(16));
        let ended = shop.comes_to(&order.order_id, OrderState::Cancelled).await;
        assert_eq!(ended.cancel_reason, "PAYMENT_EXPIRED");
        assert!(shop.world.nothing_is_held());
        assert_eq!(shop.told("order.cancelled.v1").await, 1);
        // Money that comes now is payment's to give back.
        shop.tell_paid(&order).await;
        assert_eq!(shop.get(&order.order_id).await.version, ended.version);
        assert_eq!(shop.audit().await, Vec::<String>::new());
        shop.hub.stop().await;
    }

    async fn money_that_came_in_time_is_not_sent_back_for_a_late_word(database: Database) {
        let shop = Shop::open(&database).await;
        let order = awaiting(&shop).await;
        shop.pay();
        shop.hub.advance(Duration::minutes(16));
        shop.comes_to(&order.order_id, OrderState::Confirmed).await;
        shop.tell_paid(&order).await;
        assert_eq!(shop.told("order.confirmed.v1").await, 1);
        assert_eq!(shop.world.count("Release"), 0);
        assert_eq!(shop.audit().await, Vec::<String>::new());
        shop.hub.stop().await;
    }

    async fn a_buyer_may_change_his_mind(database: Database) {
        let shop = Shop::open(&database).await;
        let order = awaiting(&shop).await;
        let request = cancel(&order);
        let cancelled = shop.orders(BUYER).cancel_order(request.clone()).await.unwrap().into_inner();
        let ended = cancelled.order.clone().unwrap();
        assert_eq!((ended.state(), ended.cancel_reason.as_str()), (OrderState::Cancelled, "BUYER_CANCELLED"));
        assert!(shop.world.nothing_is_held());
        assert_eq!(shop.orders(BUYER).cancel_order(request).await.unwrap().into_inner(), cancelled);
        let refused = shop.orders(BUYER).cancel_order(cancel(&order)).await.unwrap_err();
        assert_eq!(reason(&refused), "ALREADY_CANCELLED");
        shop.hub.stop().await;
    }

    async fn a_buyer_who_has_paid_gets_it_back(database: Database) {
        let shop = Shop::open(&database).await;
        let order = awaiting(&shop).await;
        shop.pay();
        let ended = shop.orders(BUYER).cancel_order(cancel(&order)).await.unwrap().into_inner().order.unwrap();
        assert_eq!(ended.state(), OrderState::Cancelled);
        // Confirmed first, so that the money has a place to come back from.
        let kinds: Vec<String> = shop.hub.told().await.into_iter().map(|event| event.kind).collect();
        assert_eq!(kinds, ["order.confirmed.v1", "order.cancelled.v1"]);
        assert_eq!(shop.world.state().kept_back, std::slice::from_ref(&order.order_id));
        assert_eq!((shop.world.count("Release"), shop.world.count("Void")), (0, 0));
        shop.tell_paid(&order).await;
        assert_eq!(shop.get(&order.order_id).await.state(), OrderState::Cancelled);
        assert_eq!(shop.audit().await, Vec::<String>::new());
        shop.hub.stop().await;
    }

    async fn paying_and_cancelling_race(database: Database) {
        let shop = Shop::open(&database).await;
        for _ in 0..8 {
            shop.world.state().holds.clear();
            shop.world.state().reservations.clear();
            let before = (shop.told("order.confirmed.v1").await, shop.world.count("Release"));
            let order = awaiting(&shop).await;
            let mut orders = shop.orders(BUYER);
            let (cancelled, ()) = join(orders.cancel_order(cancel(&order)), async {
                let is_awaiting = shop.world.the_hold().1.state == proto::payment::v1::PaymentState::Awaiting;
                if is_awaiting {
                    shop.paid(&order).await;
                }
            })
            .await;
            cancelled.unwrap();
            let ended = shop.comes_to(&order.order_id, OrderState::Cancelled).await;
            let confirmed = shop.told("order.confirmed.v1").await - before.0;
            let released = shop.world.count("Release") - before.1;
            // Either it was never confirmed and all was given back, or confirmed and cancelled by event.
            assert!(confirmed + released == 1, "{confirmed} {released} {ended:?}");
        }
        assert_eq!(shop.audit().await, Vec::<String>::new());
        shop.hub.stop().await;
    }
}
