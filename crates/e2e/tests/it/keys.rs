//! The keys of a hub in the production shape: each process has its own, and they change while buyers buy.

use proof::{Hub, journey};
use proto::order::v1::OrderState;
use rpc::{Holder, KeySet};
use testkit::eventually;

use crate::fleet::{Fleet, Keys};
use crate::town::{self, PATIENCE, seller};

/// A whole journey, in which every service is asked.
async fn a_purchase_is_completed(hub: &Hub, market: &proof::market::Market, name: &str) {
    let buyer = hub.buyer(name).unwrap();
    let order = town::buy(&buyer, &[(market.variants[0].clone(), 1)]).await;
    let over = journey::to_completion(&buyer, &order.order_id, PATIENCE, |_| {}).await.unwrap();
    assert_eq!(over.state(), OrderState::Completed);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_a_service_is_replaced_while_it_serves() {
    let Some(fleet) = Fleet::start().await else { return };
    let hub = fleet.hub();
    let market = seller(&hub, &[100]).await;
    a_purchase_is_completed(&hub, &market, "aisyah").await;
    let set = fleet.folder().join("my/jwks.json");
    let of_order = || -> Vec<(String, bool)> {
        let is_orders = |holder: &Holder| *holder == Holder::Service("order".to_owned());
        let set = KeySet::read(&set).unwrap();
        let keys = set.iter().filter(|key| is_orders(&key.holder));
        keys.map(|key| (key.kid().to_owned(), key.retired_at.is_some())).collect()
    };
    assert_eq!(fleet.keys_step(&["publish", "order"]), Ok(()));
    assert_eq!(of_order().len(), 2);
    let too_early = fleet.keys_step(&["sign", "order"]).unwrap_err();
    assert!(too_early.contains("try again then"), "{too_early}");
    eventually("order may sign with its next key", || async { fleet.keys_step(&["sign", "order"]).ok() })
        .await;
    assert_eq!(of_order().iter().filter(|(_, retired)| *retired).count(), 1);
    for round in 0..5 {
        a_purchase_is_completed(&hub, &market, &format!("buyer-{round}")).await;
    }
    let too_early = fleet.keys_step(&["withdraw", "order"]).unwrap_err();
    assert!(too_early.contains("may be valid until"), "{too_early}");
    fleet.end().await;
}

/// As deploy/README.md says it: in each step the processes are restarted with other keys, one after the other.
#[tokio::test(flavor = "multi_thread")]
async fn a_hub_whose_processes_share_a_key_comes_to_keys_of_their_own() {
    let Some(mut fleet) = Fleet::start_with_keys(Keys::Shared).await else { return };
    let market = seller(&fleet.hub(), &[100]).await;
    for keys in [Keys::SharedAndPublic, Keys::SharedAndOwn, Keys::Own] {
        fleet.keys = keys;
        for spec in services::callees_first() {
            fleet.kill_and_restart(spec.name).await;
            let name = format!("{keys:?}-{}", spec.name);
            a_purchase_is_completed(&fleet.hub(), &market, &name).await;
        }
    }
    fleet.end().await;
}
