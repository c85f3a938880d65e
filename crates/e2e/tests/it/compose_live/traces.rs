//! Traces, from the edge to the store: all that a purchase brings about is one tree, under the span of its client.

use std::collections::BTreeMap;
use std::time::Instant;

use proof::{Session, journey, purchase, request_id};
use proto::order::v1::{CreateQuoteRequest, Order, PaymentMethod, PlaceOrderRequest, QuoteLine};
use serde_json::Value;
use tonic::Request;

use super::{LOOK_EVERY, STOCK, answered, asked, hub, variable};
use crate::town::{PATIENCE, address, seller, total};

/// OpenTelemetry's numbers of the kinds of spans.
const SERVER: u64 = 2;
const CLIENT: u64 = 3;
const PRODUCER: u64 = 4;
const CONSUMER: u64 = 5;
/// What the buyer calls.
const CALLED: [&str; 2] =
    ["entrepot.order.v1.QuoteService/CreateQuote", "entrepot.order.v1.OrderService/PlaceOrder"];
/// What the order service asks of whom meanwhile.
const ASKED: [(&str, &str); 5] = [
    ("catalog", "entrepot.catalog.internal.v1.OfferService/GetOffers"),
    ("logistics", "entrepot.logistics.internal.v1.LandedCostService/QuoteLandedCost"),
    ("payment", "entrepot.payment.internal.v1.RateService/LockRates"),
    ("catalog", "entrepot.catalog.internal.v1.ReservationService/Reserve"),
    ("payment", "entrepot.payment.internal.v1.HoldService/Authorise"),
];
/// What it tells, and who hears of it.
const TOLD: &str = "order.confirmed.v1";
const HEARD_BY: [&str; 3] = ["catalog", "logistics", "payment"];

#[derive(Debug)]
struct Span {
    parent: String,
    service: String,
    name: String,
    kind: u64,
    /// In microseconds.
    begun: u64,
    took: u64,
}

/// A trace by the ids of its spans.
type Trace = BTreeMap<String, Span>;

/// What the store has of a trace, asked for as OTLP in JSON.
async fn stored(trace_id: &str) -> Trace {
    let request = format!("GET /api/v3/traces/{trace_id} HTTP/1.0\r\n\r\n");
    let answer = answered(&variable("ENTREPOT_COMPOSE_JAEGER"), request.as_bytes()).await;
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let told: Value = serde_json::from_str(body).unwrap();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut trace = Trace::new();
    for resource in list(&told["result"]["resourceSpans"]) {
        let attributes = list(&resource["resource"]["attributes"]);
        let named = attributes.iter().find(|attribute| attribute["key"] == "service.name").unwrap();
        let service = text(&named["value"]["stringValue"]);
        for span in list(&resource["scopeSpans"]).iter().flat_map(|scope| list(&scope["spans"])) {
            trace.insert(text(&span["spanId"]), read(&service, &span));
        }
    }
    trace
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn read(service: &str, span: &Value) -> Span {
    let at = |key: &str| text(&span[key]).parse::<u64>().unwrap() / 1_000;
    let begun = at("startTimeUnixNano");
    Span {
        parent: text(&span["parentSpanId"]),
        service: service.to_owned(),
        name: text(&span["name"]),
        kind: span["kind"].as_u64().unwrap(),
        begun,
        took: at("endTimeUnixNano") - begun,
    }
}

/// Those of a kind and a name.
fn named<'a>(trace: &'a Trace, kind: u64, service: &str, name: &str) -> Vec<(&'a String, &'a Span)> {
    let fits = |span: &Span| span.kind == kind && span.service == service && span.name == name;
    trace.iter().filter(|(_, span)| fits(span)).collect()
}

/// Whether `span` was brought about by the span of this id.
fn follows(trace: &Trace, span: &Span, id: &str) -> bool {
    span.parent == id || trace.get(&span.parent).is_some_and(|parent| follows(trace, parent, id))
}

/// What of a purchase under a client's span is not there.
fn missing(trace: &Trace, client: &str) -> Vec<String> {
    let mut missing = Vec::new();
    let lost = trace.values().filter(|span| span.parent != client && !trace.contains_key(&span.parent));
    missing.extend(lost.map(|span| format!("the parent of {} of {}", span.name, span.service)));
    for name in CALLED {
        let under_client = |(_, span): &(&String, &Span)| span.parent == client;
        if !named(trace, SERVER, "order", name).iter().any(under_client) {
            missing.push(format!("{name} under the client's span"));
        }
    }
    for (service, name) in ASKED {
        let asks = named(trace, CLIENT, "order", name);
        let under_asking = |(_, span): &(&String, &Span)| asks.iter().any(|(id, _)| **id == span.parent);
        if !named(trace, SERVER, service, name).iter().any(under_asking) {
            missing.push(format!("{name} of {service} under order's call"));
        }
    }
    missing.extend(untold(trace));
    missing
}

/// Whether what was ordered is told, and what is told is heard.
fn untold(trace: &Trace) -> Vec<String> {
    let placed = named(trace, SERVER, "order", CALLED[1]);
    let told = named(trace, PRODUCER, "order", &format!("publish {TOLD}"));
    let Some((told, _)) = told.iter().find(|(_, span)| placed.iter().any(|(id, _)| follows(trace, span, id)))
    else {
        return vec![format!("publish {TOLD} after PlaceOrder")];
    };
    let hears = |service: &&str| {
        let heard = named(trace, CONSUMER, service, &format!("process {TOLD}"));
        heard.iter().any(|(_, span)| follows(trace, span, told))
    };
    let deaf = HEARD_BY.into_iter().filter(|service| !hears(service));
    deaf.map(|service| format!("process {TOLD} by {service}")).collect()
}

/// A line a span, under what brought it about: when it began and how long it took, in milliseconds.
fn waterfall(trace: &Trace, parent: &str, depth: usize, begun: u64) {
    let mut children: Vec<_> = trace.iter().filter(|(_, span)| span.parent == parent).collect();
    children.sort_by_key(|(_, span)| span.begun);
    for (id, span) in children {
        let milliseconds = |micros: u64| format!("{}.{}", micros / 1_000, micros % 1_000 / 100);
        let (at, took) = (milliseconds(span.begun - begun), milliseconds(span.took));
        println!("{at:>8} {took:>8}  {}{} {}", "  ".repeat(depth), span.service, span.name);
        waterfall(trace, id, depth + 1, begun);
    }
}

/// Looks until the store has all of it.
async fn whole(trace_id: &str, client: &str) -> Trace {
    let begun = Instant::now();
    loop {
        let trace = stored(trace_id).await;
        let missing = missing(&trace, client);
        if missing.is_empty() {
            return trace;
        }
        assert!(begun.elapsed() < PATIENCE, "{trace_id} lacks {missing:#?}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// What a client sends of its span.
fn traceparent(trace_id: &str, client: &str) -> String {
    format!("00-{trace_id}-{client}-01")
}

fn under<T>(traceparent: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("traceparent", traceparent.parse().unwrap());
    request
}

/// A quote and an order, both asked for under one span.
async fn bought(buyer: &Session, variant_id: &str, traceparent: &str) -> Order {
    let line = QuoteLine { variant_id: variant_id.to_owned(), quantity: 1, ..QuoteLine::default() };
    let wish =
        CreateQuoteRequest { request_id: request_id(), lines: vec![line], ..CreateQuoteRequest::default() };
    let quoted = buyer.quotes().create_quote(under(traceparent, wish)).await.unwrap();
    let quote = quoted.into_inner().quote.unwrap();
    purchase::fund(buyer, &total(&quote)).await.unwrap();
    let order = PlaceOrderRequest {
        request_id: request_id(),
        quote_id: quote.quote_id,
        address: Some(address()),
        payment_method: PaymentMethod::Wallet.into(),
        ..PlaceOrderRequest::default()
    };
    buyer.orders().place_order(under(traceparent, order)).await.unwrap().into_inner().order.unwrap()
}

#[tokio::test]
#[ignore = "cargo xtask compose-test runs it"]
async fn a_purchase_is_one_tree() {
    let hub = hub();
    let thai = seller(&hub, &[STOCK]).await;
    let buyer = hub.buyer("aisyah").unwrap();
    let [trace_id, client] = [(); 2].map(|()| request_id().replace('-', ""));
    let client = &client[16..];
    let order = bought(&buyer, &thai.variants[0], &traceparent(&trace_id, client)).await;
    journey::to_completion(&buyer, &order.order_id, PATIENCE, |_| {}).await.unwrap();
    let trace = whole(&trace_id, client).await;
    println!("order {} is trace {trace_id}, of {} spans; in milliseconds:", order.number, trace.len());
    println!("{:>8} {:>8}", "begun", "took");
    waterfall(&trace, client, 0, trace.values().map(|span| span.begun).min().unwrap());
}

/// Calls that bring a trace, none, and what is none; the edge's access lines tell what became of them.
#[tokio::test]
#[ignore = "cargo xtask compose-test runs it"]
async fn calls_are_made_with_and_without_a_trace() {
    let given = variable("ENTREPOT_COMPOSE_TRACE");
    let client = "b7ad6b7169203331";
    let call = async |traceparent: Option<String>| {
        let mut headers = vec![("content-type", "application/grpc-web+proto")];
        headers.extend(traceparent.as_deref().map(|traceparent| ("traceparent", traceparent)));
        let answer = asked("POST", "/entrepot.order.v1.HubService/GetHub", &headers, &[0; 5]).await;
        assert!(answer.contains("grpc-status:0"), "{answer}");
    };
    call(Some(traceparent(&given, client))).await;
    call(None).await;
    call(Some(traceparent(&given.to_uppercase(), client))).await;
    call(Some(traceparent(&"0".repeat(32), client))).await;
    call(Some(traceparent(&given, &"0".repeat(16)))).await;
    call(Some(format!("{}-more", traceparent(&given, client)))).await;
}

/// An access line leads to its trace.
#[tokio::test]
#[ignore = "cargo xtask compose-test runs it"]
async fn the_trace_is_found() {
    let trace_id = variable("ENTREPOT_COMPOSE_TRACE");
    let found = || async {
        let trace = stored(&trace_id).await;
        (!named(&trace, SERVER, "order", "entrepot.order.v1.HubService/GetHub").is_empty()).then_some(())
    };
    testkit::eventually(&format!("the store has {trace_id}"), found).await;
}
