//! Parcels move on, by what carriers report and by the sandbox carrier.

use chrono::Duration;
use proto::logistics::events::v1::TrackingRecorded;
use proto::logistics::v1::{DeclarationState, Shipment, ShipmentState};
use rpc::status::{fields, reason};
use testkit::{eventually, on_both};
use tonic::Code;

use crate::depot::{Depot, event_reference, report};

const ROAD: [ShipmentState; 8] = [
    ShipmentState::PickedUp,
    ShipmentState::ExportCleared,
    ShipmentState::Departed,
    ShipmentState::Arrived,
    ShipmentState::ImportAssessed,
    ShipmentState::Released,
    ShipmentState::OutForDelivery,
    ShipmentState::Delivered,
];

on_both! {
    async fn each_step_is_taken_once_and_told_once(database: Database) {
        let depot = Depot::open(&database).await;
        let (_, shipments) = depot.book(&["TH"]).await;
        for state in ROAD {
            let reference = event_reference();
            for _ in 0..2 {
                let moved = depot.report(&shipments[0], state, &reference).await.unwrap();
                assert_eq!(moved.state(), state);
            }
            // By another event: known already.
            depot.report(&shipments[0], state, &event_reference()).await.unwrap();
        }
        let told: Vec<TrackingRecorded> = depot.hub.told_of("logistics.tracking_recorded.v1").await;
        let names: Vec<&str> = told.iter().map(|told| told.state().as_str_name()).collect();
        assert_eq!(names, ROAD.map(|state| state.as_str_name()));
        let seen = depot.shipment(&shipments[0].tracking_number).await;
        assert_eq!(seen.events.iter().map(|event| event.state()).collect::<Vec<_>>(), ROAD);
        let declaration = depot.declaration(&shipments[0].declaration_id).await;
        assert_eq!(declaration.state(), DeclarationState::Released);
        assert!(declaration.lodged_at.is_some() && declaration.released_at.is_some());
        depot.hub.stop().await;
    }

    async fn what_comes_late_has_its_place_in_the_history_and_moves_nothing(database: Database) {
        let depot = Depot::open(&database).await;
        let (_, shipments) = depot.book(&["TH"]).await;
        let picked_up_at = depot.hub.now();
        depot.hub.advance(Duration::hours(9));
        depot.report(&shipments[0], ShipmentState::Arrived, "1").await.unwrap();
        depot.hub.advance(Duration::hours(9));
        depot.report(&shipments[0], ShipmentState::Departed, "2").await.unwrap();
        let request = report(&shipments[0], ShipmentState::PickedUp, "3", Some(picked_up_at));
        let late = depot.tracking("selat").record_tracking_event(request).await.unwrap().into_inner().shipment.unwrap();
        let states: Vec<ShipmentState> = late.events.iter().map(|event| event.state()).collect();
        let in_order = [ShipmentState::PickedUp, ShipmentState::Departed, ShipmentState::Arrived];
        assert_eq!((late.state(), states), (ShipmentState::Arrived, in_order.to_vec()));
        let told: Vec<TrackingRecorded> = depot.hub.told_of("logistics.tracking_recorded.v1").await;
        assert_eq!(told.len(), 3);
        // Nothing can be picked up after it has left.
        let (_, shipments) = depot.book(&["TH"]).await;
        depot.report(&shipments[0], ShipmentState::Departed, "4").await.unwrap();
        depot.hub.advance(Duration::hours(1));
        let request = report(&shipments[0], ShipmentState::PickedUp, "5", Some(depot.hub.now()));
        let refused = depot.tracking("selat").record_tracking_event(request).await.unwrap_err();
        assert_eq!((refused.code(), fields(&refused)), (Code::InvalidArgument, vec!["occurred_at".to_owned()]));
        depot.hub.stop().await;
    }

    async fn nothing_is_delivered_that_customs_has_not_released(database: Database) {
        let depot = Depot::open(&database).await;
        let (_, shipments) = depot.book(&["TH", "MY"]).await;
        let refused = depot.report(&shipments[0], ShipmentState::Delivered, "1").await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_deref()), (Code::FailedPrecondition, Some("INVALID_TRANSITION")));
        let refused = depot.report(&shipments[1], ShipmentState::Arrived, "2").await.unwrap_err();
        assert_eq!(reason(&refused).as_deref(), Some("INVALID_TRANSITION"));
        depot.report(&shipments[1], ShipmentState::Delivered, "3").await.unwrap();
        depot.hub.stop().await;
    }

    async fn a_step_has_its_time_between_booking_and_now(database: Database) {
        let depot = Depot::open(&database).await;
        let (_, shipments) = depot.book(&["TH"]).await;
        let now = depot.hub.now();
        for at in [now + Duration::minutes(1), now - Duration::days(2)] {
            let request = report(&shipments[0], ShipmentState::PickedUp, "1", Some(at));
            let refused = depot.tracking("selat").record_tracking_event(request).await.unwrap_err();
            assert_eq!((refused.code(), fields(&refused)), (Code::InvalidArgument, vec!["occurred_at".to_owned()]));
        }
        depot.hub.advance(Duration::hours(3));
        let at = now + Duration::hours(2);
        let request = report(&shipments[0], ShipmentState::PickedUp, "1", Some(at));
        depot.tracking("selat").record_tracking_event(request).await.unwrap();
        depot.hub.stop().await;
    }

    async fn a_delivery_is_not_dated_before_the_pick_up(database: Database) {
        let depot = Depot::open(&database).await;
        let (_, shipments) = depot.book(&["TH"]).await;
        let booked = depot.hub.now();
        depot.hub.advance(Duration::days(40));
        for state in &ROAD[..7] {
            depot.report(&shipments[0], *state, &event_reference()).await.unwrap();
        }
        let deliver = |at| report(&shipments[0], ShipmentState::Delivered, "door", Some(at));
        let request = deliver(booked + Duration::seconds(2));
        let refused = depot.tracking("selat").record_tracking_event(request).await.unwrap_err();
        assert_eq!((refused.code(), fields(&refused)), (Code::InvalidArgument, vec!["occurred_at".to_owned()]));
        // A carrier whose clock is a little ahead is believed, as of now.
        let request = deliver(depot.hub.now() + Duration::seconds(20));
        depot.tracking("selat").record_tracking_event(request).await.unwrap();
        let told: Vec<TrackingRecorded> = depot.hub.told_of("logistics.tracking_recorded.v1").await;
        let delivered = proto::convert::datetime("occurred_at", told[7].occurred_at.as_ref()).unwrap();
        assert!(delivered <= depot.hub.now());
        depot.hub.stop().await;
    }

    async fn one_reference_is_one_event(database: Database) {
        let depot = Depot::open(&database).await;
        let (_, shipments) = depot.book(&["TH", "TH"]).await;
        depot.report(&shipments[0], ShipmentState::PickedUp, "once").await.unwrap();
        let refused = depot.report(&shipments[1], ShipmentState::PickedUp, "once").await.unwrap_err();
        assert_eq!(fields(&refused), ["carrier_reference"]);
        // Nor is it another event of the same parcel.
        let refused = depot.report(&shipments[0], ShipmentState::Departed, "once").await.unwrap_err();
        assert_eq!(fields(&refused), ["carrier_reference"]);
        let mut request = report(&shipments[0], ShipmentState::PickedUp, "once", None);
        request.place = "PEN".to_owned();
        let refused = depot.tracking("selat").record_tracking_event(request).await.unwrap_err();
        assert_eq!(fields(&refused), ["carrier_reference"]);
        assert_eq!(depot.report(&shipments[0], ShipmentState::PickedUp, "once").await.unwrap().events.len(), 1);
        // The same event from many connections at once.
        let reference = event_reference();
        let reports = (0..10).map(|_| depot.report(&shipments[1], ShipmentState::PickedUp, &reference));
        for answer in futures::future::join_all(reports).await {
            assert_eq!(answer.unwrap().events.len(), 1);
        }
        depot.hub.stop().await;
    }

    async fn each_carrier_has_names_of_its_own(database: Database) {
        let depot = Depot::open(&database).await;
        let (_, shipments) = depot.book(&["TH", "TH by monsoon", "TH"]).await;
        let [posted, couriered, other] = &shipments[..] else { panic!("{} parcels", shipments.len()) };
        depot.report(posted, ShipmentState::PickedUp, "E-1").await.unwrap();
        let request = report(couriered, ShipmentState::PickedUp, "E-1", None);
        let answer = depot.tracking("monsoon").record_tracking_event(request).await.unwrap().into_inner();
        assert_eq!(answer.shipment.unwrap().state(), ShipmentState::PickedUp);
        // Not even the sandbox's names can be taken from it.
        let names_of = |parcel: &Shipment| format!("sandbox-{}-picked_up", parcel.tracking_number);
        depot.report(posted, ShipmentState::ExportCleared, &names_of(other)).await.unwrap();
        depot.hub.advance(Duration::hours(13));
        eventually("the other parcel is picked up", || async {
            (depot.shipment(&other.shipment_id).await.state() == ShipmentState::PickedUp).then_some(())
        })
        .await;
        depot.hub.stop().await;
    }

    async fn the_sandbox_carrier_brings_parcels_to_the_door(database: Database) {
        let depot = Depot::with_a_carrier(&database).await;
        let (confirmed, _) = depot.book(&["TH", "MY"]).await;
        let delivered = eventually("both parcels are delivered", || async {
            let shipments = depot.of_order(confirmed.order_id).await;
            shipments.iter().all(|one| one.state() == ShipmentState::Delivered).then_some(shipments)
        });
        let delivered = delivered.await;
        assert_eq!(delivered.iter().map(|one| one.events.len()).collect::<Vec<_>>(), [8, 3]);
        depot.hub.stop().await;
    }

    async fn the_sandbox_carrier_goes_by_the_hubs_clock(database: Database) {
        let depot = Depot::open(&database).await;
        let (_, shipments) = depot.book(&["TH"]).await;
        depot.hub.advance(Duration::hours(13));
        let shipment = &shipments[0].shipment_id;
        eventually("the parcel is picked up", || async {
            (depot.shipment(shipment).await.state() == ShipmentState::PickedUp).then_some(())
        })
        .await;
        let depot = Depot { hub: depot.hub.restart().await, ..depot };
        depot.hub.advance(Duration::hours(7));
        eventually("it is cleared for export", || async {
            (depot.shipment(shipment).await.state() == ShipmentState::ExportCleared).then_some(())
        })
        .await;
        depot.hub.stop().await;
    }
}
