//! A service of several instances, behind one channel.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use rpc::Channel;
use runtime::instances;
use testkit::eventually;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tonic::Code;
use tonic::transport::server::TcpIncoming;
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::server::HealthReporter;

use crate::shop::{SHOP, folder, refused, settings};

/// So many calls that an instance that is not left out has some of them.
const CALLS: usize = 100;
const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// A server that knows its own name, and dies with its runtime: connections, too.
struct Instance {
    address: SocketAddr,
    reporter: HealthReporter,
    runtime: Runtime,
}

impl Instance {
    async fn start(name: &str, address: SocketAddr) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (reporter, health) = tonic_health::server::health_reporter();
        reporter.set_service_status(name, ServingStatus::Serving).await;
        let listening = runtime.spawn(async move {
            let listener = TcpListener::bind(address).await.unwrap();
            let address = listener.local_addr().unwrap();
            let server = tonic::transport::Server::builder().add_service(health);
            tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
            address
        });
        Self { address: listening.await.unwrap(), reporter, runtime }
    }

    async fn is_well(&self, is_well: bool) {
        let status = if is_well { ServingStatus::Serving } else { ServingStatus::NotServing };
        self.reporter.set_service_status("", status).await;
    }

    fn die(self) -> SocketAddr {
        self.runtime.shutdown_background();
        self.address
    }
}

fn channel(addresses: &[SocketAddr]) -> Channel {
    let addresses: Vec<String> = addresses.iter().map(|address| format!("http://{address}")).collect();
    instances::channel("shop", &addresses).unwrap()
}

/// Who answers a call: `first`, or another.
async fn ask(channel: &Channel) -> Result<&'static str, Code> {
    let request = HealthCheckRequest { service: "first".to_owned() };
    match HealthClient::new(channel.clone()).check(request).await {
        Ok(_) => Ok("first"),
        Err(status) if status.code() == Code::NotFound => Ok("second"),
        Err(status) => Err(status.code()),
    }
}

/// Who answers many calls; none may fail.
async fn who_answers(channel: &Channel) -> BTreeSet<&'static str> {
    let mut answered = BTreeSet::new();
    for _ in 0..CALLS {
        answered.insert(ask(channel).await.unwrap());
    }
    answered
}

async fn both_answer(channel: &Channel) {
    eventually("both instances answer", || async { (who_answers(channel).await.len() == 2).then_some(()) })
        .await;
}

/// An address where nobody listens.
async fn nowhere() -> SocketAddr {
    TcpListener::bind(ANY_PORT).await.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn an_instance_that_is_not_there_fails_no_call() {
    let first = Instance::start("first", ANY_PORT).await;
    let channel = channel(&[nowhere().await, first.address]);
    assert_eq!(who_answers(&channel).await, BTreeSet::from(["first"]));
    first.die();
}

#[tokio::test]
async fn an_instance_that_hangs_fails_no_call() {
    let first = Instance::start("first", ANY_PORT).await;
    // The machine accepts its connections, and nobody ever reads them.
    let hung = TcpListener::bind(ANY_PORT).await.unwrap();
    let channel = channel(&[hung.local_addr().unwrap(), first.address]);
    assert_eq!(who_answers(&channel).await, BTreeSet::from(["first"]));
    first.die();
}

#[tokio::test]
async fn instances_share_the_calls_and_may_go_and_come() {
    let (first, second) =
        (Instance::start("first", ANY_PORT).await, Instance::start("second", ANY_PORT).await);
    let channel = channel(&[first.address, second.address]);
    both_answer(&channel).await;
    let address = second.die();
    // Those that were on their way to it may fail.
    eventually("its end is noticed", || async { ask(&channel).await.ok().filter(|who| *who == "first") })
        .await;
    assert_eq!(who_answers(&channel).await, BTreeSet::from(["first"]));
    let second = Instance::start("second", address).await;
    both_answer(&channel).await;
    first.die();
    second.die();
}

#[tokio::test]
async fn one_that_is_not_well_is_asked_only_when_all_are_so() {
    let (first, second) =
        (Instance::start("first", ANY_PORT).await, Instance::start("second", ANY_PORT).await);
    let channel = channel(&[first.address, second.address]);
    both_answer(&channel).await;
    second.is_well(false).await;
    eventually("the second is left alone", || async {
        (who_answers(&channel).await == BTreeSet::from(["first"])).then_some(())
    })
    .await;
    first.is_well(false).await;
    both_answer(&channel).await;
    first.die();
    second.die();
}

#[tokio::test]
async fn where_there_is_none_a_call_says_so_at_once() {
    let channel = channel(&[nowhere().await, nowhere().await]);
    let asked = tokio::time::timeout(Duration::from_secs(30), ask(&channel)).await;
    assert_eq!(asked.unwrap(), Err(Code::Unavailable));
}

#[tokio::test]
async fn addresses_that_cannot_be_are_named() {
    for (addresses, expected) in [
        (
            &["http://bank:1", "http://bank:1/"][..],
            "peers.bank: `http://bank:1/` is named twice; name each instance once",
        ),
        (&["http://bank:1", "bank:1"], "peers.bank: `bank:1` is not an address such as http://order:50052"),
        (&["https://bank:1"], "peers.bank: `https://bank:1` is not an address such as http://order:50052"),
        (&["http://bank"], "peers.bank: `http://bank` is not an address such as http://order:50052"),
        (&[], "peers.bank: `` is not an address such as http://order:50052"),
    ] {
        let folder = folder();
        let mut wrong = settings(&folder);
        let addresses = addresses.iter().map(|address| (*address).to_owned()).collect();
        wrong.peers.insert("bank".to_owned(), addresses);
        assert_eq!(refused(wrong, SHOP).await, expected);
    }
}
