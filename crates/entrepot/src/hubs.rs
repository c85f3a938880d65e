//! Starting embedded hubs: which profile, in which folder, on which ports.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use hub::Profile;
use rpc::{Keys, Role};
use runtime::metrics::Metrics;
use runtime::{Hub, Sandbox, Settings, Spec};

use crate::engines::{Engines, EventBus};
use crate::settings::File;

/// The services of a hub.
pub(crate) const SERVICES: [Spec; 4] = [catalog::SPEC, order::SPEC, payment::SPEC, logistics::SPEC];
/// Ports between the hubs of one process.
const PORTS_PER_HUB: u16 = 10;
/// How long tokens last that a journey of ours makes.
const TOKEN_TTL: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Where hubs keep their data.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DataFolder {
    /// Folder of the hubs' data: each hub has a folder of its code in it.
    #[arg(long = "data", env = "ENTREPOT_DATA", default_value = "data", value_name = "FOLDER")]
    pub(crate) folder: PathBuf,
}

/// Where the first hub listens; each further one 10 ports higher.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Ports {
    /// Where the public API listens (gRPC and gRPC-Web); a further hub 10 ports higher. Port 0: a free one.
    #[arg(long, env = "ENTREPOT_PUBLIC", default_value = "127.0.0.1:50051", value_name = "ADDRESS")]
    pub(crate) public: SocketAddr,
    /// Where services, operators and carriers are listened to. Keep it private.
    #[arg(long, env = "ENTREPOT_INTERNAL", default_value = "127.0.0.1:50052", value_name = "ADDRESS")]
    pub(crate) internal: SocketAddr,
}

impl Ports {
    fn of(&self, place: usize) -> Result<(SocketAddr, SocketAddr)> {
        let shift = |address: SocketAddr, setting: &str| {
            let step = u16::try_from(place).ok().and_then(|place| place.checked_mul(PORTS_PER_HUB));
            let port = match address.port() {
                0 => Some(0),
                port => step.and_then(|step| port.checked_add(step)),
            };
            let port =
                port.ok_or_else(|| anyhow!("{setting}: there is no port 10 higher for each further hub"))?;
            anyhow::Ok(SocketAddr::new(address.ip(), port))
        };
        Ok((shift(self.public, "--public")?, shift(self.internal, "--internal")?))
    }
}

/// One hub that a command starts for itself.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct OneHub {
    /// The hub's profile: one that comes with the program (id, my, sg, th), or a path to a .toml file.
    #[arg(long = "hub", default_value = "my", value_name = "HUB")]
    hub: String,
    #[command(flatten)]
    data: DataFolder,
    #[command(flatten)]
    engines: Engines,
}

impl OneHub {
    /// The folder of the hubs' data.
    pub(crate) fn folder(&self) -> &Path {
        &self.data.folder
    }
}

/// How fast the sandbox carrier is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
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
        let keys = self.hub.keys().clone();
        let tokens = move |role: Role, subject: &str| Ok(keys.sign(role, subject, TOKEN_TTL)?);
        Ok(proof::Hub::new(self.hub.public_channel(), self.hub.internal_channel(), Arc::new(tokens)))
    }

    /// A token of the hub.
    pub(crate) fn token(&self, role: Role, subject: &str) -> Result<String> {
        Ok(self.hub.keys().sign(role, subject, TOKEN_TTL)?)
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

/// A service by its name.
pub(crate) fn spec(name: &str) -> Result<Spec, String> {
    let known = || SERVICES.map(|spec| spec.name).join(", ");
    SERVICES
        .into_iter()
        .find(|spec| spec.name == name)
        .ok_or_else(|| format!("a hub's services are {}", known()))
}

/// A profile by its code, or by the path of its file.
pub(crate) fn profile(hub: &str) -> Result<Arc<Profile>> {
    if hub.ends_with(".toml") {
        let profile = Profile::load(Path::new(hub)).map_err(|problems| anyhow!("--hub: {problems}"))?;
        return Ok(Arc::new(profile));
    }
    let Some((file, text)) = hub::builtin(hub) else {
        let known: Vec<&str> = hub::BUILTIN.iter().map(|(code, ..)| *code).collect();
        bail!("--hub: `{hub}` is none of {}, nor the path of a .toml file", known.join(", "));
    };
    Ok(Arc::new(Profile::parse(file, text).map_err(|problems| anyhow!("{problems}"))?))
}

/// Starts several hubs side by side; on an error those that run are stopped.
pub(crate) async fn start_all(
    hubs: &[String],
    data: &DataFolder,
    ports: &Ports,
    engines: &Engines,
    file: &File,
    metrics: Option<&Metrics>,
) -> Result<Vec<Running>> {
    let mut running: Vec<Running> = Vec::new();
    for (place, name) in hubs.iter().enumerate() {
        match start(name, data, ports.of(place)?, engines, file, metrics, &running).await {
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
    data: &DataFolder,
    (public, internal): (SocketAddr, SocketAddr),
    engines: &Engines,
    file: &File,
    metrics: Option<&Metrics>,
    running: &[Running],
) -> Result<Running> {
    let profile = profile(name)?;
    if running.iter().any(|other| other.profile.code() == profile.code()) {
        bail!("--hub: {} is named twice", profile.code());
    }
    let mut settings = Settings::embedded(profile.clone(), data.folder.join(profile.code()));
    file.apply(&mut settings, &SERVICES);
    settings.metrics = metrics.cloned();
    settings.public = public;
    settings.internal = internal;
    let bus = engines.apply(&mut settings, &SERVICES, file)?;
    Running::start(settings, &SERVICES, bus).await
}

/// Starts one hub for a command's own use, on free ports.
pub(crate) async fn start_one(one: &OneHub, pace: Pace) -> Result<Running> {
    let profile = profile(&one.hub)?;
    let mut settings = Settings::embedded(profile.clone(), one.data.folder.join(profile.code()));
    settings.sandbox = Sandbox { enabled: true, day: pace.day() };
    let bus = one.engines.apply(&mut settings, &SERVICES, &File::default())?;
    Running::start(settings, &SERVICES, bus).await.context("starting the hub")
}

impl Pace {
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

/// The keys of a hub's folder, made when there are none: tokens can be made before the first start.
pub(crate) fn keys(data: &DataFolder, code: &str) -> Result<Keys> {
    let folder = data.folder.join(code);
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("--data: the folder {} cannot be used", folder.display()))?;
    Ok(Keys::load_or_create(&folder.join("key.pem"), code)?)
}

/// Waits for Ctrl-C or SIGTERM.
pub(crate) async fn asked_to_stop() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("hearing SIGTERM")?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("hearing Ctrl-C"),
        _ = terminate.recv() => Ok(()),
    }
}
