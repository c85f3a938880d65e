//! Parcels on their way, receipts, and the timer of escrow. Every event comes twice and late.

use chrono::Duration;
use proto::logistics::events::v1::ShipmentState;
use proto::order::events::v1::ConsignmentReceived;
use proto::order::v1::{ConfirmReceiptRequest, ConsignmentState, Order, OrderState};
use testkit::{eventually, on_both};
use tonic::Code;

use crate::shop::{BUYER, Shop, consignment_id, reason, request_id};

fn receipt(order: &Order, place: Option<usize>) -> ConfirmReceiptRequest {
    ConfirmReceiptRequest {
        request_id: request_id(),
        order_id: order.order_id.clone(),
        consignment_id: place.map(|place| consignment_id(order, place)).unwrap_or_default(),
    }
}

on_both! {
    async fn parcels_are_seen_step_by_step(database: Database) {
        let shop = Shop::open(&database).await;
        let order = shop.order_of_two().await;
        let now = shop.hub.now();
        shop.booked(&order, 0).await;
        shop.booked(&order, 1).await;
        let steps = [
            (ShipmentState::PickedUp, ConsignmentState::InTransit),
            (ShipmentState::ExportCleared, ConsignmentState::InTransit),
            (ShipmentState::Departed, ConsignmentState::InTransit),
            (ShipmentState::Arrived, ConsignmentState::AtCustoms),
            (ShipmentState::ImportAssessed, ConsignmentState::AtCustoms),
            (ShipmentState::Released, ConsignmentState::Cleared),
            (ShipmentState::OutForDelivery, ConsignmentState::OutForDelivery),
            (ShipmentState::Delivered, ConsignmentState::Delivered),
        ];
        for (minutes, (event, state)) in (0..).zip(steps) {
            for place in [0, 1] {
                shop.moved(&order, place, event, now + Duration::minutes(minutes)).await;
                assert_eq!(shop.get(&order.order_id).await.consignments[place].state(), state);
            }
        }
        let seen = shop.get(&order.order_id).await;
        assert_eq!((seen.state(), seen.version), (OrderState::Delivered, 2 + 2 + 16));
        let consignment = &seen.consignments[1];
        assert_eq!(consignment.tracking_number, "LX123456715MY");
        let names: Vec<&str> = consignment.steps.iter().map(|step| step.status.as_str()).collect();
        let expected = ["picked_up", "export_cleared", "departed", "arrived", "import_assessed", "import_released",
            "out_for_delivery", "delivered"];
        assert_eq!(names, expected);
        let delivered = now + Duration::minutes(7);
        assert_eq!(consignment.delivered_at, Some(proto::convert::timestamp(delivered)));
        assert_eq!(consignment.release_at, Some(proto::convert::timestamp(delivered + Duration::days(7))));
        // What comes again, or from before, changes nothing.
        shop.moved(&order, 1, ShipmentState::Departed, now).await;
        shop.booked(&order, 0).await;
        assert_eq!(shop.get(&order.order_id).await, seen);
        assert_eq!(shop.audit().await, Vec::<String>::new());
        shop.hub.stop().await;
    }

    async fn a_buyer_confirms_what_came(database: Database) {
        let shop = Shop::open(&database).await;
        let order = shop.order_of_two().await;
        let refused = shop.orders(BUYER).confirm_receipt(receipt(&order, None)).await.unwrap_err();
        assert_eq!(reason(&refused), "NOT_DELIVERED");
        shop.delivered(&order, 0).await;
        let refused = shop.orders(BUYER).confirm_receipt(receipt(&order, Some(1))).await.unwrap_err();
        assert_eq!(reason(&refused), "NOT_DELIVERED");
        let request = receipt(&order, Some(0));
        let first = shop.orders(BUYER).confirm_receipt(request.clone()).await.unwrap().into_inner();
        assert_eq!(first.order.as_ref().unwrap().consignments[0].state(), ConsignmentState::Received);
        assert_eq!(shop.orders(BUYER).confirm_receipt(request).await.unwrap().into_inner(), first);
        shop.delivered(&order, 1).await;
        // A new request for what is known to have come changes nothing either.
        shop.orders(BUYER).confirm_receipt(receipt(&order, Some(0))).await.unwrap();
        shop.orders(BUYER).confirm_receipt(receipt(&order, None)).await.unwrap();
        let told: Vec<ConsignmentReceived> = shop.hub.told_of("order.consignment_received.v1").await;
        let ids: Vec<&str> = told.iter().map(|event| event.consignment_id.as_str()).collect();
        assert_eq!(ids, [consignment_id(&order, 0), consignment_id(&order, 1)]);
        assert!(told.iter().all(|event| event.by_buyer));
        shop.released(&order, 0, 5).await;
        assert_eq!(shop.get(&order.order_id).await.state(), OrderState::Delivered);
        shop.released(&order, 1, 6).await;
        shop.released(&order, 1, 7).await;
        let completed = shop.get(&order.order_id).await;
        assert_eq!(completed.state(), OrderState::Completed);
        assert!(completed.consignments.iter().all(|one| one.state() == ConsignmentState::Released));
        let unknown = ConfirmReceiptRequest { consignment_id: kernel::ConsignmentId::new().to_string(), ..receipt(&order, None) };
        assert_eq!(shop.orders(BUYER).confirm_receipt(unknown).await.unwrap_err().code(), Code::NotFound);
        assert_eq!(shop.audit().await, Vec::<String>::new());
        shop.hub.stop().await;
    }

    async fn a_buyer_confirms_what_no_carrier_said_to_have_delivered(database: Database) {
        let shop = Shop::open(&database).await;
        let order = shop.order_of_two().await;
        shop.booked(&order, 0).await;
        let refused = shop.orders(BUYER).confirm_receipt(receipt(&order, Some(0))).await.unwrap_err();
        assert_eq!(reason(&refused), "NOT_DELIVERED");
        shop.moved(&order, 0, ShipmentState::PickedUp, shop.hub.now()).await;
        // By its name alone: what was not delivered is not among all that was.
        let refused = shop.orders(BUYER).confirm_receipt(receipt(&order, None)).await.unwrap_err();
        assert_eq!(reason(&refused), "NOT_DELIVERED");
        let now = shop.hub.now();
        let received = shop.orders(BUYER).confirm_receipt(receipt(&order, Some(0))).await.unwrap().into_inner();
        let consignment = &received.order.unwrap().consignments[0];
        assert_eq!(consignment.state(), ConsignmentState::Received);
        let delivered_at = proto::convert::datetime("delivered_at", consignment.delivered_at.as_ref()).unwrap();
        assert!(delivered_at >= now);
        let told: Vec<ConsignmentReceived> = shop.hub.told_of("order.consignment_received.v1").await;
        assert_eq!((told.len(), told[0].by_buyer), (1, true));
        // The carrier says so later: the time to send goods back begins then, and nothing else changes.
        shop.hub.advance(Duration::days(40));
        let scanned = shop.hub.now();
        shop.moved(&order, 0, ShipmentState::Delivered, scanned).await;
        let seen = shop.get(&order.order_id).await;
        assert_eq!(seen.consignments[0].state(), ConsignmentState::Received);
        assert_eq!(seen.consignments[0].delivered_at, Some(proto::convert::timestamp(scanned)));
        let told: Vec<ConsignmentReceived> = shop.hub.told_of("order.consignment_received.v1").await;
        assert_eq!(told.len(), 1);
        assert_eq!(shop.audit().await, Vec::<String>::new());
        shop.hub.stop().await;
    }

    async fn time_confirms_what_nobody_objects_to(database: Database) {
        let shop = Shop::open(&database).await;
        let order = shop.order_of_two().await;
        shop.delivered(&order, 0).await;
        shop.hub.advance(Duration::days(4));
        shop.delivered(&order, 1).await;
        shop.hub.advance(Duration::days(3) + Duration::seconds(1));
        eventually("the first is received by time", || async {
            let seen = shop.get(&order.order_id).await;
            (seen.consignments[0].state() == ConsignmentState::Received).then_some(())
        })
        .await;
        assert_eq!(shop.get(&order.order_id).await.consignments[1].state(), ConsignmentState::Delivered);
        shop.hub.advance(Duration::days(400));
        eventually("the second too", || async {
            let seen = shop.get(&order.order_id).await;
            (seen.consignments[1].state() == ConsignmentState::Received).then_some(())
        })
        .await;
        let told: Vec<ConsignmentReceived> = shop.hub.told_of("order.consignment_received.v1").await;
        assert_eq!(told.len(), 2);
        assert!(told.iter().all(|event| !event.by_buyer));
        let versions: Vec<i64> = shop.hub.told().await.iter().map(|event| event.aggregate_version).collect();
        assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");
        shop.hub.stop().await;
    }

    async fn a_delivery_that_is_told_late_leaves_the_buyer_all_the_time_there_is(database: Database) {
        let shop = Shop::open(&database).await;
        let order = shop.order().await;
        let delivered = shop.hub.now();
        shop.hub.advance(Duration::days(40));
        shop.moved(&order, 0, ShipmentState::Delivered, delivered).await;
        let seen = shop.get(&order.order_id).await;
        let consignment = &seen.consignments[0];
        assert_eq!(consignment.delivered_at, Some(proto::convert::timestamp(delivered)));
        assert_eq!(consignment.steps[0].occurred_at, consignment.delivered_at);
        let release = proto::convert::datetime("release_at", consignment.release_at.as_ref()).unwrap();
        assert!(release >= delivered + Duration::days(47), "{release}");
        shop.hub.advance(Duration::days(6));
        assert_eq!(shop.get(&order.order_id).await.consignments[0].state(), ConsignmentState::Delivered);
        shop.can_send_back(&order, 0).await;
        shop.hub.stop().await;
    }

    async fn an_event_of_nothing_known_is_parked_and_holds_nobody_up(database: Database) {
        let shop = Shop::open(&database).await;
        let order = shop.order().await;
        let mut foreign = order.clone();
        foreign.order_id = kernel::OrderId::new().to_string();
        foreign.consignments[0].quoted.as_mut().unwrap().consignment_id = kernel::ConsignmentId::new().to_string();
        shop.booked(&foreign, 0).await;
        shop.booked(&order, 0).await;
        assert_eq!(shop.get(&order.order_id).await.consignments[0].state(), ConsignmentState::Booked);
        shop.hub.stop().await;
    }

    async fn bookings_that_come_together_are_all_recorded(database: Database) {
        let shop = Shop::open(&database).await;
        let mut orders = Vec::new();
        for _ in 0..6 {
            orders.push(shop.order_of_two().await);
        }
        let mut foreign = shop.order().await;
        foreign.order_id = kernel::OrderId::new().to_string();
        let told = orders.iter().flat_map(|order| [0, 1].map(|place| shop.booked(order, place)));
        futures::future::join(futures::future::join_all(told), shop.booked(&foreign, 0)).await;
        for order in &orders {
            let seen = shop.get(&order.order_id).await;
            assert_eq!(seen.version, order.version + 2);
            assert!(seen.consignments.iter().all(|one| one.state() == ConsignmentState::Booked));
        }
        assert_eq!(shop.parked().await.len(), 1);
        assert_eq!(shop.audit().await, Vec::<String>::new());
        shop.hub.stop().await;
    }
}
