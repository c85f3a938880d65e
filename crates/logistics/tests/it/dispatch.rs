//! What a seller has to send: lists, the live feed, labels, what is ready, and what goes to which carrier.

use std::time::Duration as StdDuration;

use chrono::Duration;
use kernel::SellerId;
use proto::convert::timestamp;
use proto::logistics::v1::dispatch_service_client::DispatchServiceClient;
use proto::logistics::v1::{
    GetHandoverListRequest, GetLabelsRequest, ListConsignmentsRequest, MarkReadyRequest, Shipment,
    ShipmentState, WatchConsignmentsRequest, WatchConsignmentsResponse,
};
use rpc::Role;
use rpc::status::{fields, reason};
use testkit::on_both;
use testkit::service::Line;
use tonic::{Code, Streaming};

use crate::depot::{Depot, event_reference};

fn desk(depot: &Depot) -> DispatchServiceClient<Line> {
    desk_of(depot, &depot.seller)
}

fn desk_of(depot: &Depot, seller: &str) -> DispatchServiceClient<Line> {
    DispatchServiceClient::new(depot.hub.public(Role::Seller, seller))
}

fn ids(shipments: &[Shipment]) -> Vec<String> {
    shipments.iter().map(|shipment| shipment.shipment_id.clone()).collect()
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

fn ready(shipments: &[Shipment]) -> MarkReadyRequest {
    MarkReadyRequest {
        request_id: kernel::EventId::new().uuid().to_string(),
        shipment_ids: ids(shipments),
        not_ready: false,
    }
}

/// What comes next of a feed, within what a seller may have to wait.
async fn next(feed: &mut Streaming<WatchConsignmentsResponse>) -> WatchConsignmentsResponse {
    let next = tokio::time::timeout(StdDuration::from_secs(30), feed.message()).await;
    next.expect("the feed is silent").unwrap().expect("the feed has ended")
}

on_both! {
    async fn consignments_are_listed_by_state_and_date(database: Database) {
        let depot = Depot::open(&database).await;
        let (_, first) = depot.book(&["TH", "MY"]).await;
        depot.hub.advance(Duration::days(2));
        let between = depot.hub.now();
        depot.hub.advance(Duration::days(2));
        let (_, second) = depot.book(&["TH"]).await;
        depot.report(&first[1], ShipmentState::PickedUp, &event_reference()).await.unwrap();
        let list = async |request: ListConsignmentsRequest| {
            let listed = desk(&depot).list_consignments(request).await.unwrap().into_inner().consignments;
            sorted(ids(&listed))
        };
        let all = sorted(ids(&[first.clone(), second.clone()].concat()));
        assert_eq!(list(ListConsignmentsRequest::default()).await, all);
        let booked = ListConsignmentsRequest { state: ShipmentState::Booked.into(), ..Default::default() };
        assert_eq!(list(booked).await, sorted(ids(&[first[0].clone(), second[0].clone()])));
        let from = ListConsignmentsRequest { booked_from: Some(timestamp(between)), ..Default::default() };
        assert_eq!(list(from).await, ids(&second));
        let until = ListConsignmentsRequest { booked_until: Some(timestamp(between)), ..Default::default() };
        assert_eq!(list(until).await, sorted(ids(&first)));
        // Page by page, newest first, each once.
        let mut request = ListConsignmentsRequest { page_size: 2, ..Default::default() };
        let page = desk(&depot).list_consignments(request.clone()).await.unwrap().into_inner();
        assert_eq!(page.consignments[0].shipment_id, second[0].shipment_id);
        request.page_token = page.next_page_token;
        let last = desk(&depot).list_consignments(request).await.unwrap().into_inner();
        assert_eq!((last.consignments.len(), last.next_page_token.as_str()), (1, ""));
        assert_eq!(sorted(ids(&[page.consignments, last.consignments].concat())), all);
        // What they are, and of whom.
        let listed = desk(&depot).list_consignments(ListConsignmentsRequest::default()).await.unwrap().into_inner();
        assert!(listed.consignments.iter().all(|one| !one.contents.is_empty() && one.contents[0].quantity > 0));
        let steps: usize = listed.consignments.iter().map(|one| one.events.len()).sum();
        assert_eq!(steps, 1);
        let other = desk_of(&depot, &SellerId::new().to_string());
        let nothing = other.clone().list_consignments(ListConsignmentsRequest::default()).await.unwrap().into_inner();
        assert!(nothing.consignments.is_empty());
        depot.hub.stop().await;
    }

    async fn what_cannot_be_listed_is_refused_by_its_name(database: Database) {
        let depot = Depot::open(&database).await;
        let now = depot.hub.now();
        let (later, now) = (timestamp(now + Duration::seconds(1)), timestamp(now));
        for (request, field) in [
            (ListConsignmentsRequest { state: 99, ..Default::default() }, "state"),
            (ListConsignmentsRequest { booked_from: Some(later), booked_until: Some(now), ..Default::default() }, "booked_until"),
            (ListConsignmentsRequest { page_size: 201, ..Default::default() }, "page_size"),
        ] {
            let refused = desk(&depot).list_consignments(request).await.unwrap_err();
            assert_eq!((refused.code(), fields(&refused)), (Code::InvalidArgument, vec![field.to_owned()]));
        }
        depot.hub.stop().await;
    }

    async fn a_feed_tells_what_is_there_then_what_changes(database: Database) {
        let depot = Depot::open(&database).await;
        let (_, there) = depot.book(&["TH"]).await;
        let (_, gone) = depot.book(&["MY"]).await;
        depot.report(&gone[0], ShipmentState::PickedUp, &event_reference()).await.unwrap();
        let mut feed = desk(&depot).watch_consignments(WatchConsignmentsRequest {}).await.unwrap().into_inner();
        let first = next(&mut feed).await.consignment.unwrap();
        assert_eq!((first.shipment_id.as_str(), first.version), (there[0].shipment_id.as_str(), 1));
        assert!(next(&mut feed).await.caught_up);
        let (_, new) = depot.book(&["TH"]).await;
        assert_eq!(next(&mut feed).await.consignment.unwrap().shipment_id, new[0].shipment_id);
        depot.report(&there[0], ShipmentState::PickedUp, &event_reference()).await.unwrap();
        let moved = next(&mut feed).await.consignment.unwrap();
        assert_eq!((moved.shipment_id.as_str(), moved.state()), (there[0].shipment_id.as_str(), ShipmentState::PickedUp));
        desk(&depot).mark_ready(ready(&new)).await.unwrap();
        let marked = next(&mut feed).await.consignment.unwrap();
        assert_eq!((marked.version, marked.ready_at.is_some()), (2, true));
        // Another seller hears nothing of it.
        let other = desk_of(&depot, &SellerId::new().to_string());
        let mut silent = other.clone().watch_consignments(WatchConsignmentsRequest {}).await.unwrap().into_inner();
        assert!(next(&mut silent).await.caught_up);
        drop((feed, silent));
        depot.hub.stop().await;
    }

    async fn labels_come_together_in_the_order_of_the_request(database: Database) {
        let depot = Depot::open(&database).await;
        let (_, shipments) = depot.book(&["TH", "MY", "TH"]).await;
        let named = vec![shipments[2].shipment_id.clone(), shipments[0].shipment_id.clone()];
        let labels = desk(&depot).get_labels(GetLabelsRequest { shipment_ids: named.clone() }).await.unwrap().into_inner().labels;
        assert_eq!(labels.iter().map(|label| label.shipment_id.clone()).collect::<Vec<_>>(), named);
        assert!(labels.iter().all(|label| label.svg.starts_with("<svg") && label.tracking_number.len() == 13));
        let refused = |named: Vec<String>| {
            let mut desk = desk(&depot);
            async move { desk.get_labels(GetLabelsRequest { shipment_ids: named }).await.unwrap_err() }
        };
        assert_eq!(fields(&refused(Vec::new()).await), ["shipment_ids"]);
        assert_eq!(fields(&refused(vec![named[0].clone(); 2]).await), ["shipment_ids[1]"]);
        assert_eq!(fields(&refused(vec![named[0].clone(), "x".to_owned()]).await), ["shipment_ids[1]"]);
        let mut other = desk_of(&depot, &SellerId::new().to_string());
        let foreign = other.get_labels(GetLabelsRequest { shipment_ids: named }).await.unwrap_err();
        assert_eq!(foreign.code(), Code::NotFound);
        depot.hub.stop().await;
    }

    async fn what_is_ready_is_on_the_list_of_its_carrier_until_it_is_picked_up(database: Database) {
        let depot = Depot::open(&database).await;
        let (_, shipments) = depot.book(&["TH", "TH by monsoon", "TH", "TH"]).await;
        let list = async |carrier: &str, page_size: i32| {
            let request = GetHandoverListRequest { carrier: carrier.to_owned(), page_size, page_token: String::new() };
            desk(&depot).get_handover_list(request).await.unwrap().into_inner()
        };
        assert_eq!(list("selat", 0).await.total_count, 0);
        let request = ready(&shipments[..3]);
        let marked = desk(&depot).mark_ready(request.clone()).await.unwrap().into_inner();
        assert!(marked.consignments.iter().all(|one| one.ready_at.is_some() && one.version == 2));
        assert_eq!(desk(&depot).mark_ready(request).await.unwrap().into_inner(), marked);
        let selat = list("selat", 1).await;
        assert_eq!((selat.total_count, selat.items.len(), selat.carrier_name.as_str()), (2, 1, "Selat Post"));
        let grams = shipments[0].chargeable_grams + shipments[2].chargeable_grams;
        assert_eq!(selat.total_chargeable_grams, grams);
        assert!(!selat.next_page_token.is_empty());
        let monsoon = list("monsoon", 0).await;
        assert_eq!(monsoon.items.iter().map(|item| item.shipment_id.clone()).collect::<Vec<_>>(), ids(&shipments[1..2]));
        // One is not ready after all, the other is picked up.
        let back = MarkReadyRequest { not_ready: true, ..ready(&shipments[..1]) };
        let back = desk(&depot).mark_ready(back).await.unwrap().into_inner();
        assert_eq!(back.consignments[0].ready_at, None);
        depot.report(&shipments[2], ShipmentState::PickedUp, &event_reference()).await.unwrap();
        assert_eq!(list("selat", 0).await.items.len(), 0);
        // One of several that cannot be: none is.
        let refused = desk(&depot).mark_ready(ready(&shipments[2..])).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_deref()), (Code::FailedPrecondition, Some("ALREADY_PICKED_UP")));
        assert_eq!(depot.shipment(&shipments[3].shipment_id).await.ready_at, None);
        let mut other = desk_of(&depot, &SellerId::new().to_string());
        assert_eq!(other.mark_ready(ready(&shipments[3..])).await.unwrap_err().code(), Code::NotFound);
        let unknown = GetHandoverListRequest { carrier: "nobody".to_owned(), ..Default::default() };
        assert_eq!(fields(&desk(&depot).get_handover_list(unknown).await.unwrap_err()), ["carrier"]);
        depot.hub.stop().await;
    }
}
