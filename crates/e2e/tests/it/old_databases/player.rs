//! Those who live at a hub: what sellers, buyers, carriers and operators do there, call by call.

use std::cell::RefCell;
use std::collections::BTreeMap;

use prost::Message;
use proto::logistics::internal::v1::{RecordTrackingEventRequest, RecordTrackingEventResponse};
use proto::logistics::v1::{ListShipmentsRequest, ListShipmentsResponse, Shipment, ShipmentState};
use proto::operator::internal::v1::{
    AdvanceClockRequest, AdvanceClockResponse, GetClockRequest, GetClockResponse,
};
use proto::order::v1::{
    ApproveReturnRequest, ApproveReturnResponse, ConfirmReceiptRequest, ConfirmReceiptResponse,
    CreateQuoteRequest, CreateQuoteResponse, ListOrdersRequest, ListOrdersResponse, Order, PaymentMethod,
    PlaceOrderRequest, PlaceOrderResponse, Quote, QuoteLine, ReceiveReturnRequest, ReceiveReturnResponse,
    RequestReturnRequest, RequestReturnResponse, Return, ReturnCause, ReturnLine,
};
use proto::payment::internal::v1::{PayQrRequest, PayQrResponse};
use testkit::eventually;

use super::calls::{Line, OPERATOR};
use crate::town;

/// The steps of a parcel that crosses a border.
const STEPS: [ShipmentState; 8] = [
    ShipmentState::PickedUp,
    ShipmentState::ExportCleared,
    ShipmentState::Departed,
    ShipmentState::Arrived,
    ShipmentState::ImportAssessed,
    ShipmentState::Released,
    ShipmentState::OutForDelivery,
    ShipmentState::Delivered,
];
/// Those of one that does not.
const AT_HOME: [ShipmentState; 3] =
    [ShipmentState::PickedUp, ShipmentState::OutForDelivery, ShipmentState::Delivered];

/// A request that was made: by whom, which RPC, what.
pub(crate) type Made = (String, String, Vec<u8>);

/// Plays them all.
pub(crate) struct Player<'a> {
    pub(crate) line: &'a Line<'a>,
    /// Requests that have an id, to be made again.
    pub(crate) made: RefCell<Vec<Made>>,
}

impl<'a> Player<'a> {
    pub(crate) fn new(line: &'a Line<'a>) -> Self {
        Self { line, made: RefCell::default() }
    }

    /// Changes something, once for its id.
    pub(crate) async fn change<A: Message + Default>(
        &self,
        who: &str,
        rpc: &str,
        request: impl Message,
    ) -> A {
        let rpc = format!("/entrepot.{rpc}");
        let answer = self.line.call(who, &rpc, &request).await;
        self.made.borrow_mut().push((who.to_owned(), rpc, request.encode_to_vec()));
        answer
    }

    /// Wants to change something and must not.
    pub(crate) async fn refused(&self, who: &str, rpc: &str, request: impl Message) {
        let (rpc, request) = (format!("/entrepot.{rpc}"), request.encode_to_vec());
        let exchange = self.line.exchange(who, &rpc, request.clone()).await;
        assert!(exchange.answer.starts_with("FailedPrecondition"), "{}", exchange.answer);
        self.made.borrow_mut().push((who.to_owned(), rpc, request));
    }

    /// The hub's time.
    pub(crate) async fn now(&self) -> prost_types::Timestamp {
        let rpc = "/entrepot.operator.internal.v1.SandboxService/GetClock";
        let clock: GetClockResponse = self.line.call(OPERATOR, rpc, &GetClockRequest {}).await;
        clock.now.unwrap()
    }

    /// Moves it forward.
    pub(crate) async fn advance(&self, by: chrono::Duration) {
        let by = Some(prost_types::Duration { seconds: by.num_seconds(), nanos: 0 });
        let request = AdvanceClockRequest { request_id: proof::request_id(), by };
        let rpc = "/entrepot.operator.internal.v1.SandboxService/AdvanceClock";
        let _: AdvanceClockResponse = self.line.call(OPERATOR, rpc, &request).await;
    }

    /// A quote for what is wanted, to where everything goes.
    pub(crate) async fn quote(&self, who: &str, wanted: CreateQuoteRequest) -> Quote {
        let postcode = town::address().postcode;
        let request = CreateQuoteRequest { request_id: proof::request_id(), postcode, ..wanted };
        let answer: CreateQuoteResponse =
            self.change(who, "order.v1.QuoteService/CreateQuote", request).await;
        answer.quote.unwrap()
    }

    /// Orders what was quoted, and names the order.
    pub(crate) fn placing(
        quote_id: &str,
        method: PaymentMethod,
        name: &str,
        guest_secret: &str,
    ) -> PlaceOrderRequest {
        let attributes = [("channel", "fixture"), ("gift", "yes"), ("note", name)];
        PlaceOrderRequest {
            request_id: proof::request_id(),
            quote_id: quote_id.to_owned(),
            address: Some(town::address()),
            payment_method: method.into(),
            client_reference: name.to_owned(),
            attributes: BTreeMap::from_iter(
                attributes.map(|(key, value)| (key.to_owned(), value.to_owned())),
            ),
            guest_secret: guest_secret.to_owned(),
        }
    }

    /// Quotes and orders.
    pub(crate) async fn order(
        &self,
        who: &str,
        lines: Vec<QuoteLine>,
        method: PaymentMethod,
        name: &str,
    ) -> Order {
        let quote = self.quote(who, CreateQuoteRequest { lines, ..Default::default() }).await;
        let request = Self::placing(&quote.quote_id, method, name, "");
        let placed: PlaceOrderResponse = self.change(who, "order.v1.OrderService/PlaceOrder", request).await;
        placed.order.unwrap()
    }

    /// The order of this name.
    pub(crate) async fn named(&self, who: &str, name: &str) -> Order {
        let request = ListOrdersRequest {
            client_reference: name.to_owned(),
            page_size: 2,
            ..ListOrdersRequest::default()
        };
        let rpc = "/entrepot.order.v1.OrderService/ListOrders";
        let mut listed: ListOrdersResponse = self.line.call(who, rpc, &request).await;
        assert_eq!(listed.orders.len(), 1, "{name}");
        listed.orders.remove(0)
    }

    /// The order of this name, once it is so.
    pub(crate) async fn becomes(&self, who: &str, name: &str, so: impl Fn(&Order) -> bool) -> Order {
        eventually(name, || async { Some(self.named(who, name).await).filter(|order| so(order)) }).await
    }

    /// The buyer's bank pays.
    pub(crate) async fn pay(&self, order: &Order, reference: &str) -> PayQrResponse {
        let qr_payload = order.payment.as_ref().unwrap().qr_payload.clone();
        let request = PayQrRequest { qr_payload, provider_reference: reference.to_owned() };
        self.change(OPERATOR, "payment.internal.v1.ProviderService/PayQr", request).await
    }

    /// The order's parcels, once each consignment has one.
    pub(crate) async fn parcels(&self, who: &str, order: &Order) -> Vec<Shipment> {
        let count = order.consignments.len();
        let request = ListShipmentsRequest {
            order_id: order.order_id.clone(),
            page_size: 50,
            ..ListShipmentsRequest::default()
        };
        let (rpc, request) = ("/entrepot.logistics.v1.ShipmentService/ListShipments", &request);
        eventually("parcels", || async {
            let listed: ListShipmentsResponse = self.line.call(who, rpc, request).await;
            Some(listed.shipments).filter(|shipments| shipments.len() == count)
        })
        .await
    }

    /// Carriers bring the order's parcels as far as this, if they are not further.
    pub(crate) async fn carry(&self, who: &str, order: &Order, to: ShipmentState) {
        for parcel in self.parcels(who, order).await {
            let steps = if parcel.declaration_id.is_empty() { &AT_HOME[..] } else { &STEPS[..] };
            for step in steps.iter().filter(|step| **step > parcel.state() && **step <= to) {
                self.report(&parcel, *step, *step == to).await;
            }
        }
    }

    /// A carrier reports a step; the last one, to be reported again.
    async fn report(&self, parcel: &Shipment, state: ShipmentState, last: bool) {
        let request = RecordTrackingEventRequest {
            carrier_reference: format!("{}-{}", parcel.tracking_number, state.as_str_name()),
            tracking_number: parcel.tracking_number.clone(),
            state: state.into(),
            place: "Hub".to_owned(),
            occurred_at: None,
            note: "reported".to_owned(),
        };
        let who = format!("carrier:{}", parcel.carrier);
        let rpc = "logistics.internal.v1.TrackingService/RecordTrackingEvent";
        let _: RecordTrackingEventResponse = match last {
            true => self.change(&who, rpc, request).await,
            false => self.line.call(&who, &format!("/entrepot.{rpc}"), &request).await,
        };
    }

    /// The buyer has it: all, or one consignment.
    pub(crate) async fn receive(&self, who: &str, order: &Order, consignment_id: &str) {
        let request = ConfirmReceiptRequest {
            request_id: proof::request_id(),
            order_id: order.order_id.clone(),
            consignment_id: consignment_id.to_owned(),
        };
        let _: ConfirmReceiptResponse =
            self.change(who, "order.v1.OrderService/ConfirmReceipt", request).await;
    }

    /// The buyer wants to send so many units of the order's first line back.
    pub(crate) async fn give_back(
        &self,
        who: &str,
        order: &Order,
        quantity: i64,
        cause: ReturnCause,
        name: &str,
    ) -> Return {
        let quoted = order.consignments[0].quoted.as_ref().unwrap();
        let request = RequestReturnRequest {
            request_id: proof::request_id(),
            order_id: order.order_id.clone(),
            consignment_id: quoted.consignment_id.clone(),
            lines: vec![ReturnLine { variant_id: quoted.lines[0].variant_id.clone(), quantity }],
            reason: "not as expected".to_owned(),
            client_reference: name.to_owned(),
            cause: cause.into(),
        };
        let answer: RequestReturnResponse =
            self.change(who, "order.v1.ReturnService/RequestReturn", request).await;
        answer.r#return.unwrap()
    }

    /// Its seller agrees.
    pub(crate) async fn approve(&self, given_back: &Return) {
        let request = ApproveReturnRequest {
            request_id: proof::request_id(),
            return_id: given_back.return_id.clone(),
            answer: "send it back".to_owned(),
        };
        let who = format!("seller:{}", given_back.seller_id);
        let _: ApproveReturnResponse =
            self.change(&who, "order.v1.ReturnService/ApproveReturn", request).await;
    }

    /// Its seller has the goods back.
    pub(crate) async fn take_back(&self, given_back: &Return, restock: bool) {
        let request = ReceiveReturnRequest {
            request_id: proof::request_id(),
            return_id: given_back.return_id.clone(),
            restock,
        };
        let who = format!("seller:{}", given_back.seller_id);
        let _: ReceiveReturnResponse =
            self.change(&who, "order.v1.ReturnService/ReceiveReturn", request).await;
    }
}
