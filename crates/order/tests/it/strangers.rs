//! Who may see and do what: every RPC without a token, and with another's.

use kernel::SellerId;
use proto::order::internal::v1::saga_service_client::SagaServiceClient;
use proto::order::internal::v1::{AuditOrdersRequest, GetSagaRequest, ListSagasRequest};
use proto::order::v1::hub_service_client::HubServiceClient;
use proto::order::v1::order_service_client::OrderServiceClient;
use proto::order::v1::return_service_client::ReturnServiceClient;
use proto::order::v1::{
    ApproveReturnRequest, CancelOrderRequest, ConfirmReceiptRequest, GetHubRequest, GetOrderRequest,
    GetReturnRequest, ListOrdersRequest, ListReturnsRequest, Order, PaymentMethod, ReceiveReturnRequest,
    RejectReturnRequest, RequestReturnRequest, WatchOrderRequest,
};
use rpc::{Channel, Role};
use testkit::on_both;
use testkit::service::Line;
use tonic::{Code, Status};

use crate::shop::{BUYER, Shop, consignment_id, place_request, request_id};

fn code<T>(answer: Result<T, Status>) -> Code {
    answer.err().map_or(Code::Ok, |status| status.code())
}

/// Calls every RPC on one order and one return.
macro_rules! call_all {
    ($orders:expr, $returns:expr, $place:expr, $order:expr, $return_id:expr) => {{
        let (mut orders, mut returns, order_id) = ($orders, $returns, $order.order_id.clone());
        let return_id: String = $return_id.clone();
        let (id, consignment) = (request_id, consignment_id($order, 0));
        [
            ("PlaceOrder", code(orders.place_order($place.clone()).await)),
            ("GetOrder", code(orders.get_order(GetOrderRequest { order_id: order_id.clone() }).await)),
            ("ListOrders", code(orders.list_orders(ListOrdersRequest::default()).await)),
            (
                "WatchOrder",
                code(
                    orders
                        .watch_order(WatchOrderRequest { order_id: order_id.clone(), after_version: 0 })
                        .await,
                ),
            ),
            (
                "CancelOrder",
                code(
                    orders
                        .cancel_order(CancelOrderRequest {
                            request_id: id(),
                            order_id: order_id.clone(),
                            reason: String::new(),
                        })
                        .await,
                ),
            ),
            (
                "ConfirmReceipt",
                code(
                    orders
                        .confirm_receipt(ConfirmReceiptRequest {
                            request_id: id(),
                            order_id: order_id.clone(),
                            consignment_id: String::new(),
                        })
                        .await,
                ),
            ),
            (
                "RequestReturn",
                code(
                    returns
                        .request_return(RequestReturnRequest {
                            request_id: id(),
                            order_id: order_id.clone(),
                            consignment_id: consignment,
                            lines: Vec::new(),
                            reason: "x".to_owned(),
                            client_reference: String::new(),
                            cause: 0,
                        })
                        .await,
                ),
            ),
            ("GetReturn", code(returns.get_return(GetReturnRequest { return_id: return_id.clone() }).await)),
            ("ListReturns", code(returns.list_returns(ListReturnsRequest::default()).await)),
            (
                "ApproveReturn",
                code(
                    returns
                        .approve_return(ApproveReturnRequest {
                            request_id: id(),
                            return_id: return_id.clone(),
                            answer: String::new(),
                        })
                        .await,
                ),
            ),
            (
                "RejectReturn",
                code(
                    returns
                        .reject_return(RejectReturnRequest {
                            request_id: id(),
                            return_id: return_id.clone(),
                            answer: "x".to_owned(),
                        })
                        .await,
                ),
            ),
            (
                "ReceiveReturn",
                code(
                    returns
                        .receive_return(ReceiveReturnRequest { request_id: id(), return_id, restock: true })
                        .await,
                ),
            ),
        ]
    }};
}

async fn with_return(shop: &Shop) -> (Order, String) {
    let order = shop.order_of_two().await;
    shop.delivered(&order, 0).await;
    shop.delivered(&order, 1).await;
    let request = RequestReturnRequest {
        request_id: request_id(),
        order_id: order.order_id.clone(),
        consignment_id: consignment_id(&order, 0),
        lines: Vec::new(),
        reason: "torn".to_owned(),
        client_reference: String::new(),
        cause: 0,
    };
    let asked = shop.returns(Role::Buyer, BUYER).request_return(request).await.unwrap().into_inner();
    (shop.get(&order.order_id).await, asked.r#return.unwrap().return_id)
}

on_both! {
    async fn every_rpc_refuses_those_who_may_not(database: Database) {
        let shop = Shop::open(&database).await;
        let (order, return_id) = with_return(&shop).await;
        let place = place_request(&shop.quote().await, PaymentMethod::Wallet);

        let (orders, returns): (OrderServiceClient<Channel>, ReturnServiceClient<Channel>) =
            (OrderServiceClient::new(shop.hub.anyone()), ReturnServiceClient::new(shop.hub.anyone()));
        for (rpc, code) in call_all!(orders, returns, place, &order, return_id) {
            assert_eq!(code, Code::Unauthenticated, "{rpc}");
        }
        let lists = ["ListOrders", "ListReturns"];
        let of_buyers = ["PlaceOrder", "CancelOrder", "ConfirmReceipt", "RequestReturn"];
        let of_sellers = ["ApproveReturn", "RejectReturn", "ReceiveReturn"];
        let (orders, returns) = (shop.orders("mallory"), shop.returns(Role::Buyer, "mallory"));
        for (rpc, code) in call_all!(orders, returns, place, &order, return_id) {
            let expected = match rpc {
                rpc if lists.contains(&rpc) => Code::Ok,
                rpc if of_sellers.contains(&rpc) => Code::PermissionDenied,
                _ => Code::NotFound,
            };
            assert_eq!(code, expected, "another buyer: {rpc}");
        }
        // The seller of the other consignment sees the order, but not this return.
        let other = order.consignments[1].quoted.as_ref().unwrap().seller_id.clone();
        for (subject, foreign) in [(SellerId::new().to_string(), true), (other, false)] {
            let (orders, returns) = (shop.orders_as(Role::Seller, &subject), shop.returns(Role::Seller, &subject));
            for (rpc, code) in call_all!(orders, returns, place, &order, return_id) {
                let expected = match rpc {
                    rpc if lists.contains(&rpc) => Code::Ok,
                    rpc if of_buyers.contains(&rpc) => Code::PermissionDenied,
                    "GetOrder" | "WatchOrder" if !foreign => Code::Ok,
                    _ => Code::NotFound,
                };
                assert_eq!(code, expected, "another seller: {rpc}");
            }
        }
        for (role, subject, expected) in [
            (Role::Carrier, "selat", Code::PermissionDenied),
            // A service's token is good inside alone.
            (Role::Service, "catalog", Code::Unauthenticated),
        ] {
            let (orders, returns) = (shop.orders_as(role, subject), shop.returns(role, subject));
            for (rpc, code) in call_all!(orders, returns, place, &order, return_id) {
                assert_eq!(code, expected, "{role}: {rpc}");
            }
        }
        let mut anyone = HubServiceClient::new(shop.hub.anyone());
        let hub = anyone.get_hub(GetHubRequest {}).await.unwrap().into_inner();
        assert_eq!((hub.code.as_str(), hub.currency.as_str(), hub.sandbox), ("my", "MYR", true));
        assert_eq!(hub.payment_methods, [i32::from(PaymentMethod::Wallet), i32::from(PaymentMethod::Duitnow)]);
        // Nobody's call has changed anything.
        assert_eq!(shop.get(&order.order_id).await, order);
        shop.hub.stop().await;
    }

    async fn sagas_are_for_operators(database: Database) {
        let shop = Shop::open(&database).await;
        let order = shop.order().await;
        let saga = GetSagaRequest { order_id: order.number.clone() };
        for (role, subject) in [(Role::Buyer, BUYER), (Role::Seller, "seller"), (Role::Carrier, "selat")] {
            let mut sagas: SagaServiceClient<Line> = SagaServiceClient::new(shop.hub.internal(role, subject));
            assert_eq!(code(sagas.get_saga(saga.clone()).await), Code::PermissionDenied);
            assert_eq!(code(sagas.list_sagas(ListSagasRequest::default()).await), Code::PermissionDenied);
            assert_eq!(code(sagas.audit_orders(AuditOrdersRequest {}).await), Code::PermissionDenied);
        }
        // The public listener does not have them at all.
        let mut outside: SagaServiceClient<Line> =
            SagaServiceClient::new(shop.hub.public(Role::Operator, "somchai"));
        assert_ne!(code(outside.get_saga(saga.clone()).await), Code::Ok);
        let seen = shop.sagas().get_saga(saga).await.unwrap().into_inner();
        assert_eq!(seen.order, Some(order.clone()));
        for _ in 0..2 {
            shop.order().await;
        }
        let list = ListSagasRequest { stuck_only: false, page_size: 2, page_token: String::new() };
        let page = shop.sagas().list_sagas(list.clone()).await.unwrap().into_inner();
        assert_eq!((page.sagas.len(), page.unsettled_count), (2, 0));
        let next = ListSagasRequest { page_token: page.next_page_token, ..list };
        let page = shop.sagas().list_sagas(next).await.unwrap().into_inner();
        assert_eq!(page.sagas.iter().map(|saga| &saga.order_id).collect::<Vec<_>>(), [&order.order_id]);
        let audit = shop.sagas().audit_orders(AuditOrdersRequest {}).await.unwrap().into_inner();
        assert_eq!((audit.orders, audit.by_state["CONFIRMED"], audit.unsettled), (3, 3, 0));
        shop.hub.stop().await;
    }

    async fn a_seller_sees_its_own_part(database: Database) {
        let shop = Shop::open(&database).await;
        let (order, return_id) = with_return(&shop).await;
        let own = &order.consignments[0];
        let seller = shop.seller.to_string();
        let request = GetOrderRequest { order_id: order.order_id.clone() };
        let seen = shop.orders_as(Role::Seller, &seller).get_order(request.clone()).await.unwrap().into_inner();
        let seen = seen.order.unwrap();
        assert_eq!(seen.consignments, std::slice::from_ref(own));
        assert_eq!(seen.price, own.quoted.as_ref().unwrap().price);
        assert_eq!(seen.payment.as_ref().unwrap().amount, seen.price.as_ref().unwrap().total);
        assert_eq!(seen.address, order.address);
        assert!(seen.buyer.is_empty() && seen.attributes.is_empty() && seen.client_reference.is_empty());
        let listed = shop.orders_as(Role::Seller, &seller).list_orders(ListOrdersRequest::default()).await.unwrap();
        assert_eq!(listed.into_inner().orders, std::slice::from_ref(&seen));
        let watch = WatchOrderRequest { order_id: order.order_id.clone(), after_version: seen.version - 1 };
        let mut versions = shop.orders_as(Role::Seller, &seller).watch_order(watch).await.unwrap().into_inner();
        assert_eq!(versions.message().await.unwrap().unwrap().order, Some(seen));
        let returns = shop.returns(Role::Seller, &seller).list_returns(ListReturnsRequest::default()).await.unwrap();
        assert_eq!(returns.into_inner().returns[0].return_id, return_id);
        let operator = shop.orders_as(Role::Operator, "somchai").get_order(request).await.unwrap().into_inner();
        assert_eq!(operator.order, Some(order));
        drop(versions);
        shop.hub.stop().await;
    }
}
