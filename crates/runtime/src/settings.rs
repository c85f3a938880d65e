//! What a process is told when it starts.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use hub::Profile;
use rpc::Rate;
use serde::de::DeserializeOwned;

use crate::Sandbox;
use crate::metrics::Metrics;

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
