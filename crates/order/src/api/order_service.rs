//! Orders of buyers, seen by their sellers too.

use std::collections::BTreeMap;
use std::pin::Pin;

use futures::{Stream, StreamExt as _};
use kernel::OrderId;
use proto::order::v1::order_service_server::OrderService;
use proto::order::v1::{
    CancelOrderRequest, CancelOrderResponse, ConfirmReceiptRequest, ConfirmReceiptResponse, GetOrderRequest,
    GetOrderResponse, ListOrdersRequest, ListOrdersResponse, PlaceOrderRequest, PlaceOrderResponse,
    WatchOrderRequest, WatchOrderResponse,
};
use rpc::replay::Key;
use rpc::{Caller, Page, Violations};
use tonic::{Request, Response, Status};

use super::decode;
use super::replies::{cancelled, placed};
use super::{Api, viewer};
use crate::app::Error;
use crate::app::cancel_order::CancelOrder;
use crate::app::confirm_receipt::ConfirmReceipt;
use crate::app::get_order::{GetOrder, Named};
use crate::app::list_orders::ListOrders;
use crate::app::place_order::PlaceOrder;
use crate::app::watch_order::watch_order;
use crate::domain::number;
use crate::domain::viewer::Viewer;
use crate::market::Market;
use crate::store::orders::Filter;
use crate::wire;

/// The longest reason for cancelling, in characters.
const REASON_CHARACTERS_MAX: usize = 200;

/// A request to place an order as its key is made from: a map of the generated message has another order each time,
/// and so would have its hash.
#[derive(Clone, PartialEq, prost::Message)]
struct PlaceOrderBody {
    #[prost(message, optional, tag = "2")]
    rest: Option<PlaceOrderRequest>,
    #[prost(btree_map = "string, string", tag = "3")]
    attributes: BTreeMap<String, String>,
}

fn place_key(caller: &Caller, message: &PlaceOrderRequest) -> Result<Key, Status> {
    let attributes = message.attributes.clone().into_iter().collect();
    let mut rest = message.clone();
    rest.request_id.clear();
    rest.attributes.clear();
    let body = PlaceOrderBody { rest: Some(rest), attributes };
    Key::of_body(caller, message, &body)
}

/// An order by its id or its number.
pub(super) fn named(text: &str, violations: &mut Violations) -> Option<Named> {
    match (text.parse::<OrderId>(), number::read(text)) {
        (Ok(id), _) => Some(Named::Id(id)),
        (Err(_), Some(number)) => Some(Named::Number(number)),
        (Err(error), None) => {
            let problem = if text.is_empty() {
                "is required".to_owned()
            } else {
                format!("{error}, or a number such as MY-7K3Q-2M")
            };
            violations.add("order_id", problem);
            None
        }
    }
}

#[tonic::async_trait]
impl OrderService for Api {
    async fn place_order(
        &self,
        request: Request<PlaceOrderRequest>,
    ) -> Result<Response<PlaceOrderResponse>, Status> {
        let (caller, deadline) = (rpc::require(&request)?, rpc::deadline(&request));
        let message = request.into_inner();
        let key = place_key(&caller, &message)?;
        let place = decode_place(&message, &caller, self.market())?;
        self.0.begin_saga(key, deadline, place, |order| Ok(placed(&order)?)).await.map(Response::new)
    }

    async fn get_order(
        &self,
        request: Request<GetOrderRequest>,
    ) -> Result<Response<GetOrderResponse>, Status> {
        let viewer = viewer(&rpc::require(&request)?)?;
        let mut violations = Violations::default();
        let named = named(&request.get_ref().order_id, &mut violations);
        let named = violations.end(named)?;
        let order = self.0.query(GetOrder { named, viewer: viewer.clone() }).await?;
        let order = wire::order(&order, &viewer).map_err(Error::from)?;
        Ok(Response::new(GetOrderResponse { order: Some(order) }))
    }

    async fn list_orders(
        &self,
        request: Request<ListOrdersRequest>,
    ) -> Result<Response<ListOrdersResponse>, Status> {
        let caller = rpc::require(&request)?;
        let viewer = viewer(&caller)?;
        let message = request.into_inner();
        let mut violations = Violations::default();
        let state = decode::state(message.state, &mut violations);
        let client_reference = violations.text(
            "client_reference",
            &message.client_reference,
            0,
            decode::REFERENCE_CHARACTERS_MAX,
        );
        violations.check()?;
        let filter = ["ListOrders", state, client_reference.as_str()];
        let page: Page<OrderId> = Page::of(Some(&caller), &filter, message.page_size, &message.page_token)?;
        let filter = Filter {
            state,
            client_reference: client_reference.clone(),
            before: page.after,
            limit: page.limit(),
        };
        let listed = self.0.query(ListOrders { viewer: viewer.clone(), filter }).await?;
        let (orders, next_page_token) = page
            .try_fill(listed, |order| order.id, |order| wire::order(&order, &viewer))
            .map_err(Error::from)?;
        Ok(Response::new(ListOrdersResponse { orders, next_page_token }))
    }

    async fn cancel_order(
        &self,
        request: Request<CancelOrderRequest>,
    ) -> Result<Response<CancelOrderResponse>, Status> {
        let (caller, deadline) = (rpc::require(&request)?, rpc::deadline(&request));
        let message = request.into_inner();
        let key = Key::of(&caller, &message)?;
        let mut violations = Violations::default();
        let id = violations.id("order_id", &message.order_id);
        let reason = violations.lines("reason", &message.reason, 0, REASON_CHARACTERS_MAX);
        let order_id = violations.end(id)?;
        let cancel = CancelOrder { viewer: viewer(&caller)?, order_id, reason };
        self.0.begin_saga(key, deadline, cancel, |order| Ok(cancelled(&order)?)).await.map(Response::new)
    }

    type WatchOrderStream = Pin<Box<dyn Stream<Item = Result<WatchOrderResponse, Status>> + Send>>;

    async fn watch_order(
        &self,
        request: Request<WatchOrderRequest>,
    ) -> Result<Response<Self::WatchOrderStream>, Status> {
        let viewer: Viewer = viewer(&rpc::require(&request)?)?;
        let message = request.into_inner();
        let mut violations = Violations::default();
        let named = named(&message.order_id, &mut violations);
        if message.after_version < 0 {
            violations.add("after_version", format!("{} must be 0 or more", message.after_version));
        }
        let named = violations.end(named)?;
        let order = self.0.query(GetOrder { named, viewer: viewer.clone() }).await?;
        if message.after_version > order.version {
            let (after, last) = (message.after_version, order.version);
            let problem = format!("{after} is beyond the last version, which is {last}");
            return Err(rpc::status::invalid(&[("after_version", &problem)]));
        }
        let versions = watch_order(self.0.app().clone(), order.id, message.after_version).map(move |found| {
            let (version, progress) = found?;
            let order = wire::version(&order, version, &progress, &viewer).map_err(Error::from)?;
            Ok(WatchOrderResponse { order: Some(order) })
        });
        Ok(Response::new(Box::pin(versions)))
    }

    async fn confirm_receipt(
        &self,
        request: Request<ConfirmReceiptRequest>,
    ) -> Result<Response<ConfirmReceiptResponse>, Status> {
        let decode = |message: ConfirmReceiptRequest, caller: &Caller| {
            let mut violations = Violations::default();
            let id = violations.id("order_id", &message.order_id);
            let consignment_id = violations.optional_id("consignment_id", &message.consignment_id);
            let order_id = violations.end(id)?;
            Ok(ConfirmReceipt { viewer: viewer(caller)?, order_id, consignment_id })
        };
        let encode = |_: &_, order| {
            Ok(ConfirmReceiptResponse { order: Some(wire::order(&order, &Viewer::Operator)?) })
        };
        self.0.mutate(request, decode, encode).await
    }
}

fn decode_place(message: &PlaceOrderRequest, caller: &Caller, market: &Market) -> Result<PlaceOrder, Status> {
    let mut violations = Violations::default();
    let quote_id = violations.id("quote_id", &message.quote_id);
    let address = decode::address(message.address.as_ref(), market, &mut violations);
    let method = decode::method(message.payment_method, &mut violations);
    let client_reference = decode::reference(&message.client_reference, &mut violations);
    let attributes = decode::attributes(&message.attributes, &mut violations);
    let secret = decode::guest_secret(&message.guest_secret, &mut violations);
    let principals = decode::principals(Some(caller), secret.as_ref());
    let ((quote_id, address), method) = violations.end(quote_id.zip(address).zip(method))?;
    let buyer = caller.subject.clone();
    Ok(PlaceOrder { buyer, quote_id, principals, address, method, client_reference, attributes })
}
