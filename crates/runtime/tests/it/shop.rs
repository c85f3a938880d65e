//! A service that does nothing, and hubs that run it.

use std::sync::Arc;

use db::MigrationSet;
use events::LocalBus;
use hub::Profile;
use runtime::{Deps, Hub, Service, Settings, Spec, Worker, parse_section};
use serde::Deserialize;
use settings::{Setting, ValueKind};
use tempfile::TempDir;
use testkit::Database;
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint};

/// Its section.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Section {
    pub(crate) shelves: i64,
}

const SETTINGS: &[Setting] = &[Setting::new(
    "shop.shelves",
    ValueKind::Whole { least: 1, most: 9, unit: "shelves" },
    "How many shelves it has.",
)
.default("1")];

/// The service.
pub(crate) const SHOP: Spec = Spec {
    name: "shop",
    settings: SETTINGS,
    migrations: MigrationSet {
        name: "shop",
        files: &[("0001_steps.sql", "create table steps (shelves BIGINT not null, name TEXT not null)")],
    },
    policies: &[],
    packages: &[],
    calls: &[],
    build,
};

fn build(section: &toml::Table, _: Deps) -> anyhow::Result<Service> {
    let Section { shelves: 1..=9 } = parse_section(section)? else { anyhow::bail!("shelves out of bounds") };
    Ok(service(Vec::new()))
}

/// It with these workers.
pub(crate) fn service(workers: Vec<Worker>) -> Service {
    Service {
        public: Routes::default(),
        internal: Routes::default(),
        consumers: Vec::new(),
        workers,
        samplers: Vec::new(),
    }
}

/// A hub's folder, which goes with the test.
pub(crate) fn folder() -> TempDir {
    TempDir::new().unwrap()
}

/// A hub in `folder` on free ports.
pub(crate) fn settings(folder: &TempDir) -> Settings {
    let (file, text) = hub::builtin("my").unwrap();
    let profile = Profile::parse(file, text).unwrap_or_else(|problems| panic!("{problems}"));
    Settings::embedded(Arc::new(profile), folder.path())
}

/// A hub in `folder` whose shop is on `database`.
pub(crate) fn settings_on(folder: &TempDir, database: &Database) -> Settings {
    let mut settings = settings(folder);
    settings.databases.insert("shop".to_owned(), database.url().to_owned());
    settings.connections_max = 4;
    settings
}

pub(crate) async fn start(settings: Settings, spec: Spec) -> Hub {
    Hub::start(settings, &[spec], Arc::new(LocalBus::new())).await.unwrap()
}

/// What is said when it does not start.
pub(crate) async fn refused(settings: Settings, spec: Spec) -> String {
    let started = Hub::start(settings, &[spec], Arc::new(LocalBus::new())).await;
    started.expect_err("a hub that must not start").to_string()
}

/// A connection to a port.
pub(crate) async fn dial(address: std::net::SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap()
}
