//! Starting embedded hubs: which profile, in which folder, on which ports.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use hub::Profile;
use rpc::{Issuer, Role};
use runtime::metrics::Metrics;
use runtime::{Hub, Settings, Spec};

use crate::configuration::Configuration;
use crate::engines::{self, EventBus};
use crate::profiles::profile;

/// How long tokens last that a journey of ours makes.
const TOKEN_TTL: Duration = Duration::from_secs(7 * 24 * 3_600);

/// How fast the sandbox carrier is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ClockSpeed {
    /// A day lasts a second: for watching.
    Watchable,
    /// Each step follows at once.
    AtOnce,
}

/// A hub that runs in this process.
pub(crate) struct Running {
    /// Its profile.
    pub(crate) profile: Arc<Profile>,
    /// Where its data are.
    pub(crate) folder: PathBuf,
    hub: Hub,
    bus: EventBus,
}

impl Running {
    /// Starts these services of a hub, whose events go by `bus`.
    pub(crate) async fn start(settings: Settings, specs: &[Spec], bus: EventBus) -> Result<Self> {
        let (profile, folder) = (settings.profile.clone(), settings.folder.clone());
        let ready = bus.ready(profile.code()).await?;
        let hub = Hub::start(settings, specs, ready).await.map_err(|error| bus.blame(error))?;
        Ok(Self { profile, folder, hub, bus })
    }

    /// The hub as its clients see it, without a port.
    pub(crate) fn proof(&self) -> Result<proof::Hub> {
        let issuer = self.issuer()?.clone();
        let tokens = move |role: Role, subject: &str| Ok(issuer.sign(role, subject, TOKEN_TTL)?);
        Ok(proof::Hub::new(
            &services::names(),
            self.hub.public_channel(),
            self.hub.internal_channel(),
            Arc::new(tokens),
        ))
    }

    /// A token of the hub.
    pub(crate) fn token(&self, role: Role, subject: &str) -> Result<String> {
        Ok(self.issuer()?.sign(role, subject, TOKEN_TTL)?)
    }

    fn issuer(&self) -> Result<&Issuer> {
        self.hub.issuer().context("keys.issuer: this command makes tokens, and has no key to sign them with")
    }

    /// Where the public API listens.
    pub(crate) fn public(&self) -> SocketAddr {
        self.hub.public_addr()
    }

    /// Where services, operators and carriers are listened to.
    pub(crate) fn internal(&self) -> SocketAddr {
        self.hub.internal_addr()
    }

    /// Commits and statements so far, of all databases.
    pub(crate) fn statistics(&self) -> (u64, u64) {
        let databases = self.hub.statistics();
        databases
            .values()
            .fold((0, 0), |(commits, statements), one| (commits + one.commits, statements + one.statements))
    }

    /// Leaves cleanly.
    pub(crate) async fn stop(self) {
        self.hub.stop().await;
        self.bus.close().await;
    }
}

/// Starts several hubs side by side; on an error those that run are stopped.
pub(crate) async fn start_all(
    hubs: &[String],
    configuration: &Configuration,
    metrics: Option<&Metrics>,
) -> Result<Vec<Running>> {
    configuration.check(hubs)?;
    let mut running: Vec<Running> = Vec::new();
    for (place, name) in hubs.iter().enumerate() {
        match start(name, place, configuration, metrics).await {
            Ok(hub) => running.push(hub),
            Err(error) => {
                stop_all(running).await;
                return Err(error);
            }
        }
    }
    Ok(running)
}

async fn start(
    name: &str,
    place: usize,
    configuration: &Configuration,
    metrics: Option<&Metrics>,
) -> Result<Running> {
    let profile = profile(name)?;
    let mut settings = whole(profile, configuration);
    settings.metrics = metrics.cloned();
    (settings.public, settings.internal) = configuration.process.listeners(place)?;
    let bus = engines::apply(configuration, &mut settings, services::ALL)?;
    Running::start(settings, services::ALL, bus).await
}

/// Starts one hub for use by a command, on free ports.
pub(crate) async fn start_one(configuration: &Configuration, pace: ClockSpeed) -> Result<Running> {
    configuration.check(&configuration.process.hub)?;
    let mut settings = whole(profile(configuration.one_hub()?)?, configuration);
    settings.sandbox.day_length = pace.day();
    let bus = engines::apply(configuration, &mut settings, services::ALL)?;
    Running::start(settings, services::ALL, bus).await.context("starting the hub")
}

/// The settings of a hub whose services all run in this process.
fn whole(profile: Arc<Profile>, configuration: &Configuration) -> Settings {
    let folder = configuration.process.data.join(profile.code());
    let mut settings = Settings::embedded(profile, folder);
    configuration.apply(&mut settings, services::ALL);
    settings
}

impl ClockSpeed {
    fn day(self) -> Duration {
        match self {
            Self::Watchable => Duration::from_secs(1),
            Self::AtOnce => Duration::ZERO,
        }
    }
}

/// Stops hubs.
pub(crate) async fn stop_all(running: Vec<Running>) {
    futures::future::join_all(running.into_iter().map(Running::stop)).await;
}

/// Waits for Ctrl-C or SIGTERM.
pub(crate) async fn asked_to_stop() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("listening for Ctrl-C"),
        _ = terminate.recv() => Ok(()),
    }
}
