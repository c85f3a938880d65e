//! Confirmed orders become shipments with numbers, labels and declarations.

use std::collections::HashSet;

use customs::S10;
use proto::logistics::events::v1::ConsignmentBooked;
use proto::logistics::v1::{DeclarationState, GetLabelRequest, ListShipmentsRequest, ShipmentState};
use proto::operator::internal::v1::ListParkedEventsRequest;
use proto::operator::internal::v1::operator_service_client::OperatorServiceClient;
use rpc::Role;
use testkit::{eventually, on_both};

use crate::depot::{BUYER, Depot, certificate, permit};

on_both! {
    async fn each_consignment_is_booked_once(database: Database) {
        let depot = Depot::open(&database).await;
        let (confirmed, shipments) = depot.book(&["TH", "CN"]).await;
        assert_eq!(shipments.len(), 2);
        // The bus delivers twice; here once more, by another relay.
        depot.hub.tell("order", &confirmed.envelope).await;
        assert_eq!(depot.of_order(confirmed.order_id).await, shipments);
        let told: Vec<ConsignmentBooked> = depot.hub.told_of("logistics.consignment_booked.v1").await;
        assert_eq!(told.len(), 2);
        for (shipment, from) in shipments.iter().zip(["TH", "CN"]) {
            assert_eq!(shipment.state(), ShipmentState::Booked);
            assert_eq!((shipment.from_country.as_str(), shipment.seller_id.as_str()), (from, depot.seller.as_str()));
            let number: S10 = shipment.tracking_number.parse().unwrap();
            assert_eq!((number.indicator().as_str(), number.country().as_str()), ("LX", from));
            assert_eq!(shipment.address.as_ref().unwrap().city, "Kuala Lumpur");
            let declaration = depot.declaration(&shipment.declaration_id).await;
            assert_eq!(declaration.state(), DeclarationState::Drafted);
            assert_eq!(declaration.import_tax.unwrap().minor_units, 100);
            assert_eq!(declaration.seller_collected_tax.unwrap().minor_units, 1_200);
            assert_eq!((declaration.incoterm.as_str(), declaration.items.len()), ("DDP", 1));
            assert_eq!(declaration.items[0].weight_grams, 240);
            assert_eq!(declaration.items[0].permit, Some(permit("2027-01-31")));
            assert_eq!(declaration.items[0].certificate, Some(certificate()));
        }
        depot.hub.stop().await;
    }

    async fn no_number_is_given_twice(database: Database) {
        let depot = Depot::open(&database).await;
        let mut numbers = HashSet::new();
        let orders: Vec<_> = (0..20).map(|_| depot.confirmed(&["TH", "CN", "ID"])).collect();
        futures::future::join_all(orders.iter().map(|order| depot.hub.tell("order", &order.envelope))).await;
        for order in orders {
            for shipment in depot.of_order(order.order_id).await {
                assert!(numbers.insert(shipment.tracking_number));
            }
        }
        assert_eq!(numbers.len(), 60);
        let depot = Depot { hub: depot.hub.restart().await, ..depot };
        let (_, after) = depot.book(&["TH"]).await;
        assert!(numbers.insert(after[0].tracking_number.clone()));
        depot.hub.stop().await;
    }

    async fn an_older_copy_that_is_adopted_repeats_no_number(database: Database) {
        let depot = Depot::open(&database).await;
        let profile = |serial_to: &str| {
            let (file, text) = hub::builtin("my").unwrap();
            let text = text.replacen("serial_to = 29999999", &format!("serial_to = {serial_to}"), 1);
            std::sync::Arc::new(hub::Profile::parse(file, &text).unwrap())
        };
        let serial = |shipment: &proto::logistics::v1::Shipment| shipment.tracking_number[2..10].parse::<u32>().unwrap();
        let (_, before) = depot.book(&["TH", "TH"]).await;
        let given = before.iter().map(serial).max().unwrap();
        // As the copy has it, of before the two.
        let older: Result<u64, db::Error> =
            depot.hub.db.write(|tx| Box::pin(async move { db::execute!(tx, "delete from s10_serials") })).await;
        older.unwrap();
        let refused = logistics::on_adoption(profile("10999999"), depot.hub.db.clone(), 1).await.unwrap_err();
        assert!(refused.to_string().contains("raise its serial_to"), "{refused}");
        logistics::on_adoption(profile("29999999"), depot.hub.db.clone(), 2).await.unwrap();
        let depot = Depot { hub: depot.hub.restart().await, ..depot };
        let (_, after) = depot.book(&["TH"]).await;
        // From the first number of the range on: the copy knows of none.
        let passed_over = 10_000_000 + 2 * logistics::PASSED_OVER;
        assert!(serial(&after[0]) >= passed_over.max(given + 1), "{}", after[0].tracking_number);
        depot.hub.stop().await;
    }

    async fn numbers_are_taken_in_advance_to_the_end_of_a_range(database: Database) {
        let (file, text) = hub::builtin("my").unwrap();
        let text = text.replacen("serial_to = 29999999", "serial_to = 10100004", 1);
        let depot = Depot::of(hub::Profile::parse(file, &text).unwrap(), &database, |setup| setup).await;
        let db = depot.hub.db.clone();
        let next = || async {
            let next: Result<(i64,), db::Error> = db
                .read(|tx| Box::pin(async move { db::fetch_one!(tx, (i64,), "select max(next_serial) from s10_serials") }))
                .await;
            next.unwrap().0
        };
        let begun: Result<u64, db::Error> = db
            .write(|tx| Box::pin(async move {
                db::execute!(tx, "insert into s10_serials (carrier, next_serial) values ('selat', 10099990)")
            }))
            .await;
        begun.unwrap();
        let mut numbers = HashSet::new();
        for booked in 1..=15 {
            let shipments = depot.book(&["TH"]).await.1;
            let serial: i64 = shipments[0].tracking_number[2..10].parse().unwrap();
            assert!((10_099_990..=10_100_004).contains(&serial) && numbers.insert(serial), "{serial}");
            if booked == 1 {
                // One for the booking, and a block of ten.
                eventually("a block is taken", || async { (next().await == 10_100_001).then_some(()) }).await;
            }
        }
        assert_eq!(depot.book(&["TH"]).await.1.len(), 0);
        depot.hub.stop().await;
    }

    async fn a_carrier_without_numbers_parks_the_order(database: Database) {
        let (file, text) = hub::builtin("my").unwrap();
        let text = text.replacen("serial_to = 29999999", "serial_to = 10000001", 1);
        let profile = hub::Profile::parse(file, &text).unwrap();
        let depot = Depot::of(profile, &database, |setup| setup).await;
        // All consignments or none: there is no number for a third.
        assert_eq!(depot.book(&["TH", "TH", "TH"]).await.1.len(), 0);
        assert_eq!(depot.book(&["TH", "TH"]).await.1.len(), 2);
        assert_eq!(depot.book(&["TH"]).await.1.len(), 0);
        let mut operator = OperatorServiceClient::new(depot.hub.internal(Role::Operator, "somchai"));
        let request = ListParkedEventsRequest { service: "logistics".to_owned(), ..Default::default() };
        let parked = operator.list_parked_events(request).await.unwrap().into_inner().events;
        assert_eq!(parked.len(), 2);
        assert!(parked.iter().all(|event| event.reason.contains("serial_to")), "{parked:?}");
        depot.hub.stop().await;
    }

    async fn goods_within_the_country_meet_no_customs(database: Database) {
        let depot = Depot::open(&database).await;
        let (_, shipments) = depot.book(&["MY"]).await;
        assert_eq!(shipments[0].declaration_id, "");
        depot.hub.stop().await;
    }

    async fn the_seller_prints_the_label(database: Database) {
        let depot = Depot::open(&database).await;
        let (_, shipments) = depot.book(&["TH"]).await;
        let request = GetLabelRequest { shipment_id: shipments[0].tracking_number.clone() };
        let label = depot.shipments(Role::Seller, &depot.seller).get_label(request).await.unwrap().into_inner();
        assert!(label.svg.starts_with("<svg ") && label.svg.contains("Aisyah &lt;Rahman&gt;"));
        depot.hub.stop().await;
    }

    async fn pages_neither_skip_nor_repeat(database: Database) {
        let depot = Depot::open(&database).await;
        for _ in 0..7 {
            depot.book(&["TH"]).await;
        }
        let mut seen = Vec::new();
        let mut request = ListShipmentsRequest { page_size: 3, ..Default::default() };
        loop {
            let page = depot.shipments(Role::Buyer, BUYER).list_shipments(request.clone()).await.unwrap().into_inner();
            seen.extend(page.shipments.into_iter().map(|shipment| shipment.shipment_id));
            depot.book(&["TH"]).await;
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        let different: HashSet<&String> = seen.iter().collect();
        assert_eq!((seen.len(), different.len()), (7, 7));
        depot.hub.stop().await;
    }
}
