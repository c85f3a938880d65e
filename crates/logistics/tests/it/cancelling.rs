//! Orders that end early: all consignments are cancelled before any is picked up, or none.

use kernel::OrderId;
use proto::logistics::internal::v1::{CancelConsignmentsOutcome, CancelConsignmentsRequest};
use proto::logistics::v1::{DeclarationState, ShipmentState};
use testkit::on_both;
use tonic::Code;

use crate::depot::{Depot, event_reference};

async fn cancel(depot: &Depot, order_id: OrderId) -> CancelConsignmentsOutcome {
    let request = CancelConsignmentsRequest { order_id: order_id.to_string() };
    depot.consignments().cancel_consignments(request).await.unwrap().into_inner().outcome()
}

on_both! {
    async fn before_pick_up_all_are_cancelled(database: Database) {
        let depot = Depot::open(&database).await;
        let (confirmed, shipments) = depot.book(&["TH", "CN"]).await;
        for _ in 0..2 {
            assert_eq!(cancel(&depot, confirmed.order_id).await, CancelConsignmentsOutcome::Cancelled);
        }
        for shipment in &shipments {
            assert_eq!(depot.shipment(&shipment.shipment_id).await.state(), ShipmentState::Cancelled);
            let declaration = depot.declaration(&shipment.declaration_id).await;
            assert_eq!(declaration.state(), DeclarationState::Withdrawn);
        }
        let refused = depot.report(&shipments[0], ShipmentState::PickedUp, "late").await.unwrap_err();
        assert_eq!(rpc::status::reason(&refused).as_deref(), Some("SHIPMENT_CANCELLED"));
        depot.hub.stop().await;
    }

    async fn after_pick_up_none_is(database: Database) {
        let depot = Depot::open(&database).await;
        let (confirmed, shipments) = depot.book(&["TH", "CN"]).await;
        depot.report(&shipments[1], ShipmentState::PickedUp, "first").await.unwrap();
        assert_eq!(cancel(&depot, confirmed.order_id).await, CancelConsignmentsOutcome::AlreadyPickedUp);
        assert_eq!(depot.shipment(&shipments[0].shipment_id).await.state(), ShipmentState::Booked);
        depot.hub.stop().await;
    }

    async fn an_order_never_seen_is_never_booked(database: Database) {
        let depot = Depot::open(&database).await;
        let confirmed = depot.confirmed(&["TH"]);
        assert_eq!(cancel(&depot, confirmed.order_id).await, CancelConsignmentsOutcome::Cancelled);
        depot.hub.tell("order", &confirmed.envelope).await;
        assert_eq!(depot.of_order(confirmed.order_id).await.len(), 0);
        depot.hub.stop().await;
    }

    async fn a_pick_up_and_a_cancel_at_once_end_as_one_of_them(database: Database) {
        let depot = Depot::open(&database).await;
        for _ in 0..30 {
            let (confirmed, shipments) = depot.book(&["TH", "CN"]).await;
            let reference = event_reference();
            let picking = depot.report(&shipments[0], ShipmentState::PickedUp, &reference);
            let (picked, outcome) = tokio::join!(picking, cancel(&depot, confirmed.order_id));
            let states: Vec<_> = depot.of_order(confirmed.order_id).await.iter().map(|one| one.state()).collect();
            match outcome {
                CancelConsignmentsOutcome::Cancelled => {
                    assert_eq!(picked.unwrap_err().code(), Code::FailedPrecondition);
                    assert_eq!(states, [ShipmentState::Cancelled; 2]);
                }
                _ => {
                    assert!(picked.is_ok());
                    assert_eq!(states, [ShipmentState::PickedUp, ShipmentState::Booked]);
                }
            }
        }
        depot.hub.stop().await;
    }
}
