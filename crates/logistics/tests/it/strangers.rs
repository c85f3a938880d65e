//! Who may see and do what.

use kernel::SellerId;
use proto::logistics::v1::{
    GetDeclarationRequest, GetLabelRequest, GetShipmentRequest, ListShipmentsRequest, Shipment, ShipmentState,
};
use rpc::Role;
use testkit::{on_both, open_doors};
use tonic::{Code, Status};

use crate::depot::{BUYER, Depot, report};

fn code<T>(answer: Result<T, Status>) -> Code {
    answer.err().map_or(Code::Ok, |status| status.code())
}

async fn look(depot: &Depot, role: Role, subject: &str, shipment: &Shipment) -> [Code; 2] {
    let request = GetShipmentRequest { shipment_id: shipment.shipment_id.clone() };
    let seen = depot.shipments(role, subject).get_shipment(request).await;
    let request = GetDeclarationRequest { declaration_id: shipment.declaration_id.clone() };
    let declared = depot.declarations(role, subject).get_declaration(request).await;
    [code(seen), code(declared)]
}

on_both! {
    async fn no_door_is_open_that_the_policies_close(database: Database) {
        let depot = Depot::open(&database).await;
        assert_eq!(open_doors(&depot.hub, logistics::SPEC.policies).await, Vec::<String>::new());
        depot.hub.stop().await;
    }

    async fn a_shipment_is_seen_by_its_buyer_its_seller_and_operators(database: Database) {
        let depot = Depot::open(&database).await;
        let (_, shipments) = depot.book(&["TH"]).await;
        let other = SellerId::new().to_string();
        for (role, subject, seen) in [
            (Role::Buyer, BUYER, Code::Ok),
            (Role::Seller, depot.seller.as_str(), Code::Ok),
            (Role::Operator, "somchai", Code::Ok),
            (Role::Buyer, "somebody", Code::NotFound),
            (Role::Seller, other.as_str(), Code::NotFound),
            // The name of a buyer is no seller's.
            (Role::Seller, BUYER, Code::NotFound),
        ] {
            assert_eq!(look(&depot, role, subject, &shipments[0]).await, [seen; 2], "{role} {subject}");
        }
        let request = GetLabelRequest { shipment_id: shipments[0].shipment_id.clone() };
        let label = depot.shipments(Role::Seller, &other).get_label(request).await;
        assert_eq!(code(label), Code::NotFound);
        for (role, subject) in [(Role::Buyer, "somebody"), (Role::Seller, other.as_str())] {
            let listed = depot.shipments(role, subject).list_shipments(ListShipmentsRequest::default()).await;
            assert_eq!(listed.unwrap().into_inner().shipments.len(), 0);
        }
        depot.hub.stop().await;
    }

    async fn a_carrier_reports_for_its_own_parcels(database: Database) {
        let depot = Depot::open(&database).await;
        let (_, shipments) = depot.book(&["TH"]).await;
        let request = report(&shipments[0], ShipmentState::PickedUp, "1", None);
        let refused = depot.tracking("monsoon").record_tracking_event(request.clone()).await;
        assert_eq!(code(refused), Code::NotFound);
        assert_eq!(code(depot.tracking("selat").record_tracking_event(request).await), Code::Ok);
        depot.hub.stop().await;
    }
}
