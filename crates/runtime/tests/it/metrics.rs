//! What a process shows when things go wrong, and what strangers cannot make it show.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use db::Tx;
use events::{Bus, BusError, Consumer, Envelope, Handler, HandlerError, LocalBus, Outbox, Subscription};
use http::uri::PathAndQuery;
use kernel::EventId;
use runtime::metrics::{Listener, Metrics};
use runtime::{Deps, Hub, Service, Spec};
use testkit::scrape::Scrape;
use tonic::client::Grpc;
use tonic::{Code, Request, Response, Status};
use tonic_prost::ProstCodec;

use crate::shop::{SHOP, folder, service, settings, settings_on};

/// Between two looks at a database.
const SOON: Duration = Duration::from_millis(50);

async fn exposed() -> (Metrics, Listener) {
    let metrics = Metrics::sampling(SOON, SOON);
    let listener = metrics.listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    (metrics, listener)
}

async fn becomes(listener: &Listener, name: &str, labels: &[(&str, &str)], holds: impl Fn(f64) -> bool) {
    let look =
        || async { Scrape::of(listener.address()).await.sum(name, labels).filter(|value| holds(*value)) };
    testkit::eventually(&format!("{name} {labels:?} is as it should be"), look).await;
}

/// The kind of its events.
const MOVED: &str = "shop.moved.v1";

fn event() -> Envelope {
    let about = EventId::new().uuid();
    Envelope::new(MOVED, about, 1, chrono::DateTime::UNIX_EPOCH, &())
}

/// Can handle nothing.
struct Refusing;

#[async_trait]
impl Handler for Refusing {
    async fn handle(&self, _: &mut Tx, _: &Envelope) -> Result<(), HandlerError> {
        Err(HandlerError::Poison("it is poison".to_owned()))
    }
}

const REFUSING: Spec = Spec { build: refusing, ..SHOP };

fn refusing(_: &toml::Table, _: Deps) -> anyhow::Result<Service> {
    let consumer = Consumer {
        name: "shop.order",
        services: &["order"],
        kinds: &[MOVED],
        batched: &[],
        handler: Arc::new(Refusing),
    };
    Ok(Service { consumers: vec![consumer], ..service(Vec::new()) })
}

/// A bus that takes nothing.
struct Away;

#[async_trait]
impl Bus for Away {
    async fn publish(&self, _: &str, _: &Envelope) -> Result<(), BusError> {
        Err(BusError("it is away".to_owned()))
    }

    async fn subscribe(&self, _: Subscription) -> Result<(), BusError> {
        Ok(())
    }

    async fn waiting(&self, _: &Subscription) -> Result<i64, BusError> {
        Ok(7)
    }

    fn missing_from_groups(&self) -> Vec<String> {
        vec!["my.shop.order".to_owned()]
    }
}

testkit::on_both! {
    async fn a_parked_event_shows(database: Database) {
        let (folder, bus) = (folder(), Arc::new(LocalBus::new()));
        let (metrics, listener) = exposed().await;
        let mut settings = settings_on(&folder, &database);
        settings.metrics = Some(metrics);
        let hub = Hub::start(settings, &[REFUSING], bus.clone()).await.unwrap();
        let of_shop = [("hub", "my"), ("service", "shop"), ("consumer", "shop.order")];
        becomes(&listener, "entrepot_events_parked", &of_shop, |parked| parked == 0.0).await;
        bus.publish("my.order.v1", &event()).await.unwrap();
        becomes(&listener, "entrepot_events_parked", &of_shop, |parked| parked == 1.0).await;
        becomes(&listener, "entrepot_events_consumed_total", &[("outcome", "parked")], |taken| taken == 1.0).await;
        hub.stop().await;
    }

    async fn what_the_bus_does_not_take_shows(database: Database) {
        let folder = folder();
        let (metrics, listener) = exposed().await;
        let mut settings = settings_on(&folder, &database);
        settings.metrics = Some(metrics);
        let hub = Hub::start(settings, &[REFUSING], Arc::new(Away)).await.unwrap();
        becomes(&listener, "entrepot_outbox_oldest_seconds", &[("service", "shop")], |age| age == 0.0).await;
        let db = database.connect().await;
        let event = event();
        let put: Result<(), db::Error> = db.write(move |tx| {
            let event = event.clone();
            Box::pin(async move { Outbox.put(tx, &event).await })
        }).await;
        put.unwrap();
        becomes(&listener, "entrepot_outbox_unpublished", &[("service", "shop")], |count| count == 1.0).await;
        becomes(&listener, "entrepot_outbox_oldest_seconds", &[("service", "shop")], |age| age > 0.0).await;
        becomes(&listener, "entrepot_events_waiting", &[("consumer", "shop.order")], |lag| lag == 7.0).await;
        becomes(&listener, "entrepot_serving", &[("hub", "my")], |serving| serving == 0.0).await;
        db.close().await;
        hub.stop().await;
    }
}

#[tokio::test]
async fn names_that_are_made_up_make_no_series() {
    let folder = folder();
    let (metrics, listener) = exposed().await;
    let mut settings = settings(&folder);
    settings.metrics = Some(metrics);
    let hub = Hub::start(settings, &[SHOP], Arc::new(LocalBus::new())).await.unwrap();
    for number in 0..20 {
        let mut client = Grpc::new(hub.public_channel());
        client.ready().await.unwrap();
        let path =
            PathAndQuery::try_from(format!("/entrepot.madeup{number}.v1.MadeUp/Call{number}")).unwrap();
        let codec: ProstCodec<(), ()> = ProstCodec::default();
        let answer: Result<Response<()>, Status> = client.unary(Request::new(()), path, codec).await;
        assert_eq!(answer.unwrap_err().code(), Code::Unimplemented);
    }
    let labels = [("service", "unknown"), ("method", "unknown"), ("code", "UNIMPLEMENTED")];
    becomes(&listener, "entrepot_rpc_requests_total", &labels, |count| count == 20.0).await;
    let shown = Scrape::of(listener.address()).await;
    assert!(!shown.text().to_lowercase().contains("madeup"), "{}", shown.text());
    hub.stop().await;
}
