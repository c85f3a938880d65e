//! One purchase is one trace: through calls, outboxes, the bus and consumers, in either shape.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use proof::purchase;
use proto::order::v1::{GetOrderRequest, PaymentMethod, PlaceOrderRequest};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Code, Request, Response, Status};

use crate::fleet::Fleet;
use crate::process::Data;
use crate::town::{address, quote, seller, total};

/// What a client's own tracing sends: its trace, and its span in it.
const CLIENTS_TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CLIENTS_SPAN: &str = "00f067aa0ba902b7";
/// How long spans may take to arrive: a process sends them every few seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// A span with the name of the process that told of it.
#[derive(Debug, Clone)]
struct Told {
    service: String,
    span: Span,
}

impl Told {
    fn id(&self) -> String {
        hex(&self.span.span_id)
    }

    fn parent(&self) -> String {
        hex(&self.span.parent_span_id)
    }

    fn is(&self, service: &str, kind: SpanKind, name: &str) -> bool {
        self.service == service && self.span.kind() == kind && self.span.name == name
    }

    fn attribute(&self, key: &str) -> Option<String> {
        let found = self.span.attributes.iter().find(|attribute| attribute.key == key)?;
        match found.value.as_ref()?.value.as_ref()? {
            Value::StringValue(text) => Some(text.clone()),
            Value::IntValue(number) => Some(number.to_string()),
            other => panic!("{key} is {other:?}"),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A collector that keeps all it is told.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Told>>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        for of_process in request.into_inner().resource_spans {
            let named = of_process.resource.unwrap().attributes;
            let name = named.into_iter().find(|attribute| attribute.key == "service.name").unwrap();
            let Some(Value::StringValue(service)) = name.value.unwrap().value else {
                panic!("a name is text")
            };
            let spans = of_process.scope_spans.into_iter().flat_map(|scope| scope.spans);
            self.0.lock().unwrap().extend(spans.map(|span| Told { service: service.clone(), span }));
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    /// It, and where it listens.
    async fn open() -> (Self, String) {
        let collector = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server =
            tonic::transport::Server::builder().add_service(TraceServiceServer::new(collector.clone()));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        (collector, url)
    }

    fn all(&self) -> Vec<Told> {
        self.0.lock().unwrap().clone()
    }

    fn of_the_client(&self) -> Vec<Told> {
        self.all().into_iter().filter(|told| hex(&told.span.trace_id) == CLIENTS_TRACE).collect()
    }

    /// The client's trace, once these spans are in it and each span's parent too.
    async fn trace(&self, wanted: &[(&str, SpanKind, &str)]) -> Vec<Told> {
        let begun = tokio::time::Instant::now();
        loop {
            let trace = self.of_the_client();
            let missing: Vec<_> = wanted
                .iter()
                .filter(|(service, kind, name)| !trace.iter().any(|told| told.is(service, *kind, name)))
                .collect();
            if missing.is_empty() && orphans(&trace).is_empty() {
                return trace;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "missing: {missing:#?}\norphans: {:?}\nof\n{}",
                orphans(&trace),
                trace.iter().map(|told| format!("{} {}\n", told.service, told.span.name)).collect::<String>()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Spans whose parent is not there.
fn orphans(trace: &[Told]) -> Vec<&str> {
    let ids: BTreeSet<String> = trace.iter().map(Told::id).collect();
    let is_orphan = |told: &&Told| told.parent() != CLIENTS_SPAN && !ids.contains(&told.parent());
    trace.iter().filter(is_orphan).map(|told| told.span.name.as_str()).collect()
}

/// A purchase by a client that has a trace of its own.
async fn purchase_of(hub: &proof::Hub) {
    let thai = seller(hub, &[10]).await;
    let buyer = hub.buyer("aisyah").unwrap();
    let quote = quote(&buyer, &[(thai.variants[0].clone(), 1)]).await;
    purchase::fund(&buyer, &total(&quote)).await.unwrap();
    let mut request = Request::new(PlaceOrderRequest {
        request_id: proof::request_id(),
        quote_id: quote.quote_id,
        address: Some(address()),
        payment_method: PaymentMethod::Wallet.into(),
        ..PlaceOrderRequest::default()
    });
    let traceparent = format!("00-{CLIENTS_TRACE}-{CLIENTS_SPAN}-01");
    request.metadata_mut().insert("traceparent", traceparent.parse().unwrap());
    let order = buyer.orders().place_order(request).await.unwrap().into_inner().order.unwrap();
    proof::journey::to_completion(&buyer, &order.order_id, PATIENCE, |_| {}).await.unwrap();
}

const PLACE_ORDER: &str = "entrepot.order.v1.OrderService/PlaceOrder";
const RESERVE: &str = "entrepot.catalog.internal.v1.ReservationService/Reserve";
const AUTHORISE: &str = "entrepot.payment.internal.v1.HoldService/Authorise";

/// What a purchase's trace holds, each service's spans under the name that it goes by.
fn spans_of_a_purchase(
    name: fn(&'static str) -> &'static str,
) -> Vec<(&'static str, SpanKind, &'static str)> {
    use SpanKind::{Client, Consumer, Producer, Server};
    let spans = [
        ("order", Server, PLACE_ORDER),
        ("order", Client, RESERVE),
        ("catalog", Server, RESERVE),
        ("order", Client, AUTHORISE),
        ("payment", Server, AUTHORISE),
        ("order", Producer, "publish order.confirmed.v1"),
        ("catalog", Consumer, "process order.confirmed.v1"),
        ("payment", Consumer, "process order.confirmed.v1"),
        ("logistics", Consumer, "process order.confirmed.v1"),
    ];
    spans.map(|(service, kind, span)| (name(service), kind, span)).to_vec()
}

/// Follows the parents of a span up to the client's, and tells them from there on.
fn way_to(trace: &[Told], last: &Told) -> Vec<String> {
    let by_id: BTreeMap<String, &Told> = trace.iter().map(|told| (told.id(), told)).collect();
    let mut way = vec![last.span.name.clone()];
    let mut parent = last.parent();
    while parent != CLIENTS_SPAN {
        let told = by_id[&parent];
        way.push(told.span.name.clone());
        parent = told.parent();
    }
    way.reverse();
    way
}

fn check(trace: &[Told], name: fn(&'static str) -> &'static str) {
    let one = |service, kind, span| {
        trace.iter().find(|told| told.is(name(service), kind, span)).expect("was waited for")
    };
    let placed = one("order", SpanKind::Server, PLACE_ORDER);
    assert_eq!(placed.parent(), CLIENTS_SPAN);
    assert_eq!(placed.attribute("rpc.system").as_deref(), Some("grpc"));
    assert_eq!(placed.attribute("rpc.method").as_deref(), Some("PlaceOrder"));
    assert_eq!(placed.attribute("rpc.grpc.status_code").as_deref(), Some("0"));
    let reserved = one("catalog", SpanKind::Server, RESERVE);
    assert_eq!(way_to(trace, reserved), [PLACE_ORDER, "saga", RESERVE, RESERVE]);
    let consumed = one("payment", SpanKind::Consumer, "process order.confirmed.v1");
    let publish = "publish order.confirmed.v1";
    let way = [PLACE_ORDER, "saga", "write", publish, "process order.confirmed.v1"];
    assert_eq!(way_to(trace, consumed), way);
    // No buyer's name, address or token, in any span of any trace.
    let told = format!("{trace:?}");
    for personal in ["Aisyah", "Jalan", "50450", "Bearer", "eyJ"] {
        assert!(!told.contains(personal), "{personal} is told of");
    }
    let failed = trace
        .iter()
        .filter(|told| told.span.status.as_ref().is_some_and(|is| is.code() == StatusCode::Error));
    assert_eq!(failed.map(|told| &told.span.name).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purchase_is_one_trace_across_processes_and_kafka() {
    let (collector, url) = Collector::open().await;
    let Some(fleet) = Fleet::start_traced(&url).await else { return };
    purchase_of(&fleet.hub()).await;
    let itself = |service| service;
    let trace = collector.trace(&spans_of_a_purchase(itself)).await;
    check(&trace, itself);
    // What one process tells another is told on.
    let told_on = trace.iter().any(|told| told.service == "order" && told.span.kind() == SpanKind::Consumer);
    assert!(told_on, "order hears nothing of what its order brought about");
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purchase_is_one_trace_within_a_process() {
    let (collector, url) = Collector::open().await;
    let data = Data::new();
    let mut process = data.start_with("", &["--traces", &url, "--log", "info", "--log-json"]).await;
    purchase_of(&process.hub).await;
    let the_process = |_| "entrepot";
    let trace = collector.trace(&spans_of_a_purchase(the_process)).await;
    check(&trace, the_process);
    // A log line is found by its trace, and is not filled with what is meant for traces.
    let line = process.says(CLIENTS_TRACE).await;
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert!(!line.to_string().contains("otel."), "{line}");
    // A call that is refused is seen, and is no fault of the hub's.
    let buyer = process.hub.buyer("aisyah").unwrap();
    let unknown = GetOrderRequest { order_id: kernel::OrderId::new().to_string() };
    assert_eq!(buyer.orders().get_order(unknown).await.unwrap_err().code(), Code::NotFound);
    let refused = testkit::eventually("the refused call is told of", || async {
        collector.all().into_iter().find(|told| {
            told.span.name == "entrepot.order.v1.OrderService/GetOrder"
                && told.attribute("rpc.grpc.status_code").as_deref() == Some("5")
        })
    })
    .await;
    assert!(refused.span.status.is_none_or(|status| status.code() == StatusCode::Unset));
    process.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_away_holds_nobody_up() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let data = Data::new();
    let mut process = data.start_with("", &["--traces", &url]).await;
    purchase_of(&process.hub).await;
    process.says("the collector accepts no traces").await;
    process.kill().await;
}
