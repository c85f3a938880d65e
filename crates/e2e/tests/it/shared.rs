//! Two instances of each service, in the production shape: they share the work, and one goes on without the other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use proof::market::Market;
use proof::{Hub, journey};
use proto::order::internal::v1::AuditOrdersRequest;
use proto::order::v1::{ListOrdersRequest, OrderState, PaymentMethod};
use testkit::eventually;

use crate::fleet::{Fleet, PARTITIONS};
use crate::kills::{account_for, check, request, shoppers};
use crate::town::{self, PATIENCE, seller};

/// The hub's consumer groups, and whose they are.
const GROUPS: [(&str, &str); 5] = [
    ("my.catalog.order", "catalog"),
    ("my.logistics.order", "logistics"),
    ("my.order.logistics", "order"),
    ("my.order.payment", "order"),
    ("my.payment.order", "payment"),
];
/// Orders that are placed between two deaths.
const ORDERS_BETWEEN: i64 = 5;

/// Waits until in every group each instance of these numbers has a share, and nobody else.
async fn shared_by(fleet: &Fleet, numbers: &[usize]) {
    let expected: BTreeMap<String, BTreeSet<String>> = GROUPS
        .iter()
        .map(|(group, service)| {
            ((*group).to_owned(), numbers.iter().map(|number| format!("{service}-{number}")).collect())
        })
        .collect();
    eventually(&format!("all groups are shared by {numbers:?}"), || async {
        let shares = fleet.shares();
        let all_shared = shares.values().all(|members| members.values().sum::<usize>() == PARTITIONS);
        let with_some: BTreeMap<String, BTreeSet<String>> = shares
            .into_iter()
            .map(|(group, members)| {
                (group, members.into_iter().filter(|(_, count)| *count > 0).map(|(name, _)| name).collect())
            })
            .collect();
        (all_shared && with_some == expected).then_some(())
    })
    .await;
}

/// A whole journey through this hub.
async fn a_purchase_is_completed(hub: &Hub, thai: &Market, name: &str) {
    let buyer = hub.buyer(name).unwrap();
    let order = town::buy(&buyer, &[(thai.variants[0].clone(), 1)]).await;
    let over = journey::to_completion(&buyer, &order.order_id, PATIENCE, |_| {}).await.unwrap();
    assert_eq!(over.state(), OrderState::Completed);
}

/// The services, each after those that it asks: a process is told where those are that run.
fn asked_first() -> Vec<&'static str> {
    services::callees_first().into_iter().map(|spec| spec.name).collect()
}

async fn orders(hub: &Hub) -> i64 {
    let audit = hub.sagas().unwrap().audit_orders(AuditOrdersRequest {}).await.unwrap().into_inner();
    audit.by_state.values().sum()
}

/// Waits until buyers have bought some more.
async fn they_buy_on(hub: &Hub) {
    let before = orders(hub).await;
    eventually("buyers go on buying", || async {
        (orders(hub).await >= before + ORDERS_BETWEEN).then_some(())
    })
    .await;
}

/// Brings every order of the buyers to its end.
async fn complete_all(hub: &Hub) {
    for place in 0..4 {
        let buyer = hub.buyer(&format!("buyer-{place}")).unwrap();
        let mut request = ListOrdersRequest { page_size: 200, ..ListOrdersRequest::default() };
        loop {
            let listed = buyer.orders().list_orders(request.clone()).await.unwrap().into_inner();
            for order in &listed.orders {
                let over = journey::to_completion(&buyer, &order.order_id, PATIENCE, |_| {}).await.unwrap();
                assert_eq!(over.state(), OrderState::Completed);
            }
            if listed.next_page_token.is_empty() {
                break;
            }
            request.page_token = listed.next_page_token;
        }
    }
}

mod two_instances_share_and_one_goes_on_without_the_other {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn kafka() {
        let Some(mut fleet) = Fleet::start_with(2).await else { return };
        shared_by(&fleet, &[0, 1]).await;
        let thai = seller(&fleet.hub(), &[100_000]).await;
        for number in [0, 1] {
            let by_itself = fleet.hub_of(|_, instance| instance == number);
            a_purchase_is_completed(&by_itself, &thai, &format!("by-{number}")).await;
        }

        // One instance of each service dies, and nobody starts it again.
        let hub = Arc::new(Mutex::new(fleet.hub()));
        let done = Arc::new(AtomicBool::new(false));
        let shoppers = shoppers(&hub, &thai.variants[0], &done);
        let judge = fleet.hub_of(|_, number| number == 1);
        for service in asked_first() {
            they_buy_on(&judge).await;
            fleet.kill((service, 0)).await;
        }
        they_buy_on(&judge).await;
        done.store(true, Ordering::Relaxed);
        account_for(&judge, shoppers, 2).await;
        shared_by(&fleet, &[1]).await;
        complete_all(&judge).await;
        check(&judge).await;

        // Another comes, takes its share, and then goes on alone.
        for service in asked_first() {
            fleet.join((service, 2)).await;
        }
        shared_by(&fleet, &[1, 2]).await;
        a_purchase_is_completed(&fleet.hub(), &thai, "by-both").await;
        for service in asked_first() {
            fleet.kill((service, 1)).await;
        }
        shared_by(&fleet, &[2]).await;
        a_purchase_is_completed(&fleet.hub(), &thai, "by-the-third").await;
        check(&fleet.hub()).await;
        fleet.end().await;
    }
}

mod an_order_of_a_dead_instance_is_brought_to_its_end_by_another {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn kafka() {
        let Some(mut fleet) = Fleet::start_with(1).await else { return };
        let hub = fleet.hub();
        // Its sagas stand still once stock is held, and so does its call.
        fleet.order = "failpoint = \"reserved\"";
        fleet.join(("order", 1)).await;
        let at_the_second = fleet.hub_of(|service, number| service != "order" || number == 1);
        let (buyer, request) = request(&at_the_second, PaymentMethod::Wallet, 0).await;
        let sent = request.clone();
        let placing = tokio::spawn(async move { buyer.orders().place_order(sent).await });
        eventually("the order is there", || async { (orders(&hub).await == 1).then_some(()) }).await;
        fleet.kill(("order", 1)).await;
        assert!(placing.await.unwrap().is_err(), "nobody answers for a killed process");

        let buyer = hub.buyer("aisyah").unwrap();
        let order = buyer.orders().place_order(request).await.unwrap().into_inner().order.unwrap();
        assert_eq!(order.state(), OrderState::Confirmed);
        // Events for the dead one's partitions wait for its session's end.
        let over = journey::to_completion(&buyer, &order.order_id, PATIENCE, |_| {}).await.unwrap();
        assert_eq!(over.state(), OrderState::Completed);
        check(&hub).await;
        fleet.end().await;
    }
}
