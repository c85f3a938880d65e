//! A hub in the test's own process, in either shape: all services together, on either engine, on a bus that
//! delivers everything twice and late; or each by itself, over TCP, PostgreSQL and Kafka. With a seller and goods.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use events::{ChaoticBus, KafkaBus, KafkaSettings};
use proof::market::Market;
use proof::purchase::{self, OrderOptions, RequestedLine};
use proof::shop::SellerEntry;
use proof::{HubChannels, ServiceChannels, Session, invariants};
use proto::catalog::v1::{GetProductRequest, ListProductsRequest};
use proto::order::v1::{Order, PaymentMethod, Quote};
use proto::types::v1::{Address, Money};
use rpc::{Channel, Holder, KeySet, Role, SetFile, SigningKey};
use runtime::metrics::Metrics;
use runtime::{Hub, Sandbox, Settings};
use tempfile::TempDir;
use testkit::Database;
use tonic::Status;
use tonic::transport::Endpoint;

/// How long a hub may take to come to rest.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const TOKEN_TTL: Duration = Duration::from_secs(3_600);
/// The carrier moves parcels on at once.
pub(crate) const AT_ONCE: Duration = Duration::ZERO;
/// The carrier stands still, but for the hub's clock.
pub(crate) const STILL: Duration = Duration::from_secs(86_400);

/// What a town is built on.
#[derive(Clone)]
pub(crate) struct Ground {
    database: Database,
    /// Kafka's brokers; without them the bus is the one within the process.
    brokers: Option<String>,
}

impl Ground {
    /// All services in one process, on this engine.
    pub(crate) fn embedded(database: Database) -> Self {
        Self { database, brokers: None }
    }

    /// Each service as a process would be, over TCP and Kafka. `None` where there is no Kafka: the test says so and is
    /// skipped.
    pub(crate) async fn production() -> Option<Self> {
        let brokers = testkit::kafka()?;
        Some(Self { database: Database::postgres().await?, brokers: Some(brokers) })
    }

    /// Removes what it was built on.
    pub(crate) async fn remove(self) {
        self.database.remove().await;
    }
}

/// The hub.
pub(crate) struct Town {
    pub(crate) hub: proof::Hub,
    running: Vec<Hub>,
    buses: Vec<Arc<KafkaBus>>,
    others: Vec<Database>,
    settings: Settings,
    brokers: Option<String>,
    _folder: TempDir,
}

impl Town {
    /// A Malaysian hub whose carrier's day lasts so long.
    pub(crate) async fn open(ground: &Ground, day: Duration) -> Self {
        Self::open_in("my", ground, day).await
    }

    /// A hub of this profile.
    pub(crate) async fn open_in(code: &str, ground: &Ground, day: Duration) -> Self {
        Self::open_measured(code, ground, day, None).await
    }

    /// As [`Town::open_in`], with what is measured shown here.
    pub(crate) async fn open_measured(
        code: &str,
        ground: &Ground,
        day: Duration,
        metrics: Option<Metrics>,
    ) -> Self {
        let (_, text) = hub::builtin(code).unwrap();
        Self::open_profile(text, ground, day, metrics).await
    }

    /// A hub of a profile of the test's own.
    pub(crate) async fn open_profile(
        profile: &str,
        ground: &Ground,
        day: Duration,
        metrics: Option<Metrics>,
    ) -> Self {
        let profile = Arc::new(hub::Profile::parse("test.toml", profile).unwrap());
        let folder = TempDir::new().unwrap();
        let mut settings = Settings::embedded(profile, folder.path());
        let mut others = Vec::new();
        for spec in services::ALL {
            let url = if spec.name == "order" {
                ground.database.url().to_owned()
            } else {
                let other = ground.database.another().await;
                let url = other.url().to_owned();
                others.push(other);
                url
            };
            settings.databases.insert(spec.name.to_owned(), url);
        }
        settings.connections_max = 6;
        settings.metrics = metrics;
        settings.sandbox = Sandbox { enabled: true, day_length: day };
        settings.rate.per_second = NonZeroU32::MAX;
        settings.rate.burst = NonZeroU32::MAX;
        let brokers = ground.brokers.clone();
        let (hub, running, buses) = start(settings.clone(), brokers.as_deref()).await;
        Self { hub, running, buses, others, settings, brokers, _folder: folder }
    }

    /// Stops the hub, does something to its databases, and starts it again.
    pub(crate) async fn between(mut self, work: impl AsyncFnOnce(&BTreeMap<String, String>)) -> Self {
        self.stop().await;
        work(&self.settings.databases).await;
        (self.hub, self.running, self.buses) = start(self.settings.clone(), self.brokers.as_deref()).await;
        self
    }

    async fn stop(&mut self) {
        for running in self.running.drain(..) {
            running.stop().await;
        }
        for bus in self.buses.drain(..) {
            bus.close().await;
        }
    }

    /// Moves the hub's clock, in each process.
    pub(crate) fn advance(&self, by: chrono::Duration) {
        for running in &self.running {
            running.clock().advance(by).unwrap();
        }
    }

    /// Lets the hub come to rest and checks every invariant; nothing may be held.
    pub(crate) async fn close(mut self) {
        self.check().await;
        self.stop().await;
        for other in self.others {
            other.remove().await;
        }
    }

    /// Lets the hub come to rest and checks every invariant.
    pub(crate) async fn check(&self) {
        invariants::settle(&self.hub, PATIENCE).await.unwrap();
        let report = invariants::check(&self.hub).await.unwrap();
        assert!(report.holds(), "\n{report}");
    }
}

type Started = (proof::Hub, Vec<Hub>, Vec<Arc<KafkaBus>>);

async fn start(settings: Settings, brokers: Option<&str>) -> Started {
    match brokers {
        None => embedded(settings).await,
        Some(brokers) => production(settings, brokers).await,
    }
}

async fn embedded(settings: Settings) -> Started {
    let running = Hub::start(settings, services::ALL, Arc::new(ChaoticBus::local(7))).await.unwrap();
    let hub = proof::Hub::new(
        &services::names(),
        running.public_channel(),
        running.internal_channel(),
        tokens(&running),
    );
    (hub, vec![running], Vec::new())
}

/// Each service with its listeners, its folder and its bus.
async fn production(mut settings: Settings, brokers: &str) -> Started {
    let folder = settings.folder.clone();
    let prefix = format!("t{}.", kernel::EventId::new().uuid().simple());
    let (mut running, mut buses, mut doors) = (Vec::new(), Vec::new(), HubChannels::new());
    own_keys(&mut settings, &folder);
    for spec in services::callees_first() {
        settings.folder = folder.join(spec.name);
        let kafka = KafkaSettings { prefix: prefix.clone(), partitions: 3, ..KafkaSettings::new(brokers) };
        let bus = Arc::new(KafkaBus::new(kafka).unwrap());
        let started = Hub::start(settings.clone(), &[spec], bus.clone()).await.unwrap();
        settings.peers.insert(spec.name.to_owned(), vec![format!("http://{}", started.internal_addr())]);
        let (public, internal) = (over_tcp(started.public_addr()), over_tcp(started.internal_addr()));
        doors.insert(spec.name, ServiceChannels { public, internal });
        running.push(started);
        buses.push(bus);
    }
    let hub = proof::Hub::of_services(doors, tokens(&running[0]));
    (hub, running, buses)
}

/// A key for each service, and the public half of all for everybody.
fn own_keys(settings: &mut Settings, folder: &Path) {
    let mut set = KeySet::default();
    for service in services::names() {
        let file = folder.join(format!("{service}.pem"));
        set.insert(SigningKey::load_or_create(&file).unwrap().public(Holder::Service(service.to_owned())));
        settings.keys.services.insert(service.to_owned(), file);
    }
    let path = folder.join("services.json");
    set.write(&path).unwrap();
    settings.keys.set = Some(SetFile { path, required: true });
}

pub(crate) fn over_tcp(address: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy().into()
}

/// The processes of a hub share its key.
fn tokens(running: &Hub) -> Arc<dyn proof::Tokens> {
    let issuer = running.issuer().unwrap().clone();
    Arc::new(move |role: Role, subject: &str| Ok(issuer.sign(role, subject, TOKEN_TTL)?))
}

/// Opens a Thai seller whose goods have these units on the shelf.
pub(crate) async fn seller(hub: &proof::Hub, stock: &[i64]) -> Market {
    seller_of(hub, "ban-kad", "TH", "THB", stock).await
}

pub(crate) async fn seller_of(
    hub: &proof::Hub,
    slug: &str,
    country: &str,
    currency: &str,
    stock: &[i64],
) -> Market {
    let firm = SellerEntry {
        country: country.to_owned(),
        payout_currency: currency.to_owned(),
        ..SellerEntry::thai(slug)
    };
    Market::open(hub, &firm, stock).await.unwrap()
}

/// Where parcels go.
pub(crate) fn address() -> Address {
    Address {
        recipient: "Aisyah binti Rahman".to_owned(),
        line1: "12 Jalan Ampang".to_owned(),
        city: "Kuala Lumpur".to_owned(),
        postcode: "50450".to_owned(),
        country: "MY".to_owned(),
        ..Address::default()
    }
}

/// A quote in the hub's currency.
pub(crate) async fn quote(buyer: &Session, wishes: &[RequestedLine]) -> Quote {
    purchase::quote(buyer, wishes, "").await.unwrap()
}

/// What a quote comes to.
pub(crate) fn total(quote: &Quote) -> Money {
    quote.price.as_ref().unwrap().total.clone().unwrap()
}

/// Orders a quote by wallet; the wallet may be short.
pub(crate) async fn place(buyer: &Session, quote: &Quote) -> Result<Order, Status> {
    purchase::place(buyer, quote, &OrderOptions::new(address(), PaymentMethod::Wallet)).await
}

/// Quotes, tops up exactly, orders by wallet.
pub(crate) async fn buy(buyer: &Session, wishes: &[RequestedLine]) -> Order {
    let quote = quote(buyer, wishes).await;
    purchase::fund(buyer, &total(&quote)).await.unwrap();
    place(buyer, &quote).await.unwrap()
}

/// What the buyer's wallet can spend, and what of it is held, in minor units.
pub(crate) async fn wallet(buyer: &Session) -> (i64, i64) {
    let wallet = purchase::wallet(buyer, "MYR").await.unwrap();
    (wallet.available.unwrap().minor_units, wallet.held.unwrap().minor_units)
}

/// Looks until it is so: over Kafka, events may still be on their way once all are published.
pub(crate) async fn becomes<T, Fut>(expected: T, look: impl Fn() -> Fut)
where
    T: PartialEq + std::fmt::Debug,
    Fut: Future<Output = T>,
{
    let what = format!("it becomes {expected:?}");
    testkit::eventually(&what, || async { (look().await == expected).then_some(()) }).await;
}

/// Units of a variant that could be sold now.
pub(crate) async fn available(seller: &Market, place: usize) -> i64 {
    let request = ListProductsRequest {
        seller_id: seller.shop.session.subject.clone(),
        page_size: 200,
        ..ListProductsRequest::default()
    };
    let listed = seller.shop.session.products().list_products(request).await.unwrap().into_inner();
    let with_it = |product: &&proto::catalog::v1::Product| {
        product.variants.iter().any(|variant| variant.variant_id == seller.variants[place])
    };
    let product_id = listed.products.iter().find(with_it).unwrap().product_id.clone();
    let found = seller.shop.session.products().get_product(GetProductRequest { product_id }).await.unwrap();
    let variants = found.into_inner().product.unwrap().variants;
    variants.into_iter().find(|variant| variant.variant_id == seller.variants[place]).unwrap().available
}
