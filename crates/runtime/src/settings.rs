//! What a process is told when it starts.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ::settings::{Holds, Setting};
use hub::Profile;
use rpc::Rate;
use serde::de::DeserializeOwned;

use crate::Sandbox;
use crate::metrics::Metrics;

/// The sections `[database]`, `[rate]` and `[sandbox]` of the configuration, but for where the databases are.
pub const SETTINGS: &[Setting] = &[
    Setting::new(
        "database.connections_max",
        Holds::Whole { least: 2, most: 1_000, unit: "connections" },
        "The most connections to each service's database.",
    )
    .default("8"),
    Setting::new(
        "rate.per_second",
        Holds::Whole { least: 1, most: 1_000_000, unit: "calls" },
        "How many calls one principal may make per second at the public API, for ever.",
    )
    .default("500"),
    Setting::new(
        "rate.burst",
        Holds::Whole { least: 1, most: 1_000_000, unit: "calls" },
        "How many calls of one principal may come at once.",
    )
    .default("1000"),
    Setting::new(
        "sandbox.enabled",
        Holds::Switch,
        "Whether money and parcels are play: wallets are topped up on the word, QR codes and parcels are a sandbox's, the \
         clock can be moved. It must be told with shape = production.",
    )
    .default("true"),
    Setting::new(
        "sandbox.day",
        Holds::Duration { least: Duration::ZERO, most: Duration::from_secs(30 * 86_400) },
        "How long a day of the sandbox carrier lasts.",
    )
    .default("1s"),
    Setting::new(
        "sandbox.repeat_events",
        Holds::Whole { least: 0, most: i64::MAX, unit: "" },
        "For tests: the bus delivers each event twice, and earlier ones again; the number seeds which.",
    )
    .example("7")
    .sandbox_only(),
];

/// The settings of one hub's process.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The hub's profile.
    pub profile: Arc<Profile>,
    /// The process's own folder: its lock, and its SQLite files.
    pub folder: PathBuf,
    /// The hub's key, which its tokens are signed with; made when there is none. Processes of one hub share it.
    pub key: PathBuf,
    /// Database URLs by service; a service without one has a SQLite file in the folder.
    pub databases: BTreeMap<String, String>,
    /// The most connections to each database.
    pub connections_max: u32,
    /// Where the public API listens; port 0 takes a free one.
    pub public: SocketAddr,
    /// Where services, operators and carriers are listened to.
    pub internal: SocketAddr,
    /// Addresses of services that run in other processes: of each, one or several instances.
    pub peers: BTreeMap<String, Vec<String>>,
    /// Whether money and parcels are play.
    pub sandbox: Sandbox,
    /// How often a principal may call the public API.
    pub rate: Rate,
    /// Where the process shows what is measured of the hub; `None`: nowhere.
    pub metrics: Option<Metrics>,
    /// The services' own sections, by service.
    pub sections: toml::Table,
}

impl Settings {
    /// An embedded hub in `folder` that listens on free ports of this machine.
    pub fn embedded(profile: Arc<Profile>, folder: impl Into<PathBuf>) -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let folder = folder.into();
        Self {
            profile,
            key: folder.join("key.pem"),
            folder,
            databases: BTreeMap::new(),
            connections_max: 8,
            public: free,
            internal: free,
            peers: BTreeMap::new(),
            sandbox: Sandbox::default(),
            rate: Rate::default(),
            metrics: None,
            sections: toml::Table::new(),
        }
    }

    pub(crate) fn database_url(&self, service: &str) -> String {
        self.databases
            .get(service)
            .cloned()
            .unwrap_or_else(|| format!("sqlite:{}", self.folder.join(format!("{service}.sqlite")).display()))
    }
}

/// A service's section as its own type; an error names the key. The type denies unknown fields.
pub fn parse_section<T: DeserializeOwned>(section: &toml::Table) -> anyhow::Result<T> {
    T::deserialize(toml::Value::Table(section.clone()))
        .map_err(|error| anyhow::anyhow!("{}", error.message()))
}
