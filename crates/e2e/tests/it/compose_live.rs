//! A hub that runs in containers, judged from outside: the public API through its edge, the operators' views through
//! the ports that deploy/operator.yml opens on loopback. `cargo xtask compose-test` runs each when its time has come.

mod traces;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kernel::Clock;
use proof::deliveries::{self, Window};
use proof::{Hub, HubChannels, ServiceChannels, invariants, journey};
use proto::catalog::internal::v1::AuditStockRequest;
use proto::order::v1::OrderState;
use proto::payment::internal::v1::TrialBalanceRequest;
use rpc::{Issuer, Role, SigningKey};
use testkit::eventually;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::Code;

use crate::kills::{account_for, check, shoppers};
use crate::town::{PATIENCE, buy, over_tcp, seller};

/// Units on the shelf at the beginning: more than all buyers can buy.
const STOCK: i64 = 100_000;
const TOKEN_TTL: Duration = Duration::from_secs(3_600);
/// How long buyers may be kept buying.
const BUYING_MAX: Duration = Duration::from_secs(900);
/// How long what waited may take to go out once the broker is back.
const PUBLISHED_MAX: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(100);

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: `cargo xtask compose-test` sets it"))
}

fn edge() -> String {
    variable("ENTREPOT_COMPOSE_EDGE")
}

/// Made in this process, with the issuer's own key.
fn token(role: Role, subject: &str) -> String {
    let key = PathBuf::from(variable("ENTREPOT_COMPOSE_KEY"));
    Issuer::new("my", SigningKey::load(&key).unwrap()).sign(role, subject, TOKEN_TTL).unwrap()
}

/// Everybody comes in by the edge, operators by a service's own port.
fn hub() -> Hub {
    let public = over_tcp(edge().parse().unwrap());
    let door = |service: &str| {
        let internal = variable(&format!("ENTREPOT_COMPOSE_{}", service.to_uppercase()));
        ServiceChannels { public: public.clone(), internal: over_tcp(internal.parse().unwrap()) }
    };
    let doors: HubChannels = services::names().into_iter().map(|service| (service, door(service))).collect();
    Hub::of_services(doors, Arc::new(|role: Role, subject: &str| Ok(token(role, subject))))
}

/// What an HTTP/1.1 client hears from the edge, in small letters.
async fn asked(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    answered(&edge(), &[head.as_bytes(), body].concat()).await.to_lowercase()
}

/// What comes back for a request, until the connection is closed.
async fn answered(address: &str, request: &[u8]) -> String {
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(PATIENCE, connection.read_to_end(&mut answer)).await.unwrap().unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
#[ignore = "cargo xtask compose-test runs it"]
async fn a_purchase_from_outside() {
    let hub = hub();
    let thai = seller(&hub, &[STOCK]).await;
    let buyer = hub.buyer("aisyah").unwrap();
    let order = buy(&buyer, &[(thai.variants[0].clone(), 2)]).await;
    let over = journey::to_completion(&buyer, &order.order_id, PATIENCE, |_| {}).await.unwrap();
    assert_eq!(over.state(), OrderState::Completed);
    check(&hub).await;
    println!("order {} of two units was completed through the edge", over.number);
}

/// gRPC-Web over HTTP/1.1 on the port where gRPC is spoken over HTTP/2, from another origin.
#[tokio::test]
#[ignore = "cargo xtask compose-test runs it"]
async fn a_browser_is_served() {
    let path = "/entrepot.order.v1.HubService/GetHub";
    let origin = ("origin", "https://shop.example");
    let wants = [
        origin,
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type,traceparent,tracestate,x-grpc-web"),
    ];
    let preflight = asked("OPTIONS", path, &wants, &[]).await;
    assert!(preflight.starts_with("http/1.1 200"), "{preflight}");
    let allowed =
        "access-control-allow-headers: authorization,content-type,traceparent,tracestate,x-grpc-web";
    assert!(preflight.contains(allowed), "{preflight}");

    let bearer = format!("Bearer {}", token(Role::Buyer, "aisyah"));
    let call = [
        origin,
        ("content-type", "application/grpc-web+proto"),
        ("x-grpc-web", "1"),
        ("authorization", bearer.as_str()),
    ];
    let answer = asked("POST", path, &call, &[0; 5]).await;
    assert!(answer.contains("access-control-allow-origin: *"), "{answer}");
    assert!(answer.contains("malaysia") && answer.contains("grpc-status:0"), "{answer}");
    println!("a browser's preflight and call were answered");
}

/// The edge knows the way to public packages alone, whatever the caller may.
#[tokio::test]
#[ignore = "cargo xtask compose-test runs it"]
async fn the_internal_api_is_not_reached() {
    let edge = over_tcp(edge().parse().unwrap());
    let tokens = Arc::new(|role: Role, subject: &str| Ok(token(role, subject)));
    let hub = Hub::new(&services::names(), edge.clone(), edge, tokens);
    let refused = hub.ledger().unwrap().trial_balance(TrialBalanceRequest {}).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
    let refused = hub.catalog_operator().unwrap().audit_stock(AuditStockRequest {}).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
    println!("an operator's token opens nothing internal at the edge");
}

/// Four buyers buy until the file `ENTREPOT_COMPOSE_STOP` is there, whatever is broken meanwhile. Each order that was
/// acknowledged is there once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "cargo xtask compose-test runs it"]
async fn buyers_buy_on() {
    let hub = hub();
    let stop = PathBuf::from(variable("ENTREPOT_COMPOSE_STOP"));
    let thai = seller(&hub, &[STOCK]).await;
    let before = sold(&hub).await;
    let done = Arc::new(AtomicBool::new(false));
    let shoppers = shoppers(&Arc::new(Mutex::new(hub.clone())), &thai.variants[0], &done);
    println!("four buyers buy");
    let stopped = async {
        let mut look = tokio::time::interval(LOOK_EVERY);
        while !stop.exists() {
            look.tick().await;
        }
    };
    let in_time = tokio::time::timeout(BUYING_MAX, stopped).await;
    done.store(true, Ordering::Relaxed);
    in_time.unwrap();
    account_for(&hub, shoppers, before).await;
    println!("{} orders were acknowledged meanwhile, and each is there once", sold(&hub).await - before);
}

/// The broker has just come back: what was told before goes out, and takes effect.
#[tokio::test]
#[ignore = "cargo xtask compose-test runs it"]
async fn events_go_out() {
    let hub = hub();
    let until = Clock::system().now();
    let window = Window { since: until - BUYING_MAX, until };
    let begun = Instant::now();
    while !deliveries::unpublished(&hub, until).await.is_ok_and(|left| left == 0) {
        assert!(begun.elapsed() <= PUBLISHED_MAX, "events wait after {} s", PUBLISHED_MAX.as_secs());
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let published = begun.elapsed();
    let listeners =
        eventually("the consumers are told of", || async { deliveries::listeners(&hub).await.ok() });
    let listeners = listeners.await;
    while !deliveries::unheard(&hub, &listeners, window).await.is_ok_and(|left| left == 0) {
        assert!(begun.elapsed() <= PATIENCE, "events are not heard after {} s", PATIENCE.as_secs());
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let (published, heard) = (published.as_secs_f32(), begun.elapsed().as_secs_f32());
    println!("all was published after {published:.1} s and heard after {heard:.1} s");
}

async fn sold(hub: &Hub) -> u64 {
    let audit = hub.catalog_operator().unwrap().audit_stock(AuditStockRequest {}).await.unwrap().into_inner();
    u64::try_from(STOCK - audit.on_hand).unwrap()
}

/// Lets the hub come to rest, checks every invariant, and writes what its books say to `ENTREPOT_COMPOSE_BOOKS`.
#[tokio::test]
#[ignore = "cargo xtask compose-test runs it"]
async fn the_books_are_written_down() {
    let hub = hub();
    invariants::settle(&hub, PATIENCE).await.unwrap();
    let report = invariants::check(&hub).await.unwrap();
    assert!(report.holds(), "\n{report}");
    println!("{report}");
    std::fs::write(variable("ENTREPOT_COMPOSE_BOOKS"), format!("{report}\n{:#?}\n", report.balance)).unwrap();
}
