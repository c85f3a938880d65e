//! One process of a hub: its place, its command line, its configuration and its log outlive its deaths.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rpc::Holder;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::{Ground, HUB, PARTITIONS, program, tail};
use crate::keys::Keyring;

/// How long a process may take to be ready, and to end in good order.
const START_MAX: Duration = Duration::from_secs(60);
const STOP_MAX: Duration = Duration::from_secs(30);
/// How often a log is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Where a process listens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Addresses {
    pub(super) public: SocketAddr,
    pub(super) internal: SocketAddr,
    pub(super) metrics: SocketAddr,
}

/// A place where a process runs, dies and is started again.
pub(crate) struct ServiceProcess {
    /// `hub`, or the service and its number, such as `order-1`.
    pub(crate) name: String,
    service: Option<&'static str>,
    /// Where it listens.
    pub(crate) public: SocketAddr,
    /// Where services and operators are listened to.
    pub(crate) internal: SocketAddr,
    /// Where it shows its metrics.
    pub(crate) metrics: SocketAddr,
    arguments: Vec<String>,
    told: Vec<(String, String)>,
    config: toml::Table,
    config_file: PathBuf,
    log: PathBuf,
    process: Option<Child>,
}

impl ServiceProcess {
    /// The process of an embedded hub.
    pub(super) fn embedded(ground: &Ground, addresses: Addresses) -> Self {
        let arguments = vec!["up".to_owned(), "--hub".to_owned(), HUB.to_owned()];
        Self::new(ground, "hub".to_owned(), None, arguments, addresses)
    }

    /// A process of a service in production, and where those are that it asks.
    pub(super) fn of_service(
        ground: &Ground,
        service: &'static str,
        instance: usize,
        addresses: Addresses,
        peers: &BTreeMap<&str, Vec<SocketAddr>>,
    ) -> Self {
        let mut arguments = vec!["serve".to_owned(), service.to_owned(), "--hub".to_owned(), HUB.to_owned()];
        for (peer, address) in
            peers.iter().flat_map(|(peer, addresses)| addresses.iter().map(move |address| (peer, address)))
        {
            arguments.extend(["--peer".to_owned(), format!("{peer}=http://{address}")]);
        }
        let mut post =
            Self::new(ground, format!("{service}-{instance}"), Some(service), arguments, addresses);
        post.config.insert("instance".to_owned(), post.name.clone().into());
        section(&mut post.config, "kafka").entry("partitions").or_insert(PARTITIONS.into());
        post
    }

    /// Gives it the key of its service, and the hub's public keys.
    pub(super) fn keys(&mut self, keyring: &Keyring) -> Result<()> {
        if let Some(service) = self.service {
            let key = keyring.file(&Holder::Service(service.to_owned()))?;
            self.arguments.extend(["--service-key".to_owned(), key.display().to_string()]);
            self.arguments.extend(["--jwks".to_owned(), keyring.set_file().display().to_string()]);
        }
        Ok(())
    }

    fn new(
        ground: &Ground,
        name: String,
        service: Option<&'static str>,
        mut arguments: Vec<String>,
        Addresses { public, internal, metrics }: Addresses,
    ) -> Self {
        let config_file = ground.folder.join(format!("{name}.toml"));
        // Each process has a folder of its own for its lock.
        let data = ground.folder.join(&name);
        if service.is_some() {
            arguments.extend(["--data".to_owned(), data.display().to_string()]);
        } else {
            arguments.extend(["--data".to_owned(), ground.folder.display().to_string()]);
        }
        arguments.extend(["--public".to_owned(), public.to_string()]);
        arguments.extend(["--internal".to_owned(), internal.to_string()]);
        arguments.extend(["--metrics".to_owned(), metrics.to_string()]);
        arguments.extend(["--config".to_owned(), config_file.display().to_string()]);
        let (config, log) = (ground.config.clone(), ground.folder.join(format!("{name}.log")));
        Self {
            name,
            service,
            public,
            internal,
            metrics,
            arguments,
            told: ground.told.clone(),
            config,
            config_file,
            log,
            process: None,
        }
    }

    /// Whether it answers for the service.
    pub(crate) fn serves(&self, service: &str) -> bool {
        self.service.is_none_or(|served| served == service)
    }

    /// The process's number, while it runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.process.as_ref().and_then(Child::id)
    }

    /// Starts it and waits until it is ready; its sagas stand still at a point, if one is named.
    pub(crate) async fn start(&mut self, failpoint: Option<&str>) -> Result<()> {
        let mut config = self.config.clone();
        if let Some(point) = failpoint {
            section(&mut config, "order").insert("failpoint".to_owned(), point.into());
        }
        std::fs::write(&self.config_file, config.to_string())
            .with_context(|| format!("writing {}", self.config_file.display()))?;
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let log = log.with_context(|| format!("writing {}", self.log.display()))?;
        let mut command = Command::new(program()?);
        command.args(&self.arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        tell(&mut command, &self.told);
        let mut child = command.kill_on_drop(true).spawn().context("starting a process of the hub")?;
        let said = child.stdout.take().context("a process without output")?;
        let ready = tokio::time::timeout(START_MAX, ready(said)).await;
        self.process = Some(child);
        match ready {
            Ok(true) => Ok(()),
            _ => bail!("{} did not start; its log ends with:\n{}", self.name, tail(&self.log)),
        }
    }

    /// SIGKILL: nothing of it runs on.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            process.kill().await.with_context(|| format!("killing {}", self.name))?;
        }
        Ok(())
    }

    /// It goes on, or not, as if the machine had no time for it.
    pub(crate) fn hang(&self, hangs: bool) -> Result<()> {
        self.signal(if hangs { Signal::STOP } else { Signal::CONT })
    }

    /// Ends it in good order.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        if self.process.is_none() {
            return Ok(());
        }
        self.signal(Signal::TERM)?;
        if let Some(mut process) = self.process.take() {
            let ended = tokio::time::timeout(STOP_MAX, process.wait()).await;
            ended.with_context(|| format!("{} did not end within {} s", self.name, STOP_MAX.as_secs()))??;
        }
        Ok(())
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self.pid().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        let pid = pid.with_context(|| format!("{} is not running", self.name))?;
        kill_process(pid, signal).with_context(|| format!("a signal to {}", self.name))
    }

    /// How long its log is, in bytes.
    pub(crate) fn log_length(&self) -> u64 {
        std::fs::metadata(&self.log).map_or(0, |log| log.len())
    }

    /// Waits until it logs a line with these words after that much of its log; whether it did.
    pub(crate) async fn says(&self, words: &str, after: u64, within: Duration) -> bool {
        let listening = async {
            while !read_from(&self.log, after).is_some_and(|text| text.contains(words)) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(within, listening).await.is_ok()
    }
}

fn read_from(log: &std::path::Path, after: u64) -> Option<String> {
    let mut file = std::fs::File::open(log).ok()?;
    file.seek(SeekFrom::Start(after)).ok()?;
    let mut text = Vec::new();
    file.read_to_end(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// Reads on until the process says that it is ready; what it says later is little, and is let go.
async fn ready(said: tokio::process::ChildStdout) -> bool {
    let mut lines = BufReader::new(said).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if line.starts_with("ready in ") {
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return true;
        }
    }
    false
}

fn section<'a>(config: &'a mut toml::Table, name: &str) -> &'a mut toml::Table {
    let value = config.entry(name).or_insert_with(|| toml::Table::new().into());
    if !value.is_table() {
        *value = toml::Table::new().into();
    }
    match value {
        toml::Value::Table(table) => table,
        _ => unreachable!("it was just made a table"),
    }
}

/// Tells a process of the hub this, and no more: what the caller's environment says is for the caller. Passwords are not
/// for a command line, which everybody sees.
fn tell(command: &mut Command, variables: &[(String, String)]) {
    let ours = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with(settings::PREFIX));
    ours.for_each(|(variable, _)| {
        command.env_remove(variable);
    });
    command.envs(variables.iter().cloned());
}

/// Brings a hub's databases up to date, as an operator does.
pub(super) async fn migrate(ground: &Ground) -> Result<()> {
    let mut command = Command::new(program()?);
    command.args(["migrate", "--hub", HUB]);
    tell(&mut command, &[ground.told.as_slice(), &ground.admin].concat());
    let output = command.stdin(Stdio::null()).output().await.context("migrating the hub's databases")?;
    if !output.status.success() {
        bail!("migrating the hub's databases: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
