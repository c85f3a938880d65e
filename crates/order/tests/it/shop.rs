//! A hub with the order service alone, and what tests do with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use events::Envelope;
use kernel::{ConsignmentId, EventId, HoldId, RefundId, SellerId, ShipmentId};
use prost::Message;
use proto::convert::timestamp;
use proto::logistics::events::v1 as logistics;
use proto::logistics::events::v1::ShipmentState;
use proto::operator::internal::v1::ListParkedEventsRequest;
use proto::operator::internal::v1::operator_service_client::OperatorServiceClient;
use proto::order::internal::v1::saga_service_client::SagaServiceClient;
use proto::order::internal::v1::{AuditOrdersRequest, GetSagaRequest, Saga};
use proto::order::v1::order_service_client::OrderServiceClient;
use proto::order::v1::quote_service_client::QuoteServiceClient;
use proto::order::v1::return_service_client::ReturnServiceClient;
use proto::order::v1::{
    CreateQuoteRequest, GetOrderRequest, Order, OrderState, PaymentMethod, PlaceOrderRequest, Quote,
    QuoteLine,
};
use proto::payment::events::v1 as payment;
use proto::types::v1::{Address, Money};
use rpc::Role;
use testkit::service::{Line, Setup};
use testkit::{Database, UnderTest, eventually};
use tonic::Status;

use crate::world::World;

/// The buyer of most tests.
pub(crate) const BUYER: &str = "aisyah";

/// The hub, the other services, and somebody who sells.
pub(crate) struct Shop {
    pub(crate) hub: UnderTest,
    pub(crate) world: World,
    pub(crate) seller: SellerId,
    pub(crate) silk: String,
}

pub(crate) fn request_id() -> String {
    EventId::new().uuid().to_string()
}

/// A message as another type whose fields have the same numbers and types.
pub(crate) fn read_as<M: Message + Default>(message: &impl Message) -> M {
    M::decode(message.encode_to_vec().as_slice()).unwrap()
}

impl Shop {
    pub(crate) async fn open(database: &Database) -> Self {
        Self::with(database, "lease_seconds = 1\nattempts_max = 3\ncall_timeout_ms = 2000").await
    }

    pub(crate) async fn with(database: &Database, section: &str) -> Self {
        let (_, text) = hub::builtin("my").unwrap();
        Self::of(database, section, text).await
    }

    /// A hub whose post has a zone of its own for postcodes that begin with 88.
    pub(crate) async fn zoned(database: &Database) -> Self {
        let (_, text) = hub::builtin("my").unwrap();
        let near = "[[carriers.services.zones]]\nfrom = [\"TH\", \"SG\", \"ID\"]\nfirst_price = \"14.00\"";
        let remote = "[[carriers.services.zones]]\nfrom = [\"TH\", \"SG\", \"ID\"]\npostcodes = [\"88\"]\nfirst_price = \"35.00\"\n\
            next_price = \"3.20\"\ndays_min = 6\ndays_max = 12\n\n";
        let zoned = text.replacen(near, &format!("{remote}{near}"), 1);
        assert_ne!(zoned, text);
        let shop =
            Self::of(database, "lease_seconds = 1\nattempts_max = 3\ncall_timeout_ms = 2000", &zoned).await;
        shop.world.state().remote = "88".to_owned();
        shop
    }

    async fn of(database: &Database, section: &str, profile: &str) -> Self {
        let profile = Arc::new(hub::Profile::parse("my.toml", profile).unwrap());
        let world = World::default();
        let setup = Setup::new(order::SPEC, database, profile).section(section.parse().unwrap());
        let setup = setup.fake("catalog", world.catalog()).await;
        let setup = setup.fake("logistics", world.logistics()).await;
        let setup = setup.fake("payment", world.payment()).await;
        let hub = setup.start().await;
        let seller = SellerId::new();
        let silk = world.sell(seller, "TH", "THB", 10_050);
        world.state().qr_expires_at = Some(timestamp(hub.now() + chrono::Duration::minutes(15)));
        Self { hub, world, seller, silk }
    }

    pub(crate) fn quotes(&self, buyer: &str) -> QuoteServiceClient<Line> {
        QuoteServiceClient::new(self.hub.public(Role::Buyer, buyer))
    }

    pub(crate) fn orders(&self, buyer: &str) -> OrderServiceClient<Line> {
        OrderServiceClient::new(self.hub.public(Role::Buyer, buyer))
    }

    pub(crate) fn orders_as(&self, role: Role, subject: &str) -> OrderServiceClient<Line> {
        OrderServiceClient::new(self.hub.public(role, subject))
    }

    pub(crate) fn returns(&self, role: Role, subject: &str) -> ReturnServiceClient<Line> {
        ReturnServiceClient::new(self.hub.public(role, subject))
    }

    pub(crate) fn sagas(&self) -> SagaServiceClient<Line> {
        SagaServiceClient::new(self.hub.internal(Role::Operator, "somchai"))
    }

    /// A quote of silk for the buyer.
    pub(crate) async fn quote(&self) -> Quote {
        self.quote_of(&[(&self.silk, 3)], "").await.unwrap()
    }

    pub(crate) async fn quote_of(&self, lines: &[(&str, i64)], currency: &str) -> Result<Quote, Status> {
        let request = quote_request(lines, currency);
        Ok(self.quotes(BUYER).create_quote(request).await?.into_inner().quote.unwrap())
    }

    /// An order of silk, by wallet.
    pub(crate) async fn order(&self) -> Order {
        let request = place_request(&self.quote().await, PaymentMethod::Wallet);
        self.orders(BUYER).place_order(request).await.unwrap().into_inner().order.unwrap()
    }

    /// An order of two consignments, by wallet.
    pub(crate) async fn order_of_two(&self) -> Order {
        let tea = self.world.sell(SellerId::new(), "CN", "CNY", 8_800);
        let quote = self.quote_of(&[(&self.silk, 3), (&tea, 2)], "").await.unwrap();
        let request = place_request(&quote, PaymentMethod::Wallet);
        self.orders(BUYER).place_order(request).await.unwrap().into_inner().order.unwrap()
    }

    pub(crate) async fn get(&self, order_id: &str) -> Order {
        let request = GetOrderRequest { order_id: order_id.to_owned() };
        self.orders(BUYER).get_order(request).await.unwrap().into_inner().order.unwrap()
    }

    pub(crate) async fn saga(&self, order_id: &str) -> Saga {
        let request = GetSagaRequest { order_id: order_id.to_owned() };
        self.sagas().get_saga(request).await.unwrap().into_inner().saga.unwrap()
    }

    /// Waits until the order is in this state and its saga is settled.
    pub(crate) async fn comes_to(&self, order_id: &str, state: OrderState) -> Order {
        eventually(&format!("order {order_id} comes to {state:?}"), || async {
            let order = self.get(order_id).await;
            (order.state() == state && self.saga(order_id).await.settled).then_some(order)
        })
        .await
    }

    /// What the audit finds.
    pub(crate) async fn audit(&self) -> Vec<String> {
        self.sagas().audit_orders(AuditOrdersRequest {}).await.unwrap().into_inner().violations
    }

    /// How often an event of this kind was told.
    pub(crate) async fn told(&self, kind: &str) -> usize {
        self.hub.told().await.iter().filter(|event| event.kind == kind).count()
    }

    async fn shipment_event<M: prost::Message>(
        &self,
        kind: &'static str,
        consignment: &str,
        version: i64,
        message: &M,
    ) {
        let consignment: ConsignmentId = consignment.parse().unwrap();
        let shipment = ShipmentId::derive(consignment.uuid(), "shipment");
        let event = Envelope::new(kind, shipment, version, self.hub.now(), message);
        self.hub.tell("logistics", &event).await;
    }

    pub(crate) async fn booked(&self, order: &Order, place: usize) {
        let consignment_id = consignment_id(order, place);
        let message = logistics::ConsignmentBooked {
            shipment_id: String::new(),
            consignment_id: consignment_id.clone(),
            order_id: order.order_id.clone(),
            tracking_number: format!("LX1234567{place}5MY"),
            declaration_id: String::new(),
            booked_at: Some(timestamp(self.hub.now())),
        };
        self.shipment_event("logistics.consignment_booked.v1", &consignment_id, 1, &message).await;
    }

    /// The parcel moved on; versions are those of the state.
    pub(crate) async fn moved(&self, order: &Order, place: usize, state: ShipmentState, at: DateTime<Utc>) {
        let consignment_id = consignment_id(order, place);
        let message = logistics::TrackingRecorded {
            shipment_id: String::new(),
            consignment_id: consignment_id.clone(),
            order_id: order.order_id.clone(),
            state: state.into(),
            place: "Kuala Lumpur".to_owned(),
            occurred_at: Some(timestamp(at)),
            note: String::new(),
        };
        let version = i64::from(i32::from(state));
        self.shipment_event("logistics.tracking_recorded.v1", &consignment_id, version, &message).await;
    }

    pub(crate) async fn delivered(&self, order: &Order, place: usize) {
        self.moved(order, place, ShipmentState::Delivered, self.hub.now()).await;
    }

    async fn hold_event<M: prost::Message>(&self, kind: &'static str, version: i64, message: &M) {
        let hold: HoldId = self.world.the_hold().0.parse().unwrap();
        let event = Envelope::new(kind, hold, version, self.hub.now(), message);
        self.hub.tell("payment", &event).await;
    }

    /// The QR code was paid: the fake knows, and tells.
    pub(crate) async fn paid(&self, order: &Order) {
        self.pay();
        self.tell_paid(order).await;
    }

    /// The QR code was paid, which is not told yet.
    pub(crate) fn pay(&self) {
        let (id, _) = self.world.the_hold();
        if let Some(hold) = self.world.state().holds.get_mut(&id) {
            hold.state = proto::payment::v1::PaymentState::Held;
        }
    }

    pub(crate) async fn tell_paid(&self, order: &Order) {
        let message = payment::PaymentReceived {
            hold_id: self.world.the_hold().0,
            order_id: order.order_id.clone(),
            amount: order.payment.as_ref().and_then(|payment| payment.amount.clone()),
            paid_at: Some(timestamp(self.hub.now())),
        };
        self.hold_event("payment.received.v1", 2, &message).await;
    }

    pub(crate) async fn released(&self, order: &Order, place: usize, version: i64) {
        let message = payment::EscrowReleased {
            hold_id: self.world.the_hold().0,
            order_id: order.order_id.clone(),
            consignment_id: consignment_id(order, place),
            ..payment::EscrowReleased::default()
        };
        self.hold_event("payment.escrow_released.v1", version, &message).await;
    }

    pub(crate) async fn refunded(&self, order: &Order, return_id: &str, amount: &Money, version: i64) {
        let message = payment::RefundCompleted {
            refund_id: RefundId::new().to_string(),
            hold_id: self.world.the_hold().0,
            order_id: order.order_id.clone(),
            return_id: return_id.to_owned(),
            consignment_id: String::new(),
            amount: Some(amount.clone()),
        };
        self.hold_event("payment.refund_completed.v1", version, &message).await;
    }

    /// A refund of the first consignment, under an id.
    pub(crate) async fn refunded_as(&self, order: &Order, id: RefundId, minor_units: i64, version: i64) {
        let message = payment::RefundCompleted {
            refund_id: id.to_string(),
            hold_id: self.world.the_hold().0,
            order_id: order.order_id.clone(),
            return_id: String::new(),
            consignment_id: consignment_id(order, 0),
            amount: Some(Money { currency: "MYR".to_owned(), minor_units }),
        };
        self.hold_event("payment.refund_completed.v1", version, &message).await;
    }

    /// Why events were parked.
    pub(crate) async fn parked(&self) -> Vec<String> {
        let request = ListParkedEventsRequest { service: "order".to_owned(), ..Default::default() };
        let mut operator = OperatorServiceClient::new(self.hub.internal(Role::Operator, "somchai"));
        let listed = operator.list_parked_events(request).await.unwrap().into_inner();
        listed.events.into_iter().map(|event| event.reason).collect()
    }

    pub(crate) async fn refund_failed(&self, order: &Order, return_id: &str, version: i64) {
        let message = payment::RefundFailed {
            refund_id: RefundId::new().to_string(),
            hold_id: self.world.the_hold().0,
            order_id: order.order_id.clone(),
            return_id: return_id.to_owned(),
            reason: "nothing is left".to_owned(),
        };
        self.hold_event("payment.refund_failed.v1", version, &message).await;
    }
}

pub(crate) fn consignment_id(order: &Order, place: usize) -> String {
    order.consignments[place].quoted.as_ref().unwrap().consignment_id.clone()
}

pub(crate) fn quote_request(lines: &[(&str, i64)], currency: &str) -> CreateQuoteRequest {
    let lines = lines.iter().map(|(variant_id, quantity)| QuoteLine {
        variant_id: (*variant_id).to_owned(),
        quantity: *quantity,
        permit: None,
    });
    CreateQuoteRequest {
        request_id: request_id(),
        lines: lines.collect(),
        currency: currency.to_owned(),
        postcode: "50050".to_owned(),
        carriage_service: String::new(),
        ..CreateQuoteRequest::default()
    }
}

pub(crate) fn address() -> Address {
    Address {
        recipient: "Aisyah binti Ahmad".to_owned(),
        line1: "1 Jalan Merdeka".to_owned(),
        line2: String::new(),
        city: "Kuala Lumpur".to_owned(),
        state: String::new(),
        postcode: "50050".to_owned(),
        country: "MY".to_owned(),
        phone: String::new(),
    }
}

pub(crate) fn place_request(quote: &Quote, method: PaymentMethod) -> PlaceOrderRequest {
    PlaceOrderRequest {
        request_id: request_id(),
        quote_id: quote.quote_id.clone(),
        address: Some(address()),
        payment_method: method.into(),
        client_reference: String::new(),
        attributes: BTreeMap::from([
            ("gift".to_owned(), "yes".to_owned()),
            ("note".to_owned(), "ring".to_owned()),
            ("colour".to_owned(), "red".to_owned()),
        ]),
        ..PlaceOrderRequest::default()
    }
}

pub(crate) fn reason(status: &Status) -> String {
    rpc::status::reason(status).unwrap_or_else(|| format!("{status:?}"))
}
