//! What was under way when the fixture was made goes on to its end.

use proof::journey;
use proto::catalog::internal::v1::{
    AuditStockRequest, AuditStockResponse, DecideSellerChangeRequest, DecideSellerChangeResponse,
    ListSellerChangesRequest, ListSellerChangesResponse, VerifySellerRequest, VerifySellerResponse,
};
use proto::catalog::v1::SellerState;
use proto::logistics::v1::ShipmentState;
use proto::operator::internal::v1::{ReplayParkedEventsRequest, ReplayParkedEventsResponse};
use proto::order::internal::v1::{AuditOrdersRequest, AuditOrdersResponse};
use proto::order::v1::{
    ListOrdersRequest, ListReturnsRequest, ListReturnsResponse, OrderState, PaymentMethod, ReturnState,
};
use proto::payment::internal::v1::{TrialBalanceRequest, TrialBalanceResponse};

use super::STRANGER;
use super::calls::OPERATOR;
use super::life::{AISYAH, BALA, refunded, units};
use super::player::Player;
use crate::town::PATIENCE;

/// Orders that were not over, by their buyers.
const UNDER_WAY: [(&str, &str); 8] = [
    (BALA, "awaiting payment"),
    (BALA, "paid by QR"),
    (BALA, "a guest's quote"),
    (AISYAH, "booked"),
    (AISYAH, "picked up"),
    (AISYAH, "at customs"),
    (AISYAH, "out for delivery"),
    (AISYAH, "delivered"),
];

/// Ends what can be ended, begins something new, and audits it all.
pub(crate) async fn to_the_end(player: &Player<'_>, hub: &proof::Hub) {
    let waits = player.named(BALA, "awaiting payment").await;
    assert!(player.pay(&waits, "by today's hub").await.matched);
    player.becomes(BALA, "awaiting payment", |order| order.state() == OrderState::Confirmed).await;
    for (who, name) in UNDER_WAY.into_iter().chain([(AISYAH, "received in part")]) {
        let order = player.named(who, name).await;
        player.carry(who, &order, ShipmentState::Delivered).await;
        let order = player.becomes(who, name, |order| order.state() == OrderState::Delivered).await;
        player.receive(who, &order, "").await;
        player.becomes(who, name, |order| order.state() == OrderState::Completed).await;
    }
    versions(hub).await;
    returns(player).await;
    sellers(player).await;
    bought(player).await;
    audited(player, hub).await;
}

/// Each version of an order that was over is still told.
async fn versions(hub: &proof::Hub) {
    let buyer = hub.buyer("aisyah").unwrap();
    let request = ListOrdersRequest { client_reference: "completed".to_owned(), ..Default::default() };
    let listed = buyer.orders().list_orders(request).await.unwrap().into_inner();
    let order = &listed.orders[0];
    let mut seen = Vec::new();
    let watched =
        journey::watch(&buyer, &order.order_id, PATIENCE, |order| seen.push(order.version), journey::is_over);
    assert_eq!(watched.await.unwrap(), *order);
    assert_eq!(seen, Vec::from_iter(1..=order.version));
}

/// The return that was asked for, and the one that was agreed to.
async fn returns(player: &Player<'_>) {
    let order = player.named(BALA, "going back").await;
    let request = ListReturnsRequest { order_id: order.order_id, page_size: 50, page_token: String::new() };
    let rpc = "/entrepot.order.v1.ReturnService/ListReturns";
    let listed: ListReturnsResponse = player.line.call(BALA, rpc, &request).await;
    for given_back in &listed.returns {
        match given_back.state() {
            ReturnState::Requested => player.approve(given_back).await,
            ReturnState::Approved => {}
            _ => continue,
        }
        player.take_back(given_back, true).await;
        refunded(player, BALA, given_back).await;
    }
}

/// The change that waited is decided, and who was suspended sells again.
async fn sellers(player: &Player<'_>) {
    let request = ListSellerChangesRequest { page_size: 10, page_token: String::new() };
    let rpc = "/entrepot.catalog.internal.v1.CatalogOperatorService/ListSellerChanges";
    let listed: ListSellerChangesResponse = player.line.call(OPERATOR, rpc, &request).await;
    assert_eq!(listed.sellers.len(), 1);
    let request = DecideSellerChangeRequest {
        request_id: proof::request_id(),
        seller_id: listed.sellers[0].seller_id.clone(),
        etag: listed.sellers[0].etag.clone(),
        accept: true,
        reason: String::new(),
    };
    let rpc = "catalog.internal.v1.CatalogOperatorService/DecideSellerChange";
    let decided: DecideSellerChangeResponse = player.change(OPERATOR, rpc, request).await;
    let wanted = listed.sellers[0].change.as_ref().unwrap();
    assert_eq!(decided.seller.unwrap().display_name, wanted.display_name);
    let request = VerifySellerRequest {
        request_id: proof::request_id(),
        seller_id: proof::shop::SellerEntry::thai("gone-firm").seller_id().to_string(),
        etag: String::new(),
    };
    let rpc = "catalog.internal.v1.CatalogOperatorService/VerifySeller";
    let verified: VerifySellerResponse = player.change(OPERATOR, rpc, request).await;
    assert_eq!(verified.seller.unwrap().state(), SellerState::Verified);
}

/// The old goods are bought anew.
async fn bought(player: &Player<'_>) {
    let old = player.named(BALA, "paid by QR").await;
    let variant_id = old.consignments[0].quoted.as_ref().unwrap().lines[0].variant_id.clone();
    let order = player.order(BALA, vec![units(&variant_id, 1)], PaymentMethod::Wallet, "new").await;
    player.carry(BALA, &order, ShipmentState::Delivered).await;
    player.becomes(BALA, "new", |order| order.state() == OrderState::Delivered).await;
}

/// Nothing is amiss but the event that nobody understands.
async fn audited(player: &Player<'_>, hub: &proof::Hub) {
    proof::invariants::settle(hub, PATIENCE).await.unwrap();
    let rpc = "/entrepot.payment.internal.v1.LedgerService/TrialBalance";
    let balance: TrialBalanceResponse = player.line.call(OPERATOR, rpc, &TrialBalanceRequest {}).await;
    assert!(balance.differences.iter().all(|difference| difference.minor_units == 0), "{balance:?}");
    let rpc = "/entrepot.catalog.internal.v1.CatalogOperatorService/AuditStock";
    let stock: AuditStockResponse = player.line.call(OPERATOR, rpc, &AuditStockRequest {}).await;
    let rpc = "/entrepot.order.internal.v1.SagaService/AuditOrders";
    let orders: AuditOrdersResponse = player.line.call(OPERATOR, rpc, &AuditOrdersRequest {}).await;
    let violations = [balance.violations, stock.violations, orders.violations].concat();
    assert!(violations.is_empty(), "{violations:?}");
    for service in ["catalog", "payment", "logistics"] {
        let request = ReplayParkedEventsRequest {
            request_id: proof::request_id(),
            service: service.to_owned(),
            consumer: format!("{service}.order"),
            aggregate_id: STRANGER.to_owned(),
        };
        let rpc = "operator.internal.v1.OperatorService/ReplayParkedEvents";
        let replayed: ReplayParkedEventsResponse = player.change(OPERATOR, rpc, request).await;
        assert_eq!((replayed.replayed_count, replayed.parked_count), (0, 1), "{replayed:?}");
    }
}
