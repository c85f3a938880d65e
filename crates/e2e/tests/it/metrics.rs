//! What a hub shows of itself: that it is there, right, and told of in docs/metrics.md.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use proof::journey;
use runtime::metrics::{Listener, Metrics};
use tempfile::TempDir;
use testkit::scrape::{self, Scrape};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::process::program;
use crate::town::{AT_ONCE, Ground, PATIENCE, Town, buy, seller};

/// Between two looks at a database.
const SOON: Duration = Duration::from_millis(200);

async fn measured(ground: &Ground) -> (Town, Listener) {
    let metrics = Metrics::sampling(SOON, SOON);
    let listener = metrics.listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    (Town::open_measured("my", ground, AT_ONCE, Some(metrics)).await, listener)
}

/// A metric, labels, and what the series with them come to.
type Expected<'a> = (&'a str, &'a [(&'a str, &'a str)], f64);

/// Looks until these series are so.
async fn show(address: SocketAddr, expected: &[Expected<'_>]) {
    for (name, labels, value) in expected {
        let what = format!("{name} {labels:?} becomes {value}");
        let look = || async {
            let shown = Scrape::of(address).await.sum(name, labels)?;
            (shown == *value).then_some(())
        };
        testkit::eventually(&what, look).await;
    }
}

/// The names in the tables of docs/metrics.md.
pub(crate) fn documented() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
    let text = std::fs::read_to_string(path).unwrap();
    let name = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    text.lines().filter_map(name).collect()
}

on_every_shape! {
    async fn a_purchase_shows_in_every_metric(ground: Ground) {
        let (town, listener) = measured(&ground).await;
        let thai = seller(&town.hub, &[10]).await;
        let buyer = town.hub.buyer("aisyah").unwrap();
        let order = buy(&buyer, &[(thai.variants[0].clone(), 2)]).await;
        journey::to_completion(&buyer, &order.order_id, PATIENCE, |_| {}).await.unwrap();
        town.check().await;
        let address = listener.address();
        show(address, &[
            ("entrepot_order_orders", &[("hub", "my"), ("state", "completed")], 1.0),
            ("entrepot_order_orders", &[], 1.0),
            ("entrepot_order_sagas", &[], 0.0),
            ("entrepot_order_sagas_stuck", &[], 0.0),
            ("entrepot_order_saga_oldest_seconds", &[], 0.0),
            ("entrepot_catalog_stock_units", &[("state", "on_hand")], 8.0),
            ("entrepot_catalog_stock_units", &[("state", "reserved")], 0.0),
            ("entrepot_catalog_stock_units", &[("state", "dispatched")], 2.0),
            ("entrepot_catalog_stock_violations", &[], 0.0),
            ("entrepot_payment_balance_minor_units", &[("kind", "seller_payable"), ("currency", "THB")], 82_800.0),
            ("entrepot_payment_trial_balance_difference_minor_units", &[("currency", "MYR")], 0.0),
            ("entrepot_payment_trial_balance_difference_minor_units", &[("currency", "THB")], 0.0),
            ("entrepot_payment_suspense_receipts", &[], 0.0),
            ("entrepot_logistics_consignments", &[("state", "delivered")], 1.0),
            ("entrepot_logistics_declarations", &[("state", "released")], 1.0),
            ("entrepot_logistics_import_clearance_seconds_count", &[], 1.0),
            ("entrepot_logistics_door_to_door_seconds_count", &[], 1.0),
            ("entrepot_outbox_unpublished", &[], 0.0),
            ("entrepot_outbox_oldest_seconds", &[], 0.0),
            ("entrepot_events_parked", &[], 0.0),
            ("entrepot_events_waiting", &[], 0.0),
        ]).await;
        let shown = Scrape::of(address).await;
        let placed = [("listener", "public"), ("service", "order"), ("method", "OrderService/PlaceOrder")];
        assert_eq!(shown.sum("entrepot_rpc_duration_seconds_count", &placed), Some(1.0));
        let [listener_label, service, method] = placed;
        let placed = [listener_label, service, method, ("code", "OK")];
        assert_eq!(shown.sum("entrepot_rpc_requests_total", &placed), Some(1.0));
        let reserved = [("listener", "internal"), ("method", "ReservationService/Reserve"), ("code", "OK")];
        assert_eq!(shown.sum("entrepot_rpc_requests_total", &reserved), Some(1.0));
        for service in services::names() {
            for counter in ["entrepot_db_commits_total", "entrepot_db_statements_total", "entrepot_events_published_total"] {
                assert!(shown.sum(counter, &[("service", service)]) > Some(0.0), "{counter} {service}");
            }
            assert!(shown.sum("entrepot_events_consumed_total", &[("service", service), ("outcome", "handled")]) > Some(0.0));
            assert!(shown.sum("entrepot_db_connections", &[("service", service)]) > Some(0.0));
        }
        assert!(shown.sum("entrepot_serving", &[("hub", "my")]) > Some(0.0));
        // This list is what dashboards and alerts may ask for.
        assert_eq!(shown.names(), documented());
        town.close().await;
        assert_eq!(Scrape::of(address).await.sum("entrepot_serving", &[]), None, "a hub that stopped is shown");
        listener.stop().await;
    }
}

/// The program with these arguments, and what it says of its metrics' address, if it starts.
async fn up(folder: &TempDir, arguments: &[&str]) -> (Child, Option<SocketAddr>) {
    let mut command = Command::new(program());
    command.args(["up", "--public", "127.0.0.1:0", "--internal", "127.0.0.1:0", "--data"]).arg(folder.path());
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut address = None;
    let listening = async {
        while let Some(line) = said.next_line().await.unwrap() {
            if let Some(rest) = line.strip_prefix("metrics at http://") {
                address = Some(rest.trim_end_matches("/metrics").parse().unwrap());
            }
            if line.starts_with("ready") {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, listening).await.unwrap();
    (child, address)
}

#[tokio::test]
async fn hubs_of_one_process_are_told_apart() {
    let folder = TempDir::new().unwrap();
    let (mut child, address) = up(&folder, &["--hub", "my", "--hub", "th", "--metrics", "127.0.0.1:0"]).await;
    let address = address.expect("the program says where its metrics are");
    for hub in ["my", "th"] {
        show(address, &[("entrepot_serving", &[("hub", hub)], 1.0)]).await;
        show(address, &[("entrepot_order_orders", &[("hub", hub)], 0.0)]).await;
    }
    // Also checks that no metric is described twice.
    assert!(Scrape::of(address).await.names().is_subset(&documented()));
    let (head, front) = scrape::get(address, "/").await;
    assert!(head.contains(" 200 ") && front.contains("/metrics"), "{head}\n{front}");
    assert!(scrape::get(address, "/else").await.0.contains(" 404 "));
    child.kill().await.unwrap();
}

#[tokio::test]
async fn without_the_option_nothing_is_shown() {
    let folder = TempDir::new().unwrap();
    let (mut child, address) = up(&folder, &[]).await;
    assert_eq!(address, None);
    child.kill().await.unwrap();
}

#[tokio::test]
async fn an_address_that_cannot_be_used_is_named_and_stops_the_start() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    for address in [taken.local_addr().unwrap().to_string(), "nowhere".to_owned()] {
        let folder = TempDir::new().unwrap();
        let (mut child, shown) = up(&folder, &["--metrics", &address]).await;
        assert_eq!(shown, None);
        let mut errors = String::new();
        child.stderr.take().unwrap().read_to_string(&mut errors).await.unwrap();
        assert!(errors.contains("metrics") && errors.contains(&address), "{errors}");
        assert!(!child.wait().await.unwrap().success());
    }
}
