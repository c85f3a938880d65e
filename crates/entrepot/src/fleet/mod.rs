//! A hub in processes of its own, each started from this very program as an operator starts it: what `prove` breaks and
//! `bench` measures. Embedded it is one process; in production each service is one or several.

mod proc_stat;
mod service_process;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::future::try_join_all;
use kernel::Clock;
use proof::{HubChannels, ServiceChannels};
use rpc::{Issuer, Role};

use crate::configuration::{Configuration, Shape};
use crate::keys::Keyring;
pub(crate) use proc_stat::Usage;
use service_process::Addresses;
pub(crate) use service_process::ServiceProcess;

/// Ports that the system gives to nobody by itself, so that a process finds its own again after a kill.
const PORTS: std::ops::Range<u16> = 20_000..32_000;
/// How long the tokens last.
const TOKEN_TTL: Duration = Duration::from_secs(24 * 3_600);
/// Partitions of the topics: a few, for several instances to share.
const PARTITIONS: i64 = 6;

/// What the processes are told as the caller was: of their engines, and where traces go. All else is the plan's.
const TOLD: [&str; 8] = [
    "shape",
    "database.url",
    "database.password",
    "database.connections_max",
    "kafka.brokers",
    "kafka.replication",
    "traces.url",
    "traces.one_in",
];
/// The hub that is started.
pub(crate) const HUB: &str = "my";
/// Calls of a buyer per second: as many as he likes.
const RATE: i64 = 1_000_000;

/// What a hub is started on.
#[derive(Debug, Clone)]
pub(crate) struct Ground {
    shape: Shape,
    /// What it runs on and tells of, as the environment of its processes has it.
    told: Vec<(String, String)>,
    /// Who makes the databases and roles that are missing, alike.
    admin: Vec<(String, String)>,
    /// Processes of each service, in production.
    instances: usize,
    /// Where its data, configurations and logs are.
    folder: PathBuf,
    /// Its configuration.
    config: toml::Table,
}

impl Ground {
    /// A hub with this configuration whose buyers call as often as they like; its topics are of this run alone, and
    /// begin with `what`.
    pub(crate) fn new(
        configuration: &Configuration,
        instances: u32,
        folder: &Path,
        what: &str,
        config: &str,
    ) -> Result<Self> {
        let config = format!(
            "{config}[rate]\nper_second = {RATE}\nburst = {RATE}\n[kafka]\nprefix = \"{what}-{}.\"\n",
            proof::request_id()
        );
        Ok(Self {
            shape: configuration.process.shape,
            told: configuration.resolved.variables(&TOLD),
            admin: configuration.resolved.variables(&["admin.url", "admin.password"]),
            instances: usize::try_from(instances)?,
            folder: folder.to_owned(),
            config: config.parse().context("the configuration of the hub")?,
        })
    }

    /// The hub's folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join(HUB)
    }

    /// The hub's keys.
    fn keyring(&self) -> Keyring {
        Keyring::in_folder(HUB, &self.data())
    }
}

/// The processes of a hub.
pub(crate) struct Fleet {
    posts: Vec<ServiceProcess>,
    issuer: Issuer,
}

impl Fleet {
    /// Starts the hub; in production its databases are brought up to date first.
    pub(crate) async fn start(ground: &Ground) -> Result<Self> {
        let keyring = ground.keyring();
        let mut posts = match ground.shape {
            Shape::Embedded => vec![ServiceProcess::embedded(ground, Ports::new().addresses()?)],
            Shape::Production => {
                keyring.make(Clock::system().now())?;
                production(ground, &keyring)?
            }
        };
        if ground.shape == Shape::Production {
            service_process::migrate(ground).await?;
        }
        try_join_all(posts.iter_mut().map(|post| post.start(None))).await?;
        Ok(Self { posts, issuer: keyring.issuer()? })
    }

    /// The hub as its clients see it; it stays good while processes die and come again.
    pub(crate) fn hub(&self) -> Result<proof::Hub> {
        let names = services::names().into_iter();
        let doors =
            names.map(|name| anyhow::Ok((name, self.door(name)?))).collect::<Result<HubChannels>>()?;
        let issuer = self.issuer.clone();
        let tokens = move |role: Role, subject: &str| Ok(issuer.sign(role, subject, TOKEN_TTL)?);
        Ok(proof::Hub::of_services(doors, Arc::new(tokens)))
    }

    fn door(&self, service: &str) -> Result<ServiceChannels> {
        let channel = |address: fn(&ServiceProcess) -> SocketAddr| {
            let posts = self.posts.iter().filter(|post| post.serves(service));
            let addresses: Vec<String> = posts.map(|post| format!("http://{}", address(post))).collect();
            runtime::instances::channel(service, &addresses)
        };
        Ok(ServiceChannels { public: channel(|post| post.public)?, internal: channel(|post| post.internal)? })
    }

    /// The processes.
    pub(crate) fn processes(&self) -> &[ServiceProcess] {
        &self.posts
    }

    /// The same, to be started.
    pub(crate) fn processes_mut(&mut self) -> impl Iterator<Item = &mut ServiceProcess> {
        self.posts.iter_mut()
    }

    /// One of them.
    pub(crate) fn process(&mut self, place: usize) -> Result<&mut ServiceProcess> {
        self.posts.get_mut(place).with_context(|| format!("there is no process {place}"))
    }

    /// Processor time and memory of all.
    pub(crate) fn usage(&self) -> Usage {
        self.posts.iter().filter_map(|post| Usage::of(post.pid()?)).sum()
    }

    /// Ends all, in good order.
    pub(crate) async fn stop(mut self) -> Result<()> {
        try_join_all(self.posts.iter_mut().map(ServiceProcess::stop)).await?;
        Ok(())
    }
}

fn production(ground: &Ground, keyring: &Keyring) -> Result<Vec<ServiceProcess>> {
    let (mut posts, mut ports) = (Vec::<ServiceProcess>::new(), Ports::new());
    let mut peers: BTreeMap<&str, Vec<SocketAddr>> = BTreeMap::new();
    for spec in services::callees_first() {
        let asked = peers.iter().filter(|(peer, _)| spec.calls.contains(peer));
        let asked: BTreeMap<_, _> = asked.map(|(peer, addresses)| (*peer, addresses.clone())).collect();
        for instance in 1..=ground.instances {
            let mut post =
                ServiceProcess::of_service(ground, spec.name, instance, ports.addresses()?, &asked);
            post.keys(keyring)?;
            posts.push(post);
        }
        let internal = posts.iter().filter(|post| post.serves(spec.name)).map(|post| post.internal);
        peers.insert(spec.name, internal.collect());
    }
    Ok(posts)
}

/// Gives ports out, each once: a fleet's processes listen after all have theirs.
struct Ports(std::iter::Cycle<std::ops::Range<u16>>);

impl Ports {
    fn new() -> Self {
        let mut ports = PORTS.cycle();
        let skipped = fastrand::usize(..PORTS.len());
        ports.by_ref().take(skipped).for_each(drop);
        Self(ports)
    }

    /// Where a process is to listen.
    fn addresses(&mut self) -> Result<Addresses> {
        Ok(Addresses { public: self.free()?, internal: self.free()?, metrics: self.free()? })
    }

    /// A port that nobody has, of the next in turn.
    fn free(&mut self) -> Result<SocketAddr> {
        let turn = self.0.by_ref().take(PORTS.len());
        let mut addresses = turn.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let free = addresses.find(|address| TcpListener::bind(address).is_ok());
        free.with_context(|| format!("no port from {} to {} is free", PORTS.start, PORTS.end))
    }
}

/// This program.
fn program() -> Result<PathBuf> {
    std::env::current_exe().context("finding this program")
}

/// The end of a log, for an error.
fn tail(log: &Path) -> String {
    const LINES: usize = 12;
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_given_twice() {
        let mut ports = Ports::new();
        let given = (0..500).map(|_| ports.free().unwrap()).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(given.len(), 500);
    }
}
