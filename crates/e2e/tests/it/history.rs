//! A hub with a history that was written set-wise (`bench --preload`): all that must hold does, and it goes on.

use std::collections::BTreeSet;

use kernel::Clock;
use proof::{Session, invariants, journey, originals, purchase};
use proto::catalog::v1::{ListProductsRequest, Product};
use proto::logistics::v1::ListShipmentsRequest;
use proto::order::v1::{CancelOrderRequest, ListOrdersRequest, Order, OrderState, PaymentMethod};
use proto::payment::v1::GetPaymentRequest;
use services::history::{AT_ONCE, Databases, Plan, Writer};

use crate::town::{self, Ground, STILL, Town};

const ORIGINALS: usize = 3;
const PER_BUYER: u64 = 4;
/// More than one batch.
const ORDERS: u64 = AT_ONCE + 203;
const PRODUCTS: u64 = 310;

fn plan() -> Plan {
    Plan {
        name: "history".to_owned(),
        products: PRODUCTS,
        orders: ORDERS,
        orders_per_buyer: PER_BUYER,
        until: Clock::system().now(),
    }
}

/// All goods whose words begin with one.
async fn found(hub: &proof::Hub, text: &str) -> Vec<Product> {
    let reader = hub.buyer("reader").unwrap();
    let mut request =
        ListProductsRequest { text: text.to_owned(), page_size: 100, ..ListProductsRequest::default() };
    let mut all = Vec::new();
    loop {
        let page = reader.products().list_products(request.clone()).await.unwrap().into_inner();
        all.extend(page.products);
        if page.next_page_token.is_empty() {
            return all;
        }
        request.page_token = page.next_page_token;
    }
}

/// Each of an order's services knows it as the others do.
async fn is_whole(buyer: &Session, order: &Order) {
    let order_id = order.order_id.clone();
    let payment = buyer.payments().get_payment(GetPaymentRequest { order_id: order_id.clone() }).await;
    let payment = payment.unwrap().into_inner().payment.unwrap();
    assert_eq!(payment.amount, order.price.as_ref().unwrap().total);
    let request = ListShipmentsRequest { order_id, ..ListShipmentsRequest::default() };
    let shipments = buyer.shipments().list_shipments(request).await.unwrap().into_inner().shipments;
    assert_eq!(shipments.len(), 1);
    assert_eq!(shipments[0].consignment_id, order.consignments[0].quoted.as_ref().unwrap().consignment_id);
    assert_eq!(shipments[0].tracking_number, order.consignments[0].tracking_number);
}

on_every_shape! {
    async fn what_must_hold_does_and_its_goods_are_bought(ground: Ground) {
        let town = Town::open(&ground, STILL).await;
        let made = originals::make(&town.hub, "history", ORIGINALS, &town::address()).await.unwrap();
        invariants::settle(&town.hub, town::PATIENCE).await.unwrap();

        let (mut buyer, mut made) = (String::new(), Some(made));
        let town = town
            .between(async |urls| {
                let databases = Databases::connect(|service| urls[service].clone()).await.unwrap();
                let writer = Writer::new(&databases, made.take().unwrap(), plan()).await.unwrap();
                writer.products(|_| {}).await.unwrap();
                writer.orders(|_| {}).await.unwrap();
                buyer = writer.a_buyer();
                drop(writer);
                databases.close().await;
            })
            .await;
        let buyer = town.hub.buyer(&buyer).unwrap();
        town.check().await;
        let deliveries = proof::deliveries::check(&town.hub).await.unwrap();
        assert!(deliveries.holds(), "{deliveries:?}");

        // The buyer's page: each of its orders, with its money and its parcel.
        let listed = buyer.orders().list_orders(ListOrdersRequest::default()).await.unwrap().into_inner();
        assert_eq!(u64::try_from(listed.orders.len()).unwrap(), PER_BUYER + 1);
        assert!(listed.orders.is_sorted_by_key(|order| std::cmp::Reverse(order.created_at.unwrap().seconds)));
        let numbers: BTreeSet<&str> = listed.orders.iter().map(|order| order.number.as_str()).collect();
        assert_eq!(numbers.len(), listed.orders.len());
        for order in &listed.orders {
            assert_eq!(order.state(), OrderState::Confirmed);
            is_whole(&buyer, order).await;
        }

        // One is cancelled: its goods and its money come back as of any other.
        let before = purchase::wallet(&buyer, "MYR").await.unwrap().available.unwrap().minor_units;
        let first = &listed.orders[0];
        let request = CancelOrderRequest {
            request_id: proof::request_id(),
            order_id: first.order_id.clone(),
            reason: String::new(),
        };
        buyer.orders().cancel_order(request).await.unwrap();
        journey::watch(&buyer, &first.order_id, town::PATIENCE, |_| {}, journey::is_over).await.unwrap();
        invariants::settle(&town.hub, town::PATIENCE).await.unwrap();
        let after = purchase::wallet(&buyer, "MYR").await.unwrap().available.unwrap().minor_units;
        assert_eq!(after - before, first.price.as_ref().unwrap().total.as_ref().unwrap().minor_units);

        // Goods of the history are found, differ, and are bought.
        let silk = found(&town.hub, "silk").await;
        let indigo = found(&town.hub, "indigo silk").await;
        assert!(!indigo.is_empty() && indigo.len() < silk.len() && silk.len() < usize::try_from(PRODUCTS).unwrap());
        let variant = indigo[0].variants[0].variant_id.clone();
        let shopper = town.hub.buyer("shopper").unwrap();
        let quote = town::quote(&shopper, &[(variant, 1)]).await;
        purchase::fund(&shopper, &town::total(&quote)).await.unwrap();
        let options = purchase::OrderOptions::new(town::address(), PaymentMethod::Wallet);
        let bought = purchase::place(&shopper, &quote, &options).await.unwrap();
        assert_eq!(bought.state(), OrderState::Confirmed);
        town.close().await;
    }
}
