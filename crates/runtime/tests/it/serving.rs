//! What a hub shows of itself, and how its streams end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use events::{Bus, BusError, Envelope, Subscription};
use proto::operator::internal::v1::GetClockRequest;
use proto::operator::internal::v1::sandbox_service_client::SandboxServiceClient;
use rpc::{Bearer, Holder, Issuer, KeySet, PublicKey, Role, SigningKey};
use testkit::eventually;
use tonic::{Code, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::shop::{SHOP, dial, folder, settings, start};

const OPERATOR: &str = "entrepot.operator.internal.v1.OperatorService";
/// How long a stream may take to end.
const PATIENCE: Duration = Duration::from_secs(30);

async fn health(address: SocketAddr, service: &str) -> Result<ServingStatus, Code> {
    let request = HealthCheckRequest { service: service.to_owned() };
    let answer = HealthClient::new(dial(address).await).check(request).await;
    answer
        .map(|answer: tonic::Response<HealthCheckResponse>| answer.get_ref().status())
        .map_err(|status| status.code())
}

async fn reflect(address: SocketAddr, asked: MessageRequest) -> Result<MessageResponse, Status> {
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(asked) };
    let mut client = ServerReflectionClient::new(dial(address).await);
    let mut answers = client.server_reflection_info(tokio_stream::once(request)).await?.into_inner();
    Ok(answers.message().await?.unwrap().message_response.unwrap())
}

async fn listed(address: SocketAddr) -> Vec<String> {
    match reflect(address, MessageRequest::ListServices(String::new())).await {
        Ok(MessageResponse::ListServicesResponse(list)) => {
            list.service.into_iter().map(|service| service.name).collect()
        }
        other => panic!("no list: {other:?}"),
    }
}

async fn is_described(address: SocketAddr, symbol: &str) -> bool {
    match reflect(address, MessageRequest::FileContainingSymbol(symbol.to_owned())).await {
        Ok(MessageResponse::FileDescriptorResponse(_)) => true,
        Err(status) if status.code() == Code::NotFound => false,
        other => panic!("no description: {other:?}"),
    }
}

#[tokio::test]
async fn health_says_serving_on_both_ports() {
    let folder = folder();
    let hub = start(settings(&folder), SHOP).await;
    for address in [hub.public_addr(), hub.internal_addr()] {
        assert_eq!(health(address, "").await, Ok(ServingStatus::Serving));
        assert_eq!(health(address, "entrepot.nothing.v1.NothingService").await, Err(Code::NotFound));
    }
    assert_eq!(health(hub.internal_addr(), OPERATOR).await, Ok(ServingStatus::Serving));
    assert_eq!(health(hub.public_addr(), OPERATOR).await, Err(Code::NotFound));
    hub.stop().await;
}

/// A bus that can be told to have lost its place, and not to take events.
#[derive(Default)]
struct Losing {
    place: AtomicBool,
    broker: AtomicBool,
}

#[async_trait]
impl Bus for Losing {
    async fn publish(&self, _: &str, _: &Envelope) -> Result<(), BusError> {
        Ok(())
    }

    async fn subscribe(&self, _: Subscription) -> Result<(), BusError> {
        Ok(())
    }

    async fn waiting(&self, _: &Subscription) -> Result<i64, BusError> {
        Ok(0)
    }

    fn missing_from_groups(&self) -> Vec<String> {
        let lost = self.place.load(Ordering::SeqCst);
        lost.then(|| "my.shop.order".to_owned()).into_iter().collect()
    }

    fn late(&self) -> Option<Duration> {
        self.broker.load(Ordering::SeqCst).then_some(PATIENCE)
    }
}

#[tokio::test]
async fn a_process_that_does_not_hear_its_events_is_not_serving() {
    let (folder, bus) = (folder(), Arc::new(Losing::default()));
    let hub = runtime::Hub::start(settings(&folder), &[SHOP], bus.clone()).await.unwrap();
    for (lost, expected) in [(true, ServingStatus::NotServing), (false, ServingStatus::Serving)] {
        bus.place.store(lost, Ordering::SeqCst);
        for (address, service) in [(hub.public_addr(), ""), (hub.internal_addr(), OPERATOR)] {
            let looked = || async { (health(address, service).await == Ok(expected)).then_some(()) };
            testkit::eventually("the health service says so", looked).await;
        }
    }
    hub.stop().await;
}

/// It serves nevertheless: nobody is to be kept from it.
#[tokio::test]
async fn a_process_whose_events_wait_for_the_bus_says_so_and_serves() {
    let (folder, bus) = (folder(), Arc::new(Losing::default()));
    let hub = runtime::Hub::start(settings(&folder), &[SHOP], bus.clone()).await.unwrap();
    for (lost, expected) in [(true, ServingStatus::NotServing), (false, ServingStatus::Serving)] {
        bus.broker.store(lost, Ordering::SeqCst);
        let looked = || async { (health(hub.public_addr(), "events").await == Ok(expected)).then_some(()) };
        testkit::eventually("the health of events says so", looked).await;
        assert_eq!(health(hub.public_addr(), "").await, Ok(ServingStatus::Serving));
    }
    hub.stop().await;
}

#[tokio::test]
async fn the_public_port_describes_the_public_api_alone() {
    let folder = folder();
    let hub = start(settings(&folder), SHOP).await;
    let public = listed(hub.public_addr()).await;
    // The whole of it, though no other service runs here.
    for service in ["entrepot.catalog.v1.ProductService", "entrepot.order.v1.OrderService"] {
        assert!(public.iter().any(|name| name == service), "{service} is missing: {public:?}");
        assert!(is_described(hub.public_addr(), service).await);
    }
    assert!(!public.iter().any(|name| name.contains(".internal.")), "{public:?}");
    assert!(!is_described(hub.public_addr(), OPERATOR).await);
    assert!(listed(hub.internal_addr()).await.iter().any(|name| name == OPERATOR));
    assert!(is_described(hub.internal_addr(), OPERATOR).await);
    hub.stop().await;
}

#[tokio::test]
async fn an_internal_rpc_is_not_on_the_public_port() {
    let folder = folder();
    let hub = start(settings(&folder), SHOP).await;
    let token = hub.issuer().unwrap().sign(Role::Operator, "ops", Duration::from_secs(600)).unwrap();
    for (address, code) in [(hub.public_addr(), Some(Code::Unimplemented)), (hub.internal_addr(), None)] {
        let bearer = Bearer::new(&token).unwrap();
        let mut client = SandboxServiceClient::with_interceptor(dial(address).await, bearer);
        let answer = client.get_clock(GetClockRequest {}).await;
        assert_eq!(answer.err().map(|status| status.code()), code);
    }
    hub.stop().await;
}

#[tokio::test]
async fn a_key_that_is_withdrawn_while_a_hub_serves_signs_for_nobody() {
    let folder = folder();
    let mut settings = settings(&folder);
    settings.keys.refresh = Duration::from_millis(10);
    let set_file = folder.path().join("jwks.json");
    let other = Issuer::new("my", SigningKey::generate().unwrap());
    let write = |keys: &[PublicKey]| {
        let mut set = KeySet::default();
        keys.iter().for_each(|key| drop(set.insert(key.clone())));
        set.write(&set_file).unwrap();
    };
    let kept = SigningKey::generate().unwrap().public(Holder::Issuer);
    write(&[kept.clone(), other.key().public(Holder::Issuer)]);
    let hub = start(settings, SHOP).await;
    let own = hub.issuer().unwrap().clone();
    let code = async |issuer: &Issuer| {
        let token = issuer.sign(Role::Operator, "ops", Duration::from_secs(600)).unwrap();
        let bearer = Bearer::new(&token).unwrap();
        let mut client = SandboxServiceClient::with_interceptor(hub.internal_channel(), bearer);
        client.get_clock(GetClockRequest {}).await.map_or_else(|status| status.code(), |_| Code::Ok)
    };
    assert_eq!(code(&other).await, Code::Ok);
    write(&[kept]);
    let withdrawn = async || (code(&other).await == Code::Unauthenticated).then_some(());
    eventually("the key is withdrawn", withdrawn).await;
    assert_eq!(code(&own).await, Code::Ok);
    hub.stop().await;
}

#[tokio::test]
async fn a_hub_that_stops_ends_its_streams() {
    let folder = folder();
    let hub = start(settings(&folder), SHOP).await;
    let mut client = HealthClient::new(dial(hub.public_addr()).await);
    let mut stream = client.watch(HealthCheckRequest { service: String::new() }).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    let stopping = tokio::spawn(hub.stop());
    let ended = async {
        loop {
            match stream.message().await {
                Ok(Some(change)) => assert_eq!(change.status(), ServingStatus::NotServing),
                Ok(None) => panic!("it ended as if there were nothing more to come"),
                Err(status) => return status,
            }
        }
    };
    let status = tokio::time::timeout(PATIENCE, ended).await.unwrap();
    assert_eq!(
        (status.code(), rpc::status::reason(&status).as_deref()),
        (Code::Unavailable, Some("DRAINING"))
    );
    stopping.await.unwrap();
}
