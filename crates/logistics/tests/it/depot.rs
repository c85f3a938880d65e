//! A hub with the logistics service alone, and what tests do with it.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use events::Envelope;
use kernel::{ConsignmentId, EventId, OrderId, SellerId};
use proto::convert::timestamp;
use proto::logistics::internal::v1 as internal;
use proto::logistics::internal::v1::consignment_service_client::ConsignmentServiceClient;
use proto::logistics::internal::v1::landed_cost_service_client::LandedCostServiceClient;
use proto::logistics::internal::v1::tracking_service_client::TrackingServiceClient;
use proto::logistics::v1::declaration_service_client::DeclarationServiceClient;
use proto::logistics::v1::shipment_service_client::ShipmentServiceClient;
use proto::logistics::v1::{
    Declaration, GetDeclarationRequest, GetShipmentRequest, ListShipmentsRequest, Shipment, ShipmentState,
};
use proto::order::events::v1::{Carriage, OrderConfirmed, QuotedConsignment, QuotedLine};
use proto::types::v1::{Address, Dimensions, Money, OriginCertificate, Permit, PriceParts, Transport};
use rpc::Role;
use runtime::Sandbox;
use testkit::service::{Line, Setup};
use testkit::{Database, UnderTest};
use tonic::Status;

/// The buyer of most tests.
pub(crate) const BUYER: &str = "aisyah";

/// The hub and a seller.
pub(crate) struct Depot {
    pub(crate) hub: UnderTest,
    pub(crate) seller: String,
}

/// A confirmed order as order tells it.
#[derive(Clone)]
pub(crate) struct Confirmed {
    pub(crate) order_id: OrderId,
    pub(crate) envelope: Envelope,
}

fn myr(minor_units: i64) -> Option<Money> {
    Some(Money { currency: "MYR".to_owned(), minor_units })
}

impl Depot {
    pub(crate) async fn open(database: &Database) -> Self {
        Self::with(database, |setup| setup).await
    }

    /// Whose carrier needs no time.
    pub(crate) async fn with_a_carrier(database: &Database) -> Self {
        Self::with(database, |setup| setup.sandbox(Sandbox { enabled: true, day_length: Duration::ZERO }))
            .await
    }

    pub(crate) async fn with(database: &Database, change: impl FnOnce(Setup) -> Setup) -> Self {
        Self::at("my", database, change).await
    }

    pub(crate) async fn at(hub: &str, database: &Database, change: impl FnOnce(Setup) -> Setup) -> Self {
        let (file, text) = hub::builtin(hub).unwrap();
        let profile = hub::Profile::parse(file, text).unwrap();
        Self::of(profile, database, change).await
    }

    pub(crate) async fn of(
        profile: hub::Profile,
        database: &Database,
        change: impl FnOnce(Setup) -> Setup,
    ) -> Self {
        let setup = change(Setup::new(logistics::SPEC, database, Arc::new(profile)));
        Self { hub: setup.start().await, seller: SellerId::new().to_string() }
    }

    pub(crate) fn shipments(&self, role: Role, subject: &str) -> ShipmentServiceClient<Line> {
        ShipmentServiceClient::new(self.hub.public(role, subject))
    }

    pub(crate) fn declarations(&self, role: Role, subject: &str) -> DeclarationServiceClient<Line> {
        DeclarationServiceClient::new(self.hub.public(role, subject))
    }

    pub(crate) fn costs(&self) -> LandedCostServiceClient<Line> {
        LandedCostServiceClient::new(self.hub.as_service("order"))
    }

    pub(crate) fn consignments(&self) -> ConsignmentServiceClient<Line> {
        ConsignmentServiceClient::new(self.hub.as_service("order"))
    }

    pub(crate) fn tracking(&self, carrier: &str) -> TrackingServiceClient<Line> {
        TrackingServiceClient::new(self.hub.internal(Role::Carrier, carrier))
    }

    /// An order of the buyer's, one consignment from each of these countries; `TH by monsoon` names another carrier than the
    /// post.
    pub(crate) fn confirmed(&self, from: &[&str]) -> Confirmed {
        let order_id = OrderId::new();
        let message = OrderConfirmed {
            order_id: order_id.to_string(),
            number: "MY-7K3Q-2M".to_owned(),
            buyer: BUYER.to_owned(),
            address: Some(Address {
                recipient: "Aisyah <Rahman>".to_owned(),
                line1: "12 Jalan Ampang".to_owned(),
                city: "Kuala Lumpur".to_owned(),
                postcode: "50450".to_owned(),
                country: "MY".to_owned(),
                ..Address::default()
            }),
            consignments: from.iter().map(|from| self.consignment(from)).collect(),
            ..OrderConfirmed::default()
        };
        let envelope = Envelope::new("order.confirmed.v1", order_id, 1, self.hub.now(), &message);
        Confirmed { order_id, envelope }
    }

    fn consignment(&self, from: &str) -> QuotedConsignment {
        let (from, carrier) = from.split_once(" by ").unwrap_or((from, "selat"));
        QuotedConsignment {
            consignment_id: ConsignmentId::new().to_string(),
            seller_id: self.seller.clone(),
            from_country: from.to_owned(),
            lines: vec![QuotedLine {
                title: "Silk scarf".to_owned(),
                quantity: 2,
                unit_price: myr(6_000),
                hs_code: "621410".to_owned(),
                origin: from.to_owned(),
                weight_grams: 120,
                permit: Some(permit("2027-01-31")),
                certificate: Some(certificate()),
                ..QuotedLine::default()
            }],
            hub_price: Some(PriceParts {
                duty: myr(500),
                tax: myr(1_300),
                fees: myr(0),
                ..PriceParts::default()
            }),
            seller_collected_tax: myr(1_200),
            customs_value: myr(13_400),
            carriage: Some(Carriage {
                carrier: carrier.to_owned(),
                service: "selat-packet".to_owned(),
                title: "Selat airmail packet".to_owned(),
                transport: Transport::Post.into(),
                chargeable_grams: 250,
                days_min: 4,
                days_max: 8,
                ..Carriage::default()
            }),
            ..QuotedConsignment::default()
        }
    }

    /// Books an order and reads its shipments, oldest first.
    pub(crate) async fn book(&self, from: &[&str]) -> (Confirmed, Vec<Shipment>) {
        let confirmed = self.confirmed(from);
        self.hub.tell("order", &confirmed.envelope).await;
        let shipments = self.of_order(confirmed.order_id).await;
        (confirmed, shipments)
    }

    pub(crate) async fn of_order(&self, order_id: OrderId) -> Vec<Shipment> {
        let request = ListShipmentsRequest { order_id: order_id.to_string(), ..Default::default() };
        let listed = self.shipments(Role::Buyer, BUYER).list_shipments(request).await.unwrap().into_inner();
        listed.shipments.into_iter().rev().collect()
    }

    pub(crate) async fn shipment(&self, shipment_id: &str) -> Shipment {
        let request = GetShipmentRequest { shipment_id: shipment_id.to_owned() };
        let answer = self.shipments(Role::Buyer, BUYER).get_shipment(request).await.unwrap();
        answer.into_inner().shipment.unwrap()
    }

    pub(crate) async fn declaration(&self, declaration_id: &str) -> Declaration {
        let request = GetDeclarationRequest { declaration_id: declaration_id.to_owned() };
        let answer = self.declarations(Role::Buyer, BUYER).get_declaration(request).await.unwrap();
        answer.into_inner().declaration.unwrap()
    }

    /// The carrier reports a step.
    pub(crate) async fn report(
        &self,
        shipment: &Shipment,
        state: ShipmentState,
        carrier_reference: &str,
    ) -> Result<Shipment, Status> {
        let request = report(shipment, state, carrier_reference, None);
        let answer = self.tracking("selat").record_tracking_event(request).await?;
        Ok(answer.into_inner().shipment.unwrap())
    }
}

/// A step as a carrier reports it.
pub(crate) fn report(
    shipment: &Shipment,
    state: ShipmentState,
    carrier_reference: &str,
    at: Option<DateTime<Utc>>,
) -> internal::RecordTrackingEventRequest {
    internal::RecordTrackingEventRequest {
        carrier_reference: carrier_reference.to_owned(),
        tracking_number: shipment.tracking_number.clone(),
        state: state.into(),
        place: "KUL".to_owned(),
        occurred_at: at.map(timestamp),
        note: String::new(),
    }
}

/// A line of silk to quote.
pub(crate) fn silk(currency: &str, minor_units: i64, quantity: i64) -> internal::LineToQuote {
    internal::LineToQuote {
        quantity,
        unit_price: Some(Money { currency: currency.to_owned(), minor_units }),
        hs_code: "621410".to_owned(),
        origin: "TH".to_owned(),
        category: "scarves".to_owned(),
        weight_grams: 120,
        dimensions: Some(Dimensions { length_mm: 200, width_mm: 150, height_mm: 30 }),
        ..internal::LineToQuote::default()
    }
}

/// A permit of the health authority.
pub(crate) fn permit(expires_on: &str) -> Permit {
    Permit {
        number: "NPRA-2026-114".to_owned(),
        authority: "National Pharmaceutical Regulatory Agency".to_owned(),
        expires_on: expires_on.to_owned(),
    }
}

/// A certificate of origin under ATIGA.
pub(crate) fn certificate() -> OriginCertificate {
    OriginCertificate {
        number: "D-2026-00417".to_owned(),
        issued_on: "2026-01-31".to_owned(),
        expires_on: "2027-01-30".to_owned(),
    }
}

pub(crate) fn event_reference() -> String {
    EventId::new().to_string()
}
