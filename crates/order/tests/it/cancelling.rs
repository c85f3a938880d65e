//! Cancelling a confirmed order: logistics says whether the goods can still be kept back.

use proto::logistics::events::v1::ShipmentState;
use proto::order::events::v1::OrderCancelled;
use proto::order::v1::{
    CancelOrderRequest, ConfirmReceiptRequest, ConsignmentState, ListOrdersRequest, Order, OrderState,
    PaymentMethod,
};
use testkit::on_both;
use tonic::Code;

use crate::shop::{BUYER, Shop, consignment_id, place_request, reason, request_id};
use crate::world::Failure;

fn cancel(order: &Order) -> CancelOrderRequest {
    CancelOrderRequest {
        request_id: request_id(),
        order_id: order.order_id.clone(),
        reason: "too late".to_owned(),
    }
}

on_both! {
    async fn what_was_not_picked_up_is_cancelled_and_refunded(database: Database) {
        let shop = Shop::open(&database).await;
        let order = shop.order_of_two().await;
        shop.booked(&order, 0).await;
        shop.world.fail("CancelConsignments", [Failure::Lost, Failure::Away, Failure::Away, Failure::Away]);
        let request = cancel(&order);
        let ended = shop.orders(BUYER).cancel_order(request.clone()).await.unwrap().into_inner().order.unwrap();
        assert_eq!((ended.state(), ended.cancel_message.as_str()), (OrderState::Cancelled, "too late"));
        assert!(ended.consignments.iter().all(|one| one.state() == ConsignmentState::Cancelled));
        let told: Vec<OrderCancelled> = shop.hub.told_of("order.cancelled.v1").await;
        assert_eq!(told.len(), 1);
        assert!(told[0].was_confirmed && told[0].hold_id == shop.world.the_hold().0);
        // Catalog and payment hear of it by the event: nothing is released or voided behind it.
        assert_eq!((shop.world.count("Release"), shop.world.count("Void")), (0, 0));
        let total = order.price.as_ref().unwrap().total.clone().unwrap();
        shop.refunded(&order, "", &total, 5).await;
        let refunded = shop.get(&order.order_id).await;
        assert_eq!(refunded.refunded, Some(total));
        for consignment in &refunded.consignments {
            assert_eq!(consignment.refunded, consignment.quoted.as_ref().unwrap().price.as_ref().unwrap().total);
        }
        // The quote of a confirmed order stays taken.
        let mut again = place_request(&shop.quote().await, PaymentMethod::Wallet);
        again.quote_id = order.quote_id.clone();
        assert_eq!(reason(&shop.orders(BUYER).place_order(again).await.unwrap_err()), "QUOTE_ALREADY_ORDERED");
        assert_eq!(shop.orders(BUYER).cancel_order(request).await.unwrap().into_inner().order, Some(ended));
        assert_eq!(shop.audit().await, Vec::<String>::new());
        shop.hub.stop().await;
    }

    async fn what_was_picked_up_goes_on(database: Database) {
        let shop = Shop::open(&database).await;
        let order = shop.order().await;
        // Logistics knows before this service does.
        shop.world.state().picked_up = true;
        let request = cancel(&order);
        for _ in 0..2 {
            let refused = shop.orders(BUYER).cancel_order(request.clone()).await.unwrap_err();
            assert_eq!((refused.code(), reason(&refused)), (Code::FailedPrecondition, "ALREADY_PICKED_UP".to_owned()));
        }
        assert_eq!(shop.world.count("CancelConsignments"), 1);
        let stays = shop.comes_to(&order.order_id, OrderState::Confirmed).await;
        assert_eq!(stays.version, order.version);
        // Later it knows by itself.
        shop.moved(&order, 0, ShipmentState::PickedUp, shop.hub.now()).await;
        assert_eq!(reason(&shop.orders(BUYER).cancel_order(cancel(&order)).await.unwrap_err()), "ALREADY_PICKED_UP");
        assert_eq!(shop.world.count("CancelConsignments"), 1);
        shop.delivered(&order, 0).await;
        shop.released(&order, 0, 4).await;
        assert_eq!(reason(&shop.orders(BUYER).cancel_order(cancel(&order)).await.unwrap_err()), "ALREADY_PAID_OUT");
        assert_eq!(shop.audit().await, Vec::<String>::new());
        shop.hub.stop().await;
    }

    async fn an_order_that_is_being_placed_cannot_be_cancelled_yet(database: Database) {
        let shop = Shop::with(&database, "lease_seconds = 1\nattempts_max = 100").await;
        shop.world.away("Reserve");
        let request = place_request(&shop.quote().await, PaymentMethod::Wallet);
        let mut orders = shop.orders(BUYER);
        let placing = tokio::spawn(async move { orders.place_order(request).await });
        let order = testkit::eventually("the order is saved", || async {
            let listed = shop.orders(BUYER).list_orders(ListOrdersRequest::default()).await.unwrap().into_inner();
            listed.orders.into_iter().next()
        })
        .await;
        let request = cancel(&order);
        let busy = shop.orders(BUYER).cancel_order(request.clone()).await.unwrap_err();
        assert_eq!((busy.code(), reason(&busy)), (Code::Aborted, "ORDER_IN_PROGRESS".to_owned()));
        assert!(rpc::status::retry_after(&busy).is_some());
        shop.world.back();
        placing.await.unwrap().unwrap();
        // The same request again is not bound to that answer.
        let ended = shop.orders(BUYER).cancel_order(request).await.unwrap().into_inner().order.unwrap();
        assert_eq!(ended.state(), OrderState::Cancelled);
        shop.hub.stop().await;
    }

    async fn what_is_being_cancelled_cannot_be_received(database: Database) {
        let shop = Shop::with(&database, "lease_seconds = 1\nattempts_max = 100").await;
        let order = shop.order_of_two().await;
        shop.booked(&order, 0).await;
        shop.world.state().picked_up = true;
        shop.world.away("CancelConsignments");
        let (mut orders, request) = (shop.orders(BUYER), cancel(&order));
        let cancelling = tokio::spawn(async move { orders.cancel_order(request).await });
        testkit::eventually("logistics is asked", || async {
            (shop.world.count("CancelConsignments") > 0).then_some(())
        })
        .await;
        // Logistics knows by now, and so does this service, but not whether logistics has kept the goods back.
        shop.moved(&order, 0, ShipmentState::PickedUp, shop.hub.now()).await;
        let receipt = ConfirmReceiptRequest {
            request_id: request_id(),
            order_id: order.order_id.clone(),
            consignment_id: consignment_id(&order, 0),
        };
        let busy = shop.orders(BUYER).confirm_receipt(receipt.clone()).await.unwrap_err();
        assert_eq!((busy.code(), reason(&busy)), (Code::Aborted, "ORDER_IN_PROGRESS".to_owned()));
        shop.world.back();
        assert_eq!(reason(&cancelling.await.unwrap().unwrap_err()), "ALREADY_PICKED_UP");
        let received = shop.orders(BUYER).confirm_receipt(receipt).await.unwrap().into_inner().order.unwrap();
        assert_eq!(received.consignments[0].state(), ConsignmentState::Received);
        shop.hub.stop().await;
    }
}
