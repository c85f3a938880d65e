//! A hub in the production shape as its operators start it: a process per service, or several, each of which can be
//! killed.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use proof::{HubChannels, ServiceChannels};
use rpc::Role;
use runtime::instances;
use tempfile::TempDir;
use testkit::Database;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::groups::{self, Shares};
use crate::process::{make_keys, program, token};

/// How long a process may take to be ready.
const PATIENCE: Duration = Duration::from_secs(60);
/// Partitions of each topic: fewer than there may be instances, so that every one has some.
pub(crate) const PARTITIONS: usize = 3;
/// The shortest that brokers allow: so long a dead instance keeps its partitions.
const SESSION_SECONDS: u32 = 6;
/// Where a process that has no address yet listens.
const FREE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// An instance of a service: its process, and its name in Kafka's groups, are `order-0`.
type Instance = (&'static str, usize);

/// Which keys the processes are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keys {
    /// The issuer's, which all have, as in the release before.
    Shared,
    /// Besides, the public keys.
    SharedAndPublic,
    /// Besides, each its own.
    SharedAndOwn,
    /// The public keys, and each its own: no process has the issuer's, nor another service's.
    Own,
}

/// The processes of a hub, and what they leave behind.
pub(crate) struct Fleet {
    running: BTreeMap<Instance, Running>,
    databases: Vec<Database>,
    database: String,
    brokers: String,
    prefix: String,
    /// Lines in the section `[order]` of the processes that are started from now on.
    pub(crate) order: &'static str,
    /// The keys that processes started from now on are given.
    pub(crate) keys: Keys,
    /// Where the processes send their traces; empty: nowhere.
    traces: String,
    folder: TempDir,
}

pub(crate) struct Running {
    child: Child,
    public: SocketAddr,
    internal: SocketAddr,
}

impl Fleet {
    /// Starts a Malaysian hub with one process per service. `None` where an engine is missing.
    pub(crate) async fn start() -> Option<Self> {
        Self::start_with(1).await
    }

    /// As [`Fleet::start`], with so many instances of each service: on the same databases, topics and groups.
    pub(crate) async fn start_with(instances: usize) -> Option<Self> {
        Self::start_all(instances, "", Keys::Own).await
    }

    /// As [`Fleet::start`], with traces sent to this collector.
    pub(crate) async fn start_traced(traces: &str) -> Option<Self> {
        Self::start_all(1, traces, Keys::Own).await
    }

    /// As [`Fleet::start`], with these keys.
    pub(crate) async fn start_with_keys(keys: Keys) -> Option<Self> {
        Self::start_all(1, "", keys).await
    }

    async fn start_all(instances: usize, traces: &str, keys: Keys) -> Option<Self> {
        let brokers = testkit::kafka()?;
        let (database, databases) = Database::per_service(&services::names()).await?;
        let prefix = format!("t{}.", kernel::EventId::new().uuid().simple());
        let folder = TempDir::new().unwrap();
        make_keys(folder.path(), "my");
        let running = BTreeMap::new();
        let traces = traces.to_owned();
        let mut fleet =
            Self { running, databases, database, brokers, prefix, order: "", keys, traces, folder };
        for spec in services::callees_first() {
            for number in 0..instances {
                fleet.join((spec.name, number)).await;
            }
        }
        Some(fleet)
    }

    /// The hub as its clients see it, whichever instances serve them.
    pub(crate) fn hub(&self) -> proof::Hub {
        self.hub_of(|_, _| true)
    }

    /// The hub behind these instances alone.
    pub(crate) fn hub_of(&self, wanted: impl Fn(&str, usize) -> bool) -> proof::Hub {
        let door = |service: &str| {
            let of_service =
                |(instance, _): &(&Instance, &Running)| instance.0 == service && wanted(service, instance.1);
            let running: Vec<&Running> =
                self.running.iter().filter(of_service).map(|(_, running)| running).collect();
            let channel = |address: fn(&Running) -> SocketAddr| {
                let addresses: Vec<String> =
                    running.iter().map(|running| format!("http://{}", address(running))).collect();
                instances::channel(service, &addresses).unwrap()
            };
            ServiceChannels {
                public: channel(|running| running.public),
                internal: channel(|running| running.internal),
            }
        };
        let doors: HubChannels =
            services::names().into_iter().map(|service| (service, door(service))).collect();
        let folder = self.folder.path().to_owned();
        proof::Hub::of_services(
            doors,
            Arc::new(move |role: Role, subject: &str| Ok(token(&folder, role, subject))),
        )
    }

    /// Starts an instance that is not there.
    pub(crate) async fn join(&mut self, instance: Instance) {
        self.launch(instance, FREE, FREE).await;
    }

    async fn launch(&mut self, instance: Instance, public: SocketAddr, internal: SocketAddr) {
        let (service, number) = instance;
        let folder = self.folder.path();
        let config = folder.join(format!("{service}-{number}.toml"));
        let text = format!(
            "instance = \"{service}-{number}\"\n[sandbox]\nenabled = true\nday_length = \"0s\"\n[order]\nlease_seconds = 1\n{}\n\
             [kafka]\nprefix = \"{}\"\npartitions = {PARTITIONS}\n\
             session_seconds = {SESSION_SECONDS}\n",
            self.order, self.prefix
        );
        std::fs::write(&config, text).unwrap();
        let asks = services::ALL.iter().find(|spec| spec.name == service).unwrap().calls;
        let asked = self.running.iter().filter(|((peer, _), _)| asks.contains(peer));
        let peers = asked.map(|((peer, _), running)| format!("{peer}=http://{}", running.internal));
        let mut command = Command::new(program());
        command.args(["serve", service, "--shape", "production", "--database", &self.database]);
        command.args(["--kafka", &self.brokers, "--data"]).arg(folder.join(number.to_string()));
        command.env("ENTREPOT_TRACES_URL", &self.traces).env("ENTREPOT_KEYS_REFRESH", "1s");
        if self.keys != Keys::Own {
            // Its name in the release before.
            command.arg("--key").arg(folder.join("my/key.pem"));
        }
        if self.keys != Keys::Shared {
            command.arg("--jwks").arg(folder.join("my/jwks.json"));
        }
        if matches!(self.keys, Keys::SharedAndOwn | Keys::Own) {
            command.arg("--service-key").arg(folder.join(format!("my/{service}.pem")));
        }
        command
            .args(["--public", &public.to_string(), "--internal", &internal.to_string(), "--config"])
            .arg(config);
        for peer in peers {
            command.args(["--peer", &peer]);
        }
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(PATIENCE, said.next_line()).await.unwrap().unwrap();
        let line = line.unwrap_or_else(|| panic!("{service}-{number} did not start"));
        let (public, internal) = line.split_once(" serves ").unwrap().1.split_once(", internal ").unwrap();
        let (public, internal) = (public.parse().unwrap(), internal.parse().unwrap());
        tokio::spawn(async move { while let Ok(Some(_)) = said.next_line().await {} });
        self.running.insert(instance, Running { child, public, internal });
    }

    /// Where the hub's keys and the processes' own folders are.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Takes a step of `entrepot keys`; what it said if it could not.
    pub(crate) fn keys_step(&self, step: &[&str]) -> Result<(), String> {
        let mut command = std::process::Command::new(program());
        command.arg("keys").args(step).arg("--data").arg(self.folder()).env("ENTREPOT_KEYS_REFRESH", "1s");
        let done = command.output().unwrap();
        if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).into_owned()) }
    }

    /// SIGKILL, and a new start at the same place.
    pub(crate) async fn kill_and_restart(&mut self, service: &'static str) {
        let was = self.kill((service, 0)).await;
        self.launch((service, 0), was.public, was.internal).await;
    }

    /// SIGKILL, and no new start.
    pub(crate) async fn kill(&mut self, instance: Instance) -> Running {
        let mut running = self.running.remove(&instance).unwrap();
        running.child.kill().await.unwrap();
        running
    }

    /// How many partitions each instance has in each of the hub's groups.
    pub(crate) fn shares(&self) -> Shares {
        groups::shares(&self.brokers, &self.prefix)
    }

    /// Ends all processes and removes the databases.
    pub(crate) async fn end(self) {
        for mut running in self.running.into_values() {
            running.child.kill().await.unwrap();
        }
        for database in self.databases {
            database.remove().await;
        }
    }
}
