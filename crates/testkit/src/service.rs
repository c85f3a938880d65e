//! One service on its own: its real process, with fakes for those that it asks and a bus that the test speaks on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use db::Db;
use events::{Bus, ChaoticBus, Envelope};
use hub::Profile;
use kernel::EventId;
use rpc::{Bearer, Channel, Identity, KeySet, Role};
use runtime::{Hub, Sandbox, Settings, Spec};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::service::Routes;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::server::TcpIncoming;
use uuid::Uuid;

use crate::Database;

/// A channel that sends a token.
pub type Line = InterceptedService<Channel, Bearer>;

/// How long a test's token lasts.
const TOKEN_TTL: Duration = Duration::from_secs(3_600);
/// Those who may be asked to call as services: the hub's, and one that is none.
const CALLERS: [&str; 5] = ["catalog", "logistics", "order", "payment", "stranger"];
/// Events that are read back at once.
const EVENTS_MAX: i64 = 10_000;

/// How a service under test is set up.
#[derive(Clone)]
pub struct Setup {
    spec: Spec,
    database: Database,
    profile: Arc<Profile>,
    section: toml::Table,
    rates_file: Option<PathBuf>,
    sandbox: Sandbox,
    bus: Arc<dyn Bus>,
    peers: BTreeMap<String, Vec<String>>,
    fakes: Vec<Arc<Fake>>,
    callers: BTreeMap<&'static str, Identity>,
    folder: Arc<TempDir>,
}

/// A fake peer's server, ended with the test.
struct Fake(JoinHandle<()>);

impl Drop for Fake {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Setup {
    /// The service of `spec` on `database`, in a sandbox hub whose carrier stands still, on a bus that delivers
    /// everything twice and late.
    pub fn new(spec: Spec, database: &Database, profile: Arc<Profile>) -> Self {
        let folder = TempDir::new().expect("a folder for a test");
        let callers = callers(profile.code(), &folder);
        Self {
            spec,
            database: database.clone(),
            profile,
            section: toml::Table::new(),
            rates_file: None,
            sandbox: Sandbox { enabled: true, day_length: Duration::from_secs(86_400) },
            bus: Arc::new(ChaoticBus::local(7)),
            peers: BTreeMap::new(),
            fakes: Vec::new(),
            callers,
            folder: Arc::new(folder),
        }
    }

    /// With this section of the configuration.
    #[must_use]
    pub fn section(mut self, section: toml::Table) -> Self {
        self.section = section;
        self
    }

    /// With reference rates of this file.
    #[must_use]
    pub fn rates(mut self, file: &Path) -> Self {
        self.rates_file = Some(file.to_owned());
        self
    }

    /// With another sandbox, or none.
    #[must_use]
    pub fn sandbox(mut self, sandbox: Sandbox) -> Self {
        self.sandbox = sandbox;
        self
    }

    /// With a fake of another service, served without any gate.
    #[must_use]
    pub async fn fake(mut self, service: &str, routes: Routes) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a port's address");
        let incoming = TcpIncoming::from(listener);
        let server = tonic::transport::Server::builder().add_routes(routes).serve_with_incoming(incoming);
        let serving = tokio::spawn(async move {
            let _ = server.await;
        });
        self.peers.insert(service.to_owned(), vec![format!("http://{address}")]);
        self.fakes.push(Arc::new(Fake(serving)));
        self
    }

    /// Starts it.
    pub async fn start(self) -> UnderTest {
        let mut settings = Settings::embedded(self.profile.clone(), self.folder.path());
        settings.databases.insert(self.spec.name.to_owned(), self.database.url().to_owned());
        settings.connections_max = 6;
        settings.sandbox = self.sandbox;
        settings.rates_file = self.rates_file.clone();
        settings.peers = self.peers.clone();
        settings.rate.per_second = std::num::NonZeroU32::MAX;
        settings.rate.burst = std::num::NonZeroU32::MAX;
        settings.sections.insert(self.spec.name.to_owned(), toml::Value::Table(self.section.clone()));
        let hub =
            Hub::start(settings, &[self.spec], self.bus.clone()).await.expect("a service under test starts");
        let db = self.database.connect().await;
        UnderTest { hub, db, setup: self }
    }
}

/// Keys of those who call as services, which the service under test knows.
fn callers(hub: &str, folder: &TempDir) -> BTreeMap<&'static str, Identity> {
    let identity = |name| (name, Identity::in_memory(hub, name).expect("a key for a test"));
    let callers: BTreeMap<_, _> = CALLERS.into_iter().map(identity).collect();
    let mut set = KeySet::default();
    for caller in callers.values() {
        set.insert(caller.public());
    }
    set.write(&folder.path().join("jwks.json")).expect("a set of public keys for a test");
    callers
}

/// A service that runs.
pub struct UnderTest {
    /// Its process.
    pub hub: Hub,
    /// Its database, by a connection of the test's own.
    pub db: Db,
    setup: Setup,
}

impl UnderTest {
    /// The public API as somebody.
    pub fn public(&self, role: Role, subject: &str) -> Line {
        InterceptedService::new(self.hub.public_channel(), self.bearer(role, subject))
    }

    /// The public API as nobody.
    pub fn anyone(&self) -> Channel {
        self.hub.public_channel()
    }

    /// The internal API as somebody.
    pub fn internal(&self, role: Role, subject: &str) -> Line {
        InterceptedService::new(self.hub.internal_channel(), self.bearer(role, subject))
    }

    /// The internal API as another service of the hub.
    pub fn as_service(&self, name: &str) -> Line {
        self.internal(Role::Service, name)
    }

    fn bearer(&self, role: Role, subject: &str) -> Bearer {
        let token = match role {
            Role::Service => self.setup.callers[subject].token(),
            role => self.hub.issuer().expect("an embedded hub signs").sign(role, subject, TOKEN_TTL),
        };
        let token = token.expect("a test's token");
        Bearer::new(&token).expect("a token fits a header")
    }

    pub(crate) fn spec(&self) -> Spec {
        self.setup.spec
    }

    /// All that its SQLite database has in its files.
    pub(crate) fn stored_bytes(&self) -> Vec<u8> {
        let file = self.setup.database.url().strip_prefix("sqlite:").expect("a SQLite database");
        let mut stored = std::fs::read(file).expect("a database is a file");
        stored.extend(std::fs::read(format!("{file}-wal")).unwrap_or_default());
        stored
    }

    /// Moves the hub's clock.
    pub fn advance(&self, by: chrono::Duration) {
        self.hub.clock().advance(by).expect("a clock moves forward");
    }

    /// The hub's time.
    pub fn now(&self) -> DateTime<Utc> {
        self.hub.clock().now()
    }

    /// Tells an event of another service, and returns when it took effect or is parked.
    pub async fn tell(&self, service: &str, event: &Envelope) {
        let topic = events::topic(self.hub.code(), service);
        self.setup.bus.publish(&topic, event).await.expect("a local bus takes every event");
    }

    /// What the service has told so far, in the order in which it was written.
    pub async fn told(&self) -> Vec<Envelope> {
        #[derive(sqlx::FromRow)]
        struct Row {
            event_id: Uuid,
            kind: String,
            aggregate_id: Uuid,
            aggregate_version: i64,
            occurred_at: DateTime<Utc>,
            payload: Vec<u8>,
        }
        let rows: Result<Vec<Row>, db::Error> = self
            .db
            .read(|tx| {
                Box::pin(async move {
                    db::fetch_all!(
                        tx,
                        Row,
                        "select event_id, kind, aggregate_id, aggregate_version, occurred_at, payload from outbox \
                         order by event_id limit $1",
                        EVENTS_MAX,
                    )
                })
            })
            .await;
        let envelope = |row: Row| Envelope {
            id: EventId::from(row.event_id),
            kind: row.kind,
            aggregate_id: row.aggregate_id,
            aggregate_version: row.aggregate_version,
            occurred_at: row.occurred_at,
            traceparent: None,
            payload: row.payload,
        };
        rows.expect("the outbox can be read").into_iter().map(envelope).collect()
    }

    /// The messages of one kind that it has told.
    pub async fn told_of<M: prost::Message + Default>(&self, kind: &str) -> Vec<M> {
        let told = self.told().await;
        let of_kind = told.iter().filter(|event| event.kind == kind);
        of_kind.map(|event| event.decode().expect("an event can be read")).collect()
    }

    /// Stops it.
    pub async fn stop(self) {
        self.db.close().await;
        self.hub.stop().await;
    }

    /// Stops it and starts it on the same database.
    pub async fn restart(self) -> Self {
        let setup = self.setup.clone();
        let ahead = self.hub.clock().ahead();
        self.stop().await;
        let setup = Setup { bus: Arc::new(ChaoticBus::local(11)), ..setup };
        let started = setup.start().await;
        started.hub.clock().set_ahead(ahead).expect("the clock goes on");
        started
    }
}
