//! Who is let in by which key, and that keys change while others call.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use tokio::task::JoinSet;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::{Code, Status};
use tower::{Service, ServiceExt as _};

use super::*;
use crate::{
    Channel, Holder, Identity, Issuer, KeySet, KeySource, Peer, Policy, PolicyTable, PublicKey, Role,
    SetFile, SigningKey, TokenVerifier, status,
};

const CANCEL: &str = "/entrepot.logistics.internal.v1.ConsignmentService/CancelConsignments";
const GET: &str = "/entrepot.logistics.v1.ShipmentService/GetShipment";
const HOUR: Duration = Duration::from_secs(3_600);

/// Answers with nothing.
#[derive(Clone)]
struct Internal;

#[derive(Clone)]
struct Public;

impl NamedService for Internal {
    const NAME: &'static str = "entrepot.logistics.internal.v1.ConsignmentService";
}

impl NamedService for Public {
    const NAME: &'static str = "entrepot.logistics.v1.ShipmentService";
}

macro_rules! answers {
    ($service:ty) => {
        impl Service<Request<Body>> for $service {
            type Response = Response<Body>;
            type Error = Infallible;
            type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, _: Request<Body>) -> Self::Future {
                Box::pin(async { Ok(Status::ok("").into_http()) })
            }
        }
    };
}
answers!(Internal);
answers!(Public);

/// A hub's keys in files, as its processes have them.
struct Keys {
    folder: tempfile::TempDir,
    issuer: Issuer,
    set: KeySet,
}

fn of_service(name: &str) -> Holder {
    Holder::Service(name.to_owned())
}

impl Keys {
    /// Of an issuer, and of two services.
    fn new() -> Self {
        let issuer = Issuer::new("my", SigningKey::generate().unwrap());
        let mut keys = Self { folder: tempfile::tempdir().unwrap(), issuer, set: KeySet::default() };
        keys.publish(keys.issuer.key().public(Holder::Issuer));
        for name in ["order", "payment"] {
            keys.publish(SigningKey::load_or_create(&keys.file(name)).unwrap().public(of_service(name)));
        }
        keys
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.pem"))
    }

    fn publish(&mut self, key: PublicKey) {
        self.set.insert(key);
        self.set.write(&self.folder.path().join("jwks.json")).unwrap();
    }

    fn withdraw(&mut self, kid: &str) {
        self.set.retain(|key| key.kid() != kid);
        self.set.write(&self.folder.path().join("jwks.json")).unwrap();
    }

    fn verifier(&self) -> TokenVerifier {
        let set = Some(SetFile { path: self.folder.path().join("jwks.json"), required: true });
        TokenVerifier::new("my", KeySource { set, ..KeySource::default() }).unwrap()
    }

    fn identity(&self, name: &str) -> Identity {
        Identity::from_file("my", name, &self.file(name)).unwrap()
    }
}

/// What logistics serves to `order` alone, and to anyone.
fn served() -> (Arc<Policies>, Routes) {
    let packages = ["entrepot.logistics.internal.v1", "entrepot.logistics.v1"];
    let files =
        <prost_types::FileDescriptorSet as prost::Message>::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
    let table = crate::descriptors::methods(&files);
    let table = table.iter().filter(|(_, (package, _))| packages.contains(&package.as_str()));
    let policy = |path: &str| if path == CANCEL { Policy::Services(&["order"]) } else { Policy::Public };
    let table: Vec<(&'static str, Policy)> =
        table.map(|(path, _)| (&*path.clone().leak(), policy(path))).collect();
    let table: PolicyTable = table.leak();
    let policies = Policies::check(proto::FILE_DESCRIPTOR_SET, &[], &[table]).unwrap();
    (Arc::new(policies), Routes::new(Internal).add_service(Public))
}

fn serve(server: Server) -> Channel {
    let (channel, serving) = Channel::in_process();
    server.in_process(&serving);
    // It serves for as long as the test runs.
    tokio::spawn(async move {
        std::future::pending::<()>().await;
        drop(serving);
    });
    channel
}

fn internal(verifier: &TokenVerifier) -> Channel {
    let (policies, routes) = served();
    serve(Server::internal(routes, policies, Arc::new(verifier.clone()), Drain::new()))
}

fn public(verifier: &TokenVerifier) -> Channel {
    let (policies, routes) = served();
    let verifier = Arc::new(verifier.clone());
    let limits = Arc::new(Limits::default());
    serve(Server::public(routes, policies, verifier, Drain::new(), Rate::default(), limits))
}

/// How a call of nothing ended.
async fn call<S>(mut service: S, path: &str, token: Option<&str>) -> (Code, String)
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Error: std::fmt::Debug,
{
    let mut request = Request::post(format!("http://hub{path}"))
        .header(header::CONTENT_TYPE, "application/grpc")
        .header(header::TE, "trailers")
        .body(Body::new(Full::new(Bytes::from_static(&[0; 5]))))
        .unwrap();
    if let Some(token) = token {
        request.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    }
    let answer = service.ready().await.unwrap().call(request).await.unwrap();
    let trailers = |headers: &HeaderMap| Status::from_header_map(headers);
    let status = match trailers(answer.headers()) {
        Some(status) => status,
        None => trailers(answer.into_body().collect().await.unwrap().trailers().unwrap()).unwrap(),
    };
    (status.code(), status::reason(&status).unwrap_or_default())
}

fn ended(code: Code, reason: &str) -> (Code, String) {
    (code, reason.to_owned())
}

#[tokio::test]
async fn an_internal_rpc_is_for_the_services_that_its_policy_names() {
    let keys = Keys::new();
    let channel = internal(&keys.verifier());
    let peer = |identity| Peer::new(channel.clone(), identity);
    assert_eq!(call(peer(keys.identity("order")), CANCEL, None).await, ended(Code::Ok, ""));
    let not_allowed = ended(Code::PermissionDenied, "ROLE_NOT_ALLOWED");
    assert_eq!(call(peer(keys.identity("payment")), CANCEL, None).await, not_allowed);
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Service) {
        let token = keys.issuer.sign(role, "order", HOUR).unwrap();
        assert_eq!(call(channel.clone(), CANCEL, Some(&token)).await, not_allowed, "{role}");
    }
    // One that calls itself order, by a key that nobody has published.
    let stranger = Identity::in_memory("my", "order").unwrap();
    assert_eq!(call(peer(stranger), CANCEL, None).await, ended(Code::Unauthenticated, "TOKEN_INVALID"));
}

#[tokio::test]
async fn a_services_token_is_refused_on_the_public_listener() {
    let keys = Keys::new();
    let channel = public(&keys.verifier());
    let token = keys.identity("order").token().unwrap();
    let refused = ended(Code::Unauthenticated, "TOKEN_INTERNAL_ONLY");
    // Also where no token is needed.
    assert_eq!(call(channel.clone(), GET, Some(&token)).await, refused);
    assert_eq!(call(channel.clone(), GET, None).await, ended(Code::Ok, ""));
    let operator = keys.issuer.sign(Role::Operator, "ops", HOUR).unwrap();
    assert_eq!(call(channel, GET, Some(&operator)).await, ended(Code::Ok, ""));
    assert_eq!(call(internal(&keys.verifier()), GET, Some(&token)).await, ended(Code::Ok, ""));
}

/// Each of two processes reads the keys at its own time; a service calls both all the time, and so does somebody with a
/// token of the first issuer's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_replaced_while_others_call_and_no_call_is_refused() {
    const ROTATIONS: usize = 8;
    let mut keys = Keys::new();
    let verifiers = [keys.verifier(), keys.verifier()];
    let order = keys.identity("order");
    let held = keys.issuer.sign(Role::Buyer, "aisyah", HOUR).unwrap();
    let (calls, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut callers = JoinSet::new();
    for verifier in verifiers.iter().chain(&verifiers) {
        let channel = internal(verifier);
        let (peer, held) = (Peer::new(channel.clone(), order.clone()), held.clone());
        let (calls, is_over) = (calls.clone(), is_over.clone());
        callers.spawn(async move {
            while !is_over.load(Ordering::Relaxed) {
                assert_eq!(call(peer.clone(), CANCEL, None).await, ended(Code::Ok, ""));
                assert_eq!(call(channel.clone(), GET, Some(&held)).await, ended(Code::Ok, ""));
                calls.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    let mut some_more = async || {
        let before = calls.load(Ordering::Relaxed);
        while calls.load(Ordering::Relaxed) < before + 20 {
            assert!(callers.try_join_next().is_none(), "a call is refused");
            tokio::task::yield_now().await;
        }
    };
    for _ in 0..ROTATIONS {
        let former = order.public().kid().to_owned();
        let next = keys.file("order.next");
        keys.publish(SigningKey::load_or_create(&next).unwrap().public(of_service("order")));
        for verifier in &verifiers {
            verifier.refresh().unwrap();
            some_more().await;
        }
        std::fs::rename(&next, keys.file("order")).unwrap();
        order.refresh().unwrap();
        assert_ne!(order.public().kid(), former);
        // What was signed with the former key has come to its end.
        some_more().await;
        keys.withdraw(&former);
        for verifier in verifiers.iter().rev() {
            verifier.refresh().unwrap();
            some_more().await;
        }
        let next = SigningKey::generate().unwrap().public(Holder::Issuer);
        keys.publish(next);
    }
    is_over.store(true, Ordering::Relaxed);
    while let Some(caller) = callers.join_next().await {
        caller.expect("no call is refused");
    }
}
