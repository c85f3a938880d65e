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
use rpc::{Caller, Page};
use tonic::{Request, Response, Status};

use super::decode::{self, Violations, complete};
use super::{Api, viewer};
use crate::app::{CANCEL_ORDER, Error, Named, OrderWanted, OrdersWanted, PLACE_ORDER};
use crate::domain::number;
use crate::store::orders::Filter;
use crate::wire::{self, Viewer};

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
    Key::of(Some(caller), PLACE_ORDER, &message.request_id, &body)
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
        let mut violations = Violations::default();
        let quote_id = violations.id("quote_id", &message.quote_id);
        let address = decode::address(message.address.as_ref(), &self.0.market, &mut violations);
        let method = decode::method(message.payment_method, &mut violations);
        let client_reference = decode::reference(&message.client_reference, &mut violations);
        let attributes = decode::attributes(&message.attributes, &mut violations);
        let secret = decode::guest_secret(&message.guest_secret, &mut violations);
        let principals = decode::principals(Some(&caller), secret.as_ref());
        let decoded = quote_id.zip(address).zip(method);
        let ((quote_id, address), method) = complete(decoded, violations)?;
        let wanted = OrderWanted {
            buyer: caller.subject,
            quote_id,
            principals,
            address,
            method,
            client_reference,
            attributes,
        };
        Ok(Response::new(self.0.place_order(key, wanted, deadline).await?))
    }

    async fn get_order(
        &self,
        request: Request<GetOrderRequest>,
    ) -> Result<Response<GetOrderResponse>, Status> {
        let viewer = viewer(&rpc::require(&request)?)?;
        let mut violations = Violations::default();
        let named = named(&request.get_ref().order_id, &mut violations);
        let order = self.0.get_order(complete(named, violations)?, &viewer).await?;
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
        let listed = self.0.list_orders(OrdersWanted { viewer: viewer.clone(), filter }).await?;
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
        let id = complete(id, violations)?;
        let cancelled = self.0.cancel_order(key, viewer(&caller)?, id, reason, deadline);
        Ok(Response::new(cancelled.await?))
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
        let order = self.0.get_order(complete(named, violations)?, &viewer).await?;
        if message.after_version > order.version {
            let (after, last) = (message.after_version, order.version);
            let problem = format!("{after} is beyond the last version, which is {last}");
            return Err(rpc::status::invalid(&[("after_version", &problem)]));
        }
        let versions =
            self.0.watch_order(order, message.after_version, viewer).map(|version| match version {
                Ok(order) => Ok(WatchOrderResponse { order: Some(order) }),
                Err(error) => Err(Status::from(error)),
            });
        Ok(Response::new(Box::pin(versions)))
    }

    async fn confirm_receipt(
        &self,
        request: Request<ConfirmReceiptRequest>,
    ) -> Result<Response<ConfirmReceiptResponse>, Status> {
        let (caller, deadline) = (rpc::require(&request)?, rpc::deadline(&request));
        let message = request.into_inner();
        let key = Key::of(&caller, &message)?;
        let mut violations = Violations::default();
        let id = violations.id("order_id", &message.order_id);
        let consignment_id = violations.optional_id("consignment_id", &message.consignment_id);
        let id = complete(id, violations)?;
        let confirmed = self.0.confirm_receipt(key, viewer(&caller)?, id, consignment_id, deadline);
        Ok(Response::new(confirmed.await?))
    }
}
