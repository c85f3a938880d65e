//! The process is killed at each step of the saga, from outside, and started again on its data.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use proof::purchase::{self, OrderOptions};
use proof::{Hub, Session, invariants, journey};
use proto::catalog::internal::v1::AuditStockRequest;
use proto::order::v1::{OrderState, PaymentMethod, PlaceOrderRequest};
use proto::types::v1::Money;
use rpc::status::reason;
use tonic::Code;

use crate::process::Data;
use crate::town::{self, PATIENCE, address, available, seller, total, wallet};

/// The log line of a saga that stands still.
const STANDS: &str = "stopped at its failpoint";

pub(crate) async fn check(hub: &Hub) {
    invariants::settle(hub, PATIENCE).await.unwrap();
    let report = invariants::check(hub).await.unwrap();
    assert!(report.holds(), "\n{report}");
}

/// A request to order two scarves, with `short` minor units too few in the wallet.
pub(crate) async fn request(hub: &Hub, method: PaymentMethod, short: i64) -> (Session, PlaceOrderRequest) {
    let thai = seller(hub, &[10]).await;
    let buyer = hub.buyer("aisyah").unwrap();
    let quote = town::quote(&buyer, &[(thai.variants[0].clone(), 2)]).await;
    let price = total(&quote);
    purchase::fund(&buyer, &Money { minor_units: price.minor_units - short, ..price }).await.unwrap();
    let request = PlaceOrderRequest {
        request_id: proof::request_id(),
        quote_id: quote.quote_id,
        address: Some(address()),
        payment_method: method.into(),
        ..PlaceOrderRequest::default()
    };
    (buyer, request)
}

/// Orders at a hub whose sagas stand still at `point`, kills it there, and starts it again.
async fn killed_at(
    point: &str,
    method: PaymentMethod,
    short: i64,
) -> (Data, Hub, crate::process::Process, PlaceOrderRequest) {
    let data = Data::new();
    let mut process = data.start(&format!("failpoint = \"{point}\"")).await;
    let (buyer, request) = request(&process.hub, method, short).await;
    let sent = request.clone();
    let placing = tokio::spawn(async move { buyer.orders().place_order(sent).await });
    process.says(STANDS).await;
    process.kill().await;
    assert!(placing.await.unwrap().is_err(), "nobody answers for a killed process");
    let process = data.start("").await;
    (data, process.hub.clone(), process, request)
}

async fn a_wallet_order_proceeds(point: &str) {
    let (_data, hub, process, request) = killed_at(point, PaymentMethod::Wallet, 0).await;
    let buyer = hub.buyer("aisyah").unwrap();
    let order = buyer.orders().place_order(request).await.unwrap().into_inner().order.unwrap();
    assert_eq!(order.state(), OrderState::Confirmed);
    let over = journey::to_completion(&buyer, &order.order_id, PATIENCE, |_| {}).await.unwrap();
    assert_eq!(over.state(), OrderState::Completed);
    check(&hub).await;
    assert_eq!(wallet(&buyer).await, (0, 0));
    process.kill().await;
}

async fn a_qr_order_proceeds(point: &str) {
    let (_data, hub, process, request) = killed_at(point, PaymentMethod::Duitnow, 0).await;
    let buyer = hub.buyer("aisyah").unwrap();
    let order = buyer.orders().place_order(request).await.unwrap().into_inner().order.unwrap();
    assert_eq!(order.state(), OrderState::AwaitingPayment);
    purchase::pay_qr(&hub, &order).await.unwrap();
    let over = journey::to_completion(&buyer, &order.order_id, PATIENCE, |_| {}).await.unwrap();
    assert_eq!(over.state(), OrderState::Completed);
    check(&hub).await;
    process.kill().await;
}

async fn a_short_order_is_compensated(point: &str) {
    let (_data, hub, process, request) = killed_at(point, PaymentMethod::Wallet, 1).await;
    let buyer = hub.buyer("aisyah").unwrap();
    let refused = buyer.orders().place_order(request).await.unwrap_err();
    assert_eq!(reason(&refused).as_deref(), Some("INSUFFICIENT_FUNDS"));
    check(&hub).await;
    assert_eq!(wallet(&buyer).await.1, 0);
    assert_eq!(available(&seller(&hub, &[10]).await, 0).await, 10);
    process.kill().await;
}

#[tokio::test]
async fn killed_once_the_saga_is_saved() {
    a_wallet_order_proceeds("placed").await;
    a_qr_order_proceeds("placed").await;
}

#[tokio::test]
async fn killed_once_stock_is_held() {
    a_wallet_order_proceeds("reserved").await;
    a_qr_order_proceeds("reserved").await;
}

#[tokio::test]
async fn killed_once_money_is_held() {
    a_wallet_order_proceeds("authorised").await;
    a_qr_order_proceeds("authorised").await;
}

#[tokio::test]
async fn killed_once_the_outcome_is_written() {
    a_wallet_order_proceeds("recorded").await;
    a_qr_order_proceeds("recorded").await;
}

#[tokio::test]
async fn killed_once_giving_back_is_decided() {
    a_short_order_is_compensated("decided").await;
}

#[tokio::test]
async fn killed_once_stock_was_given_back() {
    a_short_order_is_compensated("released").await;
}

#[tokio::test]
async fn killed_once_all_was_given_back() {
    a_short_order_is_compensated("voided").await;
}

/// Buys again and again; each request is repeated until it is answered, across the deaths of the hub.
async fn shop_on(
    hubs: Arc<std::sync::Mutex<Hub>>,
    name: String,
    variant: String,
    done: Arc<AtomicBool>,
) -> u64 {
    let mut bought = 0;
    // However slow the machine is, each has bought once in the end.
    while bought == 0 || !done.load(Ordering::Relaxed) {
        let hub = hubs.lock().unwrap().clone();
        let buyer = hub.buyer(&name).unwrap();
        let quote = purchase::quote(&buyer, &[(variant.clone(), 1)], "").await;
        let funded = match &quote {
            Ok(quote) => purchase::fund(&buyer, &total(quote)).await.is_ok(),
            Err(_) => false,
        };
        let (Ok(quote), true) = (quote, funded) else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let placing = OrderOptions::new(address(), PaymentMethod::Wallet);
        let request = PlaceOrderRequest {
            request_id: proof::request_id(),
            quote_id: quote.quote_id.clone(),
            address: Some(placing.address),
            payment_method: placing.method.into(),
            ..PlaceOrderRequest::default()
        };
        loop {
            let buyer = hubs.lock().unwrap().clone().buyer(&name).unwrap();
            match buyer.orders().place_order(request.clone()).await {
                Ok(_) => {
                    bought += 1;
                    break;
                }
                // Killed: again, with the same id.
                Err(status) if matches!(status.code(), Code::FailedPrecondition | Code::NotFound) => {
                    panic!("{name} was refused: {status}");
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }
    bought
}

pub(crate) type Shoppers = Vec<tokio::task::JoinHandle<u64>>;

/// Four buyers who buy until they are told to stop.
pub(crate) fn shoppers(hub: &Arc<std::sync::Mutex<Hub>>, variant: &str, done: &Arc<AtomicBool>) -> Shoppers {
    let shopper =
        |place: usize| shop_on(hub.clone(), format!("buyer-{place}"), variant.to_owned(), done.clone());
    (0..4).map(|place| tokio::spawn(shopper(place))).collect()
}

/// Each order that was acknowledged is there once, besides so many that others have bought before.
pub(crate) async fn account_for(hub: &Hub, shoppers: Shoppers, before: u64) {
    let mut bought = before;
    for shopper in shoppers {
        bought += shopper.await.unwrap();
    }
    assert!(bought > before);
    check(hub).await;
    let audit = hub.catalog_operator().unwrap().audit_stock(AuditStockRequest {}).await.unwrap().into_inner();
    assert_eq!(u64::try_from(100_000 - audit.on_hand).unwrap(), bought);
}

/// Deaths at any moment, while four buyers buy. `entrepot prove` will do it by the hundred.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_while_buyers_buy() {
    let data = Data::new();
    let mut process = data.start("").await;
    let thai = seller(&process.hub, &[100_000]).await;
    let hubs = Arc::new(std::sync::Mutex::new(process.hub.clone()));
    let done = Arc::new(AtomicBool::new(false));
    let shoppers = shoppers(&hubs, &thai.variants[0], &done);
    for pause_ms in [310, 170, 450, 230, 90, 370] {
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        process.kill().await;
        process = data.start("").await;
        *hubs.lock().unwrap() = process.hub.clone();
    }
    done.store(true, Ordering::Relaxed);
    account_for(&process.hub, shoppers, 0).await;
    process.kill().await;
}

mod each_service_is_killed_while_buyers_buy {
    use super::*;
    use crate::fleet::Fleet;

    /// In the production shape: a process per service, on PostgreSQL and Kafka.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn kafka() {
        let Some(mut fleet) = Fleet::start().await else { return };
        let thai = seller(&fleet.hub(), &[100_000]).await;
        let hub = Arc::new(std::sync::Mutex::new(fleet.hub()));
        let done = Arc::new(AtomicBool::new(false));
        let shoppers = shoppers(&hub, &thai.variants[0], &done);
        for service in ["order", "catalog", "payment", "logistics", "order", "payment"] {
            tokio::time::sleep(Duration::from_millis(400)).await;
            fleet.kill_and_restart(service).await;
        }
        done.store(true, Ordering::Relaxed);
        account_for(&fleet.hub(), shoppers, 0).await;
        fleet.end().await;
    }
}
