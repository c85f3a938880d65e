//! Orders of buyers, seen by their sellers too.

use std::collections::BTreeMap;
use std::pin::Pin;

use futures::{Stream, StreamExt as _};
use kernel::OrderId;
use proto::convert::Invalid;
use proto::order::v1::order_service_server::OrderService;
use proto::order::v1::{
    CancelOrderRequest, CancelOrderResponse, ConfirmReceiptRequest, ConfirmReceiptResponse, GetOrderRequest,
    GetOrderResponse, ListOrdersRequest, ListOrdersResponse, PlaceOrderRequest, PlaceOrderResponse,
    WatchOrderRequest, WatchOrderResponse,
};
use rpc::idempotency::Key;
use rpc::{Caller, Page, Violations};
use tonic::{Request, Response, Status};

use super::replies::{cancelled, placed};
use super::{Api, checkout, decode, encode, viewer};
use crate::app::Error;
use crate::app::cancel_order::CancelOrder;
use crate::app::confirm_receipt::ConfirmReceipt;
use crate::app::get_order::{GetOrder, OrderName};
use crate::app::list_orders::ListOrders;
use crate::app::place_order::PlaceOrder;
use crate::app::watch_order::watch_order;
use crate::domain::number;
use crate::domain::viewer::Viewer;
use crate::store::orders::Filter;
use crate::trade_policy::TradePolicy;

/// The longest reason for cancelling, in characters.
const REASON_CHARACTERS_MAX: usize = 200;

/// What the key of a request to place an order was made from in 0.1, where the map had another order in each message.
/// To be removed in 0.3, with `place_key` and [`Key::formerly`]: what was recorded so is forgotten by then, after
/// [`rpc::idempotency::KEPT`].
#[derive(Clone, PartialEq, prost::Message)]
struct FormerBody {
    #[prost(message, optional, tag = "2")]
    rest: Option<PlaceOrderRequest>,
    #[prost(btree_map = "string, string", tag = "3")]
    attributes: BTreeMap<String, String>,
}

fn place_key(caller: &Caller, message: &PlaceOrderRequest) -> Result<Key, Invalid> {
    let attributes = message.attributes.clone();
    let rest =
        PlaceOrderRequest { request_id: String::new(), attributes: BTreeMap::new(), ..message.clone() };
    Ok(Key::of(caller, message)?.formerly(&FormerBody { rest: Some(rest), attributes }))
}

/// An order by its id or its number.
pub(super) fn named(text: &str, violations: &mut Violations) -> Option<OrderName> {
    match (text.parse::<OrderId>(), number::read(text)) {
        (Ok(id), _) => Some(OrderName::Id(id)),
        (Err(_), Some(number)) => Some(OrderName::Number(number)),
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
        let decode = |message, caller: &Caller, violations: &mut Violations| {
            place_order(&message, caller, self.trade_policy(), violations)
        };
        self.pipeline.begin_saga(&self.placing, request, place_key, decode, placed).await
    }

    async fn get_order(
        &self,
        request: Request<GetOrderRequest>,
    ) -> Result<Response<GetOrderResponse>, Status> {
        let viewer = viewer(&rpc::require(&request)?)?;
        let named = Violations::of(|violations| named(&request.get_ref().order_id, violations))?;
        let order = self.pipeline.query(GetOrder { named, viewer: viewer.clone() }).await?;
        let order = encode::order(&order, &viewer).map_err(Error::from)?;
        Ok(Response::new(GetOrderResponse { order: Some(order) }))
    }

    async fn list_orders(
        &self,
        request: Request<ListOrdersRequest>,
    ) -> Result<Response<ListOrdersResponse>, Status> {
        let caller = rpc::require(&request)?;
        let viewer = viewer(&caller)?;
        let message = request.into_inner();
        let (filter, page): (_, Page<OrderId>) = Violations::of(|violations| {
            let state = decode::state(message.state, violations);
            let reference = &message.client_reference;
            let client_reference =
                violations.text("client_reference", reference, 0, decode::REFERENCE_CHARACTERS_MAX);
            let page = Page::of(Some(&caller), &message, &[state, &client_reference], violations)?;
            Some((Filter { state, client_reference, before: page.after, limit: page.limit() }, page))
        })?;
        let listed = self.pipeline.query(ListOrders { viewer: viewer.clone(), filter }).await?;
        let (orders, next_page_token) = page
            .try_fill(listed, |order| order.id, |order| encode::order(&order, &viewer))
            .map_err(Error::from)?;
        Ok(Response::new(ListOrdersResponse { orders, next_page_token }))
    }

    async fn cancel_order(
        &self,
        request: Request<CancelOrderRequest>,
    ) -> Result<Response<CancelOrderResponse>, Status> {
        self.pipeline.begin_saga(self.pipeline.db(), request, Key::of, cancel_order, cancelled).await
    }

    type WatchOrderStream = Pin<Box<dyn Stream<Item = Result<WatchOrderResponse, Status>> + Send>>;

    async fn watch_order(
        &self,
        request: Request<WatchOrderRequest>,
    ) -> Result<Response<Self::WatchOrderStream>, Status> {
        let viewer: Viewer = viewer(&rpc::require(&request)?)?;
        let message = request.into_inner();
        let named = Violations::of(|violations| {
            if message.after_version < 0 {
                violations.add("after_version", format!("{} must be 0 or more", message.after_version));
            }
            named(&message.order_id, violations)
        })?;
        let order = self.pipeline.query(GetOrder { named, viewer: viewer.clone() }).await?;
        if message.after_version > order.version {
            let (after, last) = (message.after_version, order.version);
            let problem = format!("{after} is beyond the last version, which is {last}");
            return Err(rpc::status::invalid(&[("after_version", &problem)]));
        }
        let versions =
            watch_order(self.pipeline.app().clone(), order.id, message.after_version).map(move |found| {
                let (version, progress) = found?;
                let order = encode::version(&order, version, &progress, &viewer).map_err(Error::from)?;
                Ok(WatchOrderResponse { order: Some(order) })
            });
        Ok(Response::new(Box::pin(versions)))
    }

    async fn confirm_receipt(
        &self,
        request: Request<ConfirmReceiptRequest>,
    ) -> Result<Response<ConfirmReceiptResponse>, Status> {
        let encode = |_: &_, order| {
            Ok(ConfirmReceiptResponse { order: Some(encode::order(&order, &Viewer::Operator)?) })
        };
        self.pipeline.mutate(request, confirm_receipt, encode).await
    }
}

fn place_order(
    message: &PlaceOrderRequest,
    caller: &Caller,
    trade_policy: &TradePolicy,
    violations: &mut Violations,
) -> Option<PlaceOrder> {
    let quote_id = violations.id("quote_id", &message.quote_id);
    let checkout = checkout::decode(message, caller, trade_policy, violations);
    let secret = decode::guest_secret(&message.guest_secret, violations);
    let principals = decode::principals(Some(caller), secret.as_ref());
    Some(PlaceOrder { quote_id: quote_id?, principals, checkout: checkout? })
}

fn cancel_order(
    message: CancelOrderRequest,
    caller: &Caller,
    violations: &mut Violations,
) -> Option<CancelOrder> {
    let viewer = violations.allowed(viewer(caller))?;
    let order_id = violations.id("order_id", &message.order_id);
    let reason = violations.lines("reason", &message.reason, 0, REASON_CHARACTERS_MAX);
    Some(CancelOrder { viewer, order_id: order_id?, reason })
}

fn confirm_receipt(
    message: ConfirmReceiptRequest,
    caller: &Caller,
    violations: &mut Violations,
) -> Option<ConfirmReceipt> {
    let viewer = violations.allowed(viewer(caller))?;
    let order_id = violations.id("order_id", &message.order_id);
    let consignment_id = violations.optional_id("consignment_id", &message.consignment_id);
    Some(ConfirmReceipt { viewer, order_id: order_id?, consignment_id })
}
