//! What a service is, and what it is given.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use db::{Db, MigrationSet};
use events::{Consumer, Outbox};
use hub::Profile;
use kernel::Clock;
use money::rates::RateTable;
use rpc::{Channel, Drain, Identity, Peer, PolicyTable};
use settings::Setting;
use tonic::service::Routes;

use crate::Worker;
use crate::metrics::Sampler;

/// A service, as its crate exports it.
#[derive(Clone, Copy)]
pub struct Spec {
    /// Its name, such as `catalog`.
    pub name: &'static str,
    /// Its section of the configuration.
    pub settings: &'static [Setting],
    /// Its own tables.
    pub migrations: MigrationSet,
    /// Who may call which of its RPCs.
    pub policies: PolicyTable,
    /// Its proto packages, such as `entrepot.order.v1`: each RPC of them needs a policy.
    pub packages: &'static [&'static str],
    /// The services that it asks by gRPC.
    pub calls: &'static [&'static str],
    /// Builds it from its section, checked and with the defaults; spawns nothing.
    pub build: fn(&toml::Table, Deps) -> anyhow::Result<Service>,
}

impl std::fmt::Debug for Spec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spec").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a service is given.
#[derive(Clone, Debug)]
pub struct Deps {
    /// The hub's profile.
    pub hub: Arc<Profile>,
    /// The hub's business time.
    pub clock: Clock,
    /// The service's own database, migrated.
    pub db: Db,
    /// Where it tells what has happened.
    pub outbox: Outbox,
    /// The other services.
    pub peers: Peers,
    /// The reference rates between currencies.
    pub rates: Arc<RateTable>,
    /// Whether money and parcels are play.
    pub sandbox: Sandbox,
    /// Says when the process begins to leave.
    pub drain: Drain,
}

/// Whether a hub plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sandbox {
    /// Top-ups need no payment, QR codes are paid by a sandbox provider, parcels are moved by a sandbox carrier, and the clock can be moved.
    pub enabled: bool,
    /// How long a day of the sandbox carrier lasts.
    pub day_length: Duration,
}

impl Default for Sandbox {
    /// A sandbox whose carrier's day lasts a second.
    fn default() -> Self {
        Self { enabled: true, day_length: Duration::from_secs(1) }
    }
}

/// A service that was built.
pub struct Service {
    /// What it serves to anyone.
    pub public: Routes,
    /// What it serves to services, operators and carriers.
    pub internal: Routes,
    /// What it hears of others.
    pub consumers: Vec<Consumer>,
    /// What it does by itself.
    pub workers: Vec<Worker>,
    /// What it reads of its database for the hub's metrics, if they are shown.
    pub samplers: Vec<Sampler>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("consumers", &self.consumers).finish_non_exhaustive()
    }
}

/// Channels to the other services, as this one.
#[derive(Clone, Debug)]
pub struct Peers {
    channels: Arc<HashMap<String, Channel>>,
    identity: Identity,
}

impl Peers {
    /// These channels, called as `identity`.
    pub fn new(channels: HashMap<String, Channel>, identity: Identity) -> Self {
        Self { channels: Arc::new(channels), identity }
    }

    /// A service of the hub; `None` when nobody said where it runs. A [`Spec`] that names it in `calls` has it.
    pub fn of(&self, service: &str) -> Option<Peer> {
        self.channels.get(service).map(|channel| Peer::new(channel.clone(), self.identity.clone()))
    }
}
