//! What a public listener bears, over real connections.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use futures::future::{BoxFuture, join_all};
use http::{Request, Response, header};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tower::{Service, ServiceExt as _};

use super::*;
use crate::budget::Budgets;
use crate::{
    Bearer, Holder, Issuer, KeySource, Policy, PolicyTable, Role, SigningKey, TokenVerifier, status,
};

/// Answers a request once it has read it whole: with as many bytes as its only number says, times 64 KiB; a stream without
/// end to the one RPC that streams.
#[derive(Clone)]
struct Echo;

const UNARY: &str = "/entrepot.logistics.v1.ShipmentService/GetShipment";
const STREAM: &str = "/entrepot.order.v1.OrderService/WatchOrder";
const UNIT_BYTES: usize = 64 * 1024;
/// The key of a number.
const ASKING: u8 = 0x08;

impl NamedService for Echo {
    const NAME: &'static str = "entrepot.logistics.v1.ShipmentService";
}

fn framed(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], message].concat().into()
}

impl Service<Request<Body>> for Echo {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(async move {
            let read = match request.into_body().collect().await {
                Ok(read) => read.to_bytes(),
                Err(status) => return Ok(status.into_http()),
            };
            let units = if read.get(5) == Some(&ASKING) { usize::from(read[6]) } else { 0 };
            let mut trailers = http::HeaderMap::new();
            Status::ok("").add_header(&mut trailers).unwrap();
            let frames = [Frame::data(framed(&vec![1; units * UNIT_BYTES])), Frame::trailers(trailers)];
            let body = StreamBody::new(tokio_stream::iter(frames.map(Ok::<_, Status>)));
            let mut response = Response::new(Body::new(body));
            response.headers_mut().insert(header::CONTENT_TYPE, "application/grpc".parse().unwrap());
            Ok(response)
        })
    }
}

/// Streams nothing, for ever.
#[derive(Clone)]
struct Silent;

impl NamedService for Silent {
    const NAME: &'static str = "entrepot.order.v1.OrderService";
}

impl Service<Request<Body>> for Silent {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        let nothing = tokio_stream::pending::<Result<Frame<Bytes>, Status>>();
        Box::pin(async move { Ok(Response::new(Body::new(StreamBody::new(nothing)))) })
    }
}

/// A server of both, where anyone may call whatever there is.
struct Under {
    address: SocketAddr,
    keys: Issuer,
    drain: Drain,
    budgets: Arc<Budgets>,
}

async fn serve(limits: Limits, rate: Rate) -> Under {
    let keys = Issuer::new("my", SigningKey::generate().unwrap());
    let in_memory = vec![keys.key().public(Holder::Issuer)];
    let source = KeySource { in_memory, ..KeySource::default() };
    let drain = Drain::new();
    let packages = ["entrepot.logistics.v1", "entrepot.order.v1"];
    let files =
        <prost_types::FileDescriptorSet as prost::Message>::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
    let paths = crate::descriptors::methods(&files);
    let of_packages = paths.iter().filter(|(_, (package, _))| packages.contains(&package.as_str()));
    let table: Vec<(&'static str, Policy)> =
        of_packages.map(|(path, _)| (&*Box::leak(path.clone().into_boxed_str()), Policy::Public)).collect();
    let table: PolicyTable = Box::leak(table.into_boxed_slice());
    let policies = Policies::check(proto::FILE_DESCRIPTOR_SET, &[], &[table]).unwrap();
    let routes = Routes::new(Echo).add_service(Silent);
    let verifier = Arc::new(TokenVerifier::new("my", source).unwrap());
    let server = Server::public(routes, Arc::new(policies), verifier, drain.clone(), rate, Arc::new(limits));
    let budgets = server.rules.public.as_ref().unwrap().budgets.clone();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(server.serve(listener));
    Under { address, keys, drain, budgets }
}

impl Under {
    async fn dial(&self) -> Channel {
        Endpoint::from_shared(format!("http://{}", self.address)).unwrap().connect().await.unwrap()
    }

    fn bearer(&self, subject: &str, ttl: Duration) -> String {
        format!("Bearer {}", self.keys.sign(Role::Buyer, subject, ttl).unwrap())
    }

    /// Until the calls hold nothing any more.
    async fn holds_nothing(&self) {
        eventually("nothing is held", || (self.budgets.held() == 0).then_some(())).await;
    }
}

/// `testkit` is built on this crate.
async fn eventually<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    for _ in 0..6_000 {
        if let Some(seen) = look() {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came to pass: {what}");
}

fn request(path: &str, body: Body) -> Request<Body> {
    let uri = format!("http://hub{path}");
    let request =
        Request::post(uri).header(header::CONTENT_TYPE, "application/grpc").header(header::TE, "trailers");
    request.body(body).unwrap()
}

fn whole(message: &[u8]) -> Body {
    Body::new(http_body_util::Full::new(framed(message)))
}

/// A message of so many bytes: one text.
fn long(bytes: usize) -> Vec<u8> {
    let text = bytes - 4;
    let byte = |shift: usize| u8::try_from(text >> shift & 0x7f).unwrap();
    let head = [0x0a, byte(0) | 0x80, byte(7) | 0x80, byte(14)];
    [&head[..], &vec![b'x'; text]].concat()
}

async fn call(channel: &Channel, request: Request<Body>) -> Response<Body> {
    let mut channel = channel.clone();
    channel.ready().await.unwrap().call(request).await.unwrap()
}

/// How a call ended.
async fn ended(response: Response<Body>) -> Status {
    if let Some(status) = Status::from_header_map(response.headers()) {
        return status;
    }
    match response.into_body().collect().await {
        Ok(read) => Status::from_header_map(read.trailers().unwrap()).unwrap(),
        Err(status) => status,
    }
}

fn why(status: &Status) -> (Code, String) {
    (status.code(), status::reason(status).unwrap_or_default())
}

const HOUR: Duration = Duration::from_secs(3_600);

fn much() -> Rate {
    Rate { per_second: std::num::NonZeroU32::MAX, burst: std::num::NonZeroU32::MAX }
}

#[tokio::test]
async fn unfinished_requests_hold_no_more_than_their_bounds_and_others_are_served() {
    let limits = Limits { principal_bytes: 2 << 20, ..Limits::default() };
    let under = serve(limits.clone(), much()).await;
    let mut senders = Vec::new();
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let channel = under.dial().await;
        for _ in 0..100 {
            let (sender, receiver) = mpsc::unbounded_channel();
            let body = Body::new(StreamBody::new(UnboundedReceiverStream::new(receiver)));
            let mut cut = framed(&long(60_000));
            cut.truncate(59_999);
            sender.send(Ok::<_, Status>(Frame::data(cut))).unwrap();
            senders.push(sender);
            let channel = channel.clone();
            calls.spawn(async move { ended(call(&channel, request(UNARY, body)).await).await });
        }
    }
    // Those beyond the bound are refused at once; the others wait for the rest of their message.
    let (mut refused, mut most) = (0, 0);
    while let Ok(Some(ended)) = tokio::time::timeout(Duration::from_secs(3), calls.join_next()).await {
        assert_eq!(why(&ended.unwrap()), (Code::ResourceExhausted, "TOO_MANY_BYTES_IN_FLIGHT".to_owned()));
        refused += 1;
        most = most.max(under.budgets.held());
    }
    assert!(refused > 200, "{refused}");
    assert!(most <= limits.principal_bytes && under.budgets.held() <= limits.principal_bytes);
    assert!(under.budgets.held() > 1 << 20);
    let mut served = request(UNARY, whole(&long(100_000)));
    served.headers_mut().insert(header::AUTHORIZATION, under.bearer("aisyah", HOUR).parse().unwrap());
    assert_eq!(ended(call(&under.dial().await, served).await).await.code(), Code::Ok);
    calls.shutdown().await;
    drop(senders);
    under.holds_nothing().await;
}

#[tokio::test]
async fn a_caller_without_a_token_sends_short_messages() {
    let under = serve(Limits::default(), much()).await;
    let channel = under.dial().await;
    assert_eq!(ended(call(&channel, request(UNARY, whole(&long(65_536)))).await).await.code(), Code::Ok);
    // Refused by its length, before it has come.
    let (sender, receiver) = mpsc::unbounded_channel();
    sender.send(Ok::<_, Status>(Frame::data(framed(&long(65_537)).slice(..5)))).unwrap();
    let body = Body::new(StreamBody::new(UnboundedReceiverStream::new(receiver)));
    let refused = ended(call(&channel, request(UNARY, body)).await).await;
    assert_eq!(why(&refused), (Code::OutOfRange, "MESSAGE_TOO_LARGE".to_owned()));
    let mut known = request(UNARY, whole(&long(65_537)));
    known.headers_mut().insert(header::AUTHORIZATION, under.bearer("aisyah", HOUR).parse().unwrap());
    assert_eq!(ended(call(&channel, known).await).await.code(), Code::Ok);
}

#[tokio::test]
async fn a_message_of_many_empty_parts_is_refused() {
    let under = serve(Limits::default(), much()).await;
    let channel = under.dial().await;
    let parts = |many: usize| whole(&[0x12, 0].repeat(many));
    assert_eq!(ended(call(&channel, request(UNARY, parts(3_000))).await).await.code(), Code::Ok);
    let too_many = (Code::InvalidArgument, "TOO_MANY_FIELDS".to_owned());
    let refused = ended(call(&channel, request(UNARY, parts(32_000))).await).await;
    assert_eq!(why(&refused), too_many);
    assert_eq!(status::metadata(&refused, "fields_max").as_deref(), Some("5000"));
    let mut known = request(UNARY, parts(524_000));
    known.headers_mut().insert(header::AUTHORIZATION, under.bearer("aisyah", HOUR).parse().unwrap());
    assert_eq!(why(&ended(call(&channel, known).await).await), too_many);
    under.holds_nothing().await;
}

#[tokio::test]
async fn answers_that_nobody_reads_are_counted_and_their_connection_is_cut_off() {
    let limits = Limits { principal_bytes: 4 << 20, unread_response_seconds: 2, ..Limits::default() };
    let under = serve(limits.clone(), much()).await;
    let endpoint = Endpoint::from_shared(format!("http://{}", under.address)).unwrap();
    let window = 65_535;
    let endpoint = endpoint.initial_stream_window_size(window).initial_connection_window_size(window);
    let channel = endpoint.connect().await.unwrap();
    // 960 KiB each, of which the client takes no more than its window.
    let answers = (0..10).map(|_| call(&channel, request(UNARY, whole(&[ASKING, 15]))));
    let (mut kept, mut refused) = (Vec::new(), 0);
    for answer in join_all(answers).await {
        match Status::from_header_map(answer.headers()) {
            Some(status) => {
                assert_eq!(why(&status), (Code::ResourceExhausted, "TOO_MANY_BYTES_IN_FLIGHT".to_owned()));
                refused += 1;
            }
            None => kept.push(answer),
        }
    }
    assert!((2..=5).contains(&kept.len()), "{}", kept.len());
    assert_eq!(refused, 10 - kept.len());
    assert!(under.budgets.held() <= limits.principal_bytes);
    under.holds_nothing().await;
    let mut broken = 0;
    for answer in kept {
        broken += usize::from(answer.into_body().collect().await.is_err());
    }
    assert!(broken > 0);
    // Whoever reads gets all of it.
    let read = call(&under.dial().await, request(UNARY, whole(&[ASKING, 15])))
        .await
        .into_body()
        .collect()
        .await
        .unwrap();
    assert_eq!(read.to_bytes().len(), 5 + 15 * UNIT_BYTES);
    under.holds_nothing().await;
}

#[tokio::test]
async fn connections_that_say_nothing_are_closed_and_an_address_has_so_many() {
    let limits = Limits { first_frame_seconds: 1, connections_per_address: 4, ..Limits::default() };
    let under = serve(limits, much()).await;
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(TcpStream::connect(under.address).await.unwrap());
    }
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    open[1].write_all(&preface[..16]).await.unwrap();
    open[2].write_all(preface).await.unwrap();
    // Settings, and the headers of a call without their end.
    let headers = [&preface[..], &[0, 0, 0, 4, 0, 0, 0, 0, 0], &[0, 0, 1, 1, 0, 0, 0, 0, 1, 0x83]].concat();
    open[3].write_all(&headers).await.unwrap();
    let mut fifth = TcpStream::connect(under.address).await.unwrap();
    // At its end, or reset.
    assert_eq!(fifth.read(&mut [0; 64]).await.unwrap_or(0), 0);
    for mut silent in open {
        let read = tokio::time::timeout(Duration::from_secs(8), async {
            while silent.read(&mut [0; 64]).await.is_ok_and(|bytes| bytes > 0) {}
        });
        read.await.expect("it is closed");
    }
    // Their places are free again.
    let channel = under.dial().await;
    assert_eq!(ended(call(&channel, request(UNARY, whole(&[]))).await).await.code(), Code::Ok);
}

#[tokio::test]
async fn an_idle_connection_is_asked_to_leave_and_the_client_makes_another() {
    let under = serve(Limits { idle_seconds: 1, ..Limits::default() }, much()).await;
    let channel = under.dial().await;
    for _ in 0..2 {
        assert_eq!(ended(call(&channel, request(UNARY, whole(&[]))).await).await.code(), Code::Ok);
        tokio::time::sleep(Duration::from_millis(2_500)).await;
    }
}

#[tokio::test]
async fn refused_tokens_questions_and_unknown_calls_are_counted() {
    let number = |number| std::num::NonZeroU32::new(number).unwrap();
    let rate = Rate { per_second: number(1), burst: number(6) };
    let exceeded = (Code::ResourceExhausted, "RATE_EXCEEDED".to_owned());
    let stranger = |path: &str, token: &str| {
        let mut asked = request(path, whole(&[]));
        asked.headers_mut().insert(header::AUTHORIZATION, token.parse().unwrap());
        asked
    };
    for path in [UNARY, "/entrepot.none.v1.None/None"] {
        let under = serve(Limits::default(), rate).await;
        let channel = under.dial().await;
        let mut counts: HashMap<(Code, String), usize> = HashMap::new();
        for number in 0..12 {
            let refused = ended(call(&channel, stranger(path, &format!("Bearer none{number}"))).await).await;
            *counts.entry(why(&refused)).or_default() += 1;
        }
        assert!(counts[&exceeded] >= 4, "{counts:?}");
        // Who has a token of the hub is counted by it, and not by the address.
        let known = stranger(UNARY, &under.bearer("aisyah", HOUR));
        assert_eq!(ended(call(&channel, known).await).await.code(), Code::Ok);
    }
    // Questions within one stream.
    let under = serve(Limits::default(), rate).await;
    let question = tonic_reflection::pb::v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut client = ServerReflectionClient::new(under.dial().await);
    let questions = tokio_stream::iter(std::iter::repeat_n(question, 50));
    let mut answers = client.server_reflection_info(questions).await.unwrap().into_inner();
    let mut answered = 0;
    let refused = loop {
        match answers.message().await {
            Ok(Some(_)) => answered += 1,
            Ok(None) => panic!("all were answered"),
            Err(status) => break status,
        }
    };
    assert!(answered < 12, "{answered}");
    assert_eq!(why(&refused), exceeded);
}

#[tokio::test]
async fn what_is_no_call_is_counted_by_its_address() {
    let number = |number| std::num::NonZeroU32::new(number).unwrap();
    let post = "POST /x HTTP/1.1\r\nhost: hub\r\ncontent-type: text/html\r\ncontent-length: 0\r\n\r\n";
    let preflight = "OPTIONS /x HTTP/1.1\r\nhost: hub\r\norigin: http://shop\r\n\
                     access-control-request-method: POST\r\n\r\n";
    for (asked, answered) in
        [(preflight, "200"), ("GET / HTTP/1.1\r\nhost: hub\r\n\r\n", "405"), (post, "415")]
    {
        let under = serve(Limits::default(), Rate { per_second: number(1), burst: number(6) }).await;
        let mut stream = TcpStream::connect(under.address).await.unwrap();
        let mut answers = Vec::new();
        for _ in 0..12 {
            stream.write_all(asked.as_bytes()).await.unwrap();
            let mut answer = [0; 4096];
            let length = stream.read(&mut answer).await.unwrap();
            answers.push(String::from_utf8_lossy(&answer[..length]).to_lowercase());
        }
        assert!(
            answers[..6].iter().all(|answer| answer.starts_with(&format!("http/1.1 {answered}"))),
            "{answers:?}"
        );
        let refused: Vec<_> = answers.iter().filter(|answer| answer.starts_with("http/1.1 429")).collect();
        assert!(
            refused.iter().all(|answer| answer.contains("access-control-allow-origin: *")),
            "{refused:?}"
        );
        assert!(refused.len() >= 3, "{answers:?}");
        assert!(refused.iter().all(|answer| answer.contains("retry-after: 1\r\n")), "{answers:?}");
        // Calls from there are in the same count.
        let call = ended(call(&under.dial().await, request(UNARY, whole(&[]))).await).await;
        assert_eq!(why(&call), (Code::ResourceExhausted, "RATE_EXCEEDED".to_owned()));
    }
}

#[tokio::test]
async fn behind_a_proxy_each_client_is_counted_by_itself() {
    let number = |number| std::num::NonZeroU32::new(number).unwrap();
    let rate = Rate { per_second: number(1), burst: number(3) };
    for (trusted, others) in
        [(vec!["127.0.0.0/8".parse().unwrap()], Code::Ok), (Vec::new(), Code::ResourceExhausted)]
    {
        let under = serve(Limits { trusted_proxies: trusted, ..Limits::default() }, rate).await;
        let channel = under.dial().await;
        let from = async |address: &str| {
            let mut asked = request(UNARY, whole(&[]));
            asked.headers_mut().insert("x-forwarded-for", address.parse().unwrap());
            ended(call(&channel, asked).await).await.code()
        };
        let mut one = Vec::new();
        for host in 1..=8 {
            one.push(from(&format!("2001:db8:0:1::{host}")).await);
        }
        assert!(one.contains(&Code::ResourceExhausted), "{one:?}");
        assert_eq!(from("198.51.100.7").await, others);
    }
}

#[tokio::test]
async fn a_principal_has_so_many_streams() {
    let under = serve(Limits { streams_max: 3, ..Limits::default() }, much()).await;
    let channel = under.dial().await;
    let mut health = HealthClient::new(channel.clone());
    let watch = || HealthCheckRequest { service: String::new() };
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(health.watch(watch()).await.unwrap());
    }
    let refused = health.watch(watch()).await.unwrap_err();
    assert_eq!(why(&refused), (Code::ResourceExhausted, "TOO_MANY_STREAMS".to_owned()));
    assert!(status::retry_after(&refused).is_some());
    // Another principal has its own.
    let bearer = Bearer::new(&under.keys.sign(Role::Buyer, "aisyah", HOUR).unwrap()).unwrap();
    HealthClient::with_interceptor(channel, bearer).watch(watch()).await.unwrap();
    drop(open);
    for _ in 0..600 {
        if health.watch(watch()).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("streams that ended are still counted");
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let under = serve(Limits::default(), much()).await;
    let mut watch = request(STREAM, whole(&[]));
    watch
        .headers_mut()
        .insert(header::AUTHORIZATION, under.bearer("aisyah", Duration::from_secs(3)).parse().unwrap());
    let answer = call(&under.dial().await, watch).await;
    let ended = tokio::time::timeout(Duration::from_secs(30), ended(answer)).await.expect("it ends");
    assert_eq!(why(&ended), (Code::Unauthenticated, "TOKEN_EXPIRED".to_owned()));
}

#[tokio::test]
async fn a_stream_ends_when_it_is_old_and_when_the_server_leaves() {
    let under = serve(Limits { connection_age_max_seconds: 1, ..Limits::default() }, much()).await;
    let answer = call(&under.dial().await, request(STREAM, whole(&[]))).await;
    assert_eq!(why(&ended(answer).await), (Code::Aborted, "STREAM_AGED".to_owned()));
    let under = serve(Limits::default(), much()).await;
    let answer = call(&under.dial().await, request(STREAM, whole(&[]))).await;
    under.drain.begin();
    assert_eq!(why(&ended(answer).await), (Code::Unavailable, "DRAINING".to_owned()));
}

#[tokio::test]
async fn what_a_client_sends_wrongly_is_its_fault_and_has_a_reason() {
    let under = serve(Limits::default(), much()).await;
    let channel = under.dial().await;
    // Read by tonic's own decoder: no protobuf, and a text that is no UTF-8.
    for wrong in [&[0xff, 0xff, 0xff][..], &[0x0a, 0x02, 0xff, 0xfe], &[0x0a, 0x7f, 0x41]] {
        let refused =
            ended(call(&channel, request("/grpc.health.v1.Health/Check", whole(wrong))).await).await;
        assert_eq!(why(&refused), (Code::InvalidArgument, "MALFORMED_MESSAGE".to_owned()), "{refused:?}");
    }
    let raw = |bytes: &[u8]| Body::new(http_body_util::Full::new(Bytes::copy_from_slice(bytes)));
    for wrong in [&[][..], &[0, 0], &[0, 0, 0, 0, 9, 1], &[1, 0, 0, 0, 1, 1], &[7, 0, 0, 0, 1, 1]] {
        let refused = ended(call(&channel, request(UNARY, raw(wrong))).await).await;
        assert_eq!(why(&refused), (Code::InvalidArgument, "MALFORMED_MESSAGE".to_owned()), "{wrong:?}");
    }
    let mut packed = request("/grpc.health.v1.Health/Check", whole(&[]));
    packed.headers_mut().insert("grpc-encoding", "gzip".parse().unwrap());
    let refused = ended(call(&channel, packed).await).await;
    assert_eq!(why(&refused), (Code::Unimplemented, "COMPRESSION_NOT_SUPPORTED".to_owned()));
    let refused = ended(call(&channel, request("/entrepot.none.v1.None/None", whole(&[]))).await).await;
    assert_eq!(why(&refused), (Code::Unimplemented, "RPC_NOT_FOUND".to_owned()));
    let mut json = request(UNARY, whole(&[]));
    json.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    let refused = call(&channel, json).await;
    assert_eq!(refused.status(), 415);
    assert_eq!(why(&ended(refused).await), (Code::InvalidArgument, "CONTENT_TYPE_NOT_SUPPORTED".to_owned()));
    let asked = HealthCheckRequest { service: "none".to_owned() };
    let unknown = HealthClient::new(channel).check(asked).await.unwrap_err();
    assert_eq!(why(&unknown), (Code::NotFound, "NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn who_is_refused_over_http_1_reads_why_after_it_has_sent_all() {
    let under = serve(Limits::default(), much()).await;
    let body = framed(&vec![0; 400_000]);
    for (path, content_type, code) in [
        ("/entrepot.none.v1.None/None", "application/grpc-web+proto", "grpc-status: 12"),
        (UNARY, "application/grpc-web+proto", "grpc-status: 11"),
        (UNARY, "application/json", "grpc-status: 3"),
    ] {
        for _ in 0..20 {
            let mut stream = TcpStream::connect(under.address).await.unwrap();
            let head = format!(
                "POST {path} HTTP/1.1\r\nhost: hub\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            for piece in body.chunks(50_000) {
                stream.write_all(piece).await.expect("it is read to its end");
                tokio::task::yield_now().await;
            }
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.expect("the answer is read");
            let answer = String::from_utf8_lossy(&answer).to_lowercase();
            assert!(answer.contains(code), "{answer}");
        }
    }
}
