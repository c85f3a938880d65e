//! A service by itself within this process, called as the services of an embedded hub call each other: through the same
//! gate, without a connection. What is measured is the service and its database, not HTTP/2.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use db::{Db, Options};
use events::{Bus as _, Envelope, LocalBus};
use rpc::{Identity, KeySet, Peer, Role};
use runtime::{Hub, Sandbox, Settings, Spec};

use super::{Subject, check_unused};
use crate::bench::counters::Counters;
use crate::bench::{Plan, SETTLE_PATIENCE};
use crate::configuration::{Configuration, Shape};
use crate::fleet::{HUB, Usage};
use crate::{engines, migrate, profiles};

/// The service that the calls come from, and the events.
const CALLER: &str = "order";
/// How long tokens last.
const TOKEN_TTL: Duration = Duration::from_secs(24 * 3_600);

/// The service.
pub(in crate::bench) struct Component {
    hub: Hub,
    service: &'static str,
    bus: Arc<LocalBus>,
    caller: Identity,
    heading: String,
}

impl Component {
    /// Starts it on a database of its own, with a bus within the process.
    pub(in crate::bench) async fn start(plan: &Plan<'_>, service: &'static str) -> Result<Self> {
        let spec = profiles::service(service).map_err(anyhow::Error::msg)?;
        let settings = settings(plan.configuration, plan.folder, &[spec]).await?;
        if let Some(url) = settings.databases.get(service) {
            runtime::migrate(&settings, &[spec]).await?;
            let db = Db::connect(&Options::new(url))
                .await
                .with_context(|| format!("the database of {service}"))?;
            let is_unused = check_unused(&db, service, "select count(*) from requests").await;
            db.close().await;
            is_unused?;
        }
        let caller = Identity::in_memory(HUB, CALLER).context("a key for the caller")?;
        let mut known = KeySet::default();
        known.insert(caller.public());
        known.write(&settings.folder.join("jwks.json")).context("the caller's public key")?;
        let bus = Arc::new(LocalBus::new());
        let hub = Hub::start(settings, &[spec], bus.clone()).await?;
        let engine = engine(plan.configuration);
        let heading =
            format!("{service} by itself within this process, on {engine}, called without a connection.");
        Ok(Self { hub, service, bus, caller, heading })
    }

    /// As people see it.
    pub(in crate::bench) fn people(&self) -> Result<proof::Hub> {
        let issuer = self.hub.issuer().context("a hub within this process signs its tokens")?.clone();
        let tokens = move |role: Role, subject: &str| Ok(issuer.sign(role, subject, TOKEN_TTL)?);
        let (public, internal) = (self.hub.public_channel(), self.hub.internal_channel());
        Ok(proof::Hub::new(&services::names(), public, internal, Arc::new(tokens)))
    }

    /// The way to it for another service.
    pub(in crate::bench) fn peer(&self) -> Peer {
        Peer::new(self.hub.internal_channel(), self.caller.clone())
    }

    /// Delivers events to it.
    pub(in crate::bench) fn events(&self) -> CallerEvents {
        CallerEvents { topic: events::topic(self.hub.code(), CALLER), bus: self.bus.clone() }
    }
}

/// What the caller publishes.
pub(in crate::bench) struct CallerEvents {
    topic: String,
    bus: Arc<LocalBus>,
}

impl CallerEvents {
    /// Returns once the event took effect.
    pub(in crate::bench) async fn publish(&self, event: &Envelope) -> Result<(), events::BusError> {
        self.bus.publish(&self.topic, event).await
    }
}

impl Subject for Component {
    fn heading(&self) -> String {
        self.heading.clone()
    }

    async fn counters(&self) -> Result<Counters> {
        Ok(self.hub.statistics().into_values().map(Counters::from).sum())
    }

    fn usage(&self) -> Option<Usage> {
        None
    }

    async fn settle(&self) -> Result<()> {
        proof::invariants::settle_service(&self.people()?, self.service, SETTLE_PATIENCE).await
    }

    async fn stop(self) -> Result<()> {
        self.hub.stop().await;
        Ok(())
    }
}

/// What the databases are on.
pub(in crate::bench) fn engine(configuration: &Configuration) -> &'static str {
    match configuration.process.shape {
        Shape::Embedded => "a SQLite file, every commit on the disk",
        Shape::Production => "PostgreSQL",
    }
}

/// Settings of services within this process, whose buyers call as often as they like and whose parcels stand still. Their
/// databases are made where they are missing and an administrator is named.
pub(in crate::bench) async fn settings(
    configuration: &Configuration,
    folder: &Path,
    specs: &[Spec],
) -> Result<Settings> {
    let mut settings = Settings::embedded(profiles::profile(HUB)?, folder);
    settings.connections_max = configuration.database.connections_max;
    settings.sandbox = Sandbox { enabled: true, day_length: Duration::from_secs(24 * 3_600) };
    (settings.rate.per_second, settings.rate.burst) = (NonZeroU32::MAX, NonZeroU32::MAX);
    if configuration.process.shape == Shape::Production {
        engines::databases(configuration, &mut settings, specs)?;
        migrate::provide(configuration, &settings).await?;
    }
    Ok(settings)
}
