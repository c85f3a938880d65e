//! The Docker engine: the one that runs, or one of our own, with its data in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::command;

/// The compose plugin that is built where there is none.
const COMPOSE: &str = "github.com/docker/compose/v2@v2.40.3";
/// How long an engine may take to start, and to end.
const START_MAX: Duration = Duration::from_secs(30);
const END_MAX: Duration = Duration::from_secs(30);

/// An engine, and the folder of its client's settings and plugins.
pub(crate) struct Engine {
    /// Of our own: its data, and the process unless an earlier run has started it.
    own: Option<(PathBuf, Option<Child>)>,
    config: Option<PathBuf>,
    version: String,
}

impl Engine {
    /// The one that runs; else one that we start.
    pub(crate) fn find() -> Result<Self> {
        if let Ok(version) = version(None) {
            let config = match command::output(Command::new("docker").args(["compose", "version"])) {
                Ok(_) => None,
                Err(_) => Some(plugin()?),
            };
            return Ok(Self { own: None, config, version });
        }
        let config = Some(plugin()?);
        install()?;
        let folder = home()?.join("engine");
        if let Ok(version) = version(Some(&folder)) {
            return Ok(Self { own: Some((folder, None)), config, version });
        }
        let child = start(&folder)?;
        let version = version(Some(&folder))?;
        Ok(Self { own: Some((folder, Some(child))), config, version })
    }

    /// A sentence on it.
    pub(crate) fn about(&self) -> String {
        let whose = if self.own.is_some() { "started for this, with its own data" } else { "found running" };
        format!("Docker engine {}, {whose}", self.version)
    }

    /// `docker`, of this engine.
    pub(crate) fn docker(&self) -> Command {
        let mut docker = docker(self.own.as_ref().map(|(folder, _)| folder.as_path()));
        if let Some(config) = &self.config {
            docker.env("DOCKER_CONFIG", config);
        }
        docker
    }

    /// Whether images that are missing may be made under the originals' names: only in an engine that is ours alone.
    pub(crate) fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// Ends it, if it is ours and is not to be kept.
    pub(crate) fn end(self, keep: bool) -> Result<()> {
        match self.own {
            Some((folder, child)) if !keep => stop(&folder, child),
            _ => Ok(()),
        }
    }

    /// Ends one that was kept.
    pub(crate) fn end_kept() -> Result<()> {
        let folder = home()?.join("engine");
        if folder.is_dir() { stop(&folder, None) } else { Ok(()) }
    }
}

/// Where what we made for Docker is.
fn home() -> Result<PathBuf> {
    Ok(crate::workspace()?.join("target/engines/docker"))
}

fn socket(folder: &Path) -> String {
    format!("unix://{}", folder.join("docker.sock").display())
}

fn docker(own: Option<&Path>) -> Command {
    let mut docker = Command::new("docker");
    if let Some(folder) = own {
        docker.env("DOCKER_HOST", socket(folder));
    }
    docker
}

fn version(own: Option<&Path>) -> Result<String> {
    let said = command::output(docker(own).args(["version", "--format", "{{.Server.Version}}"]))?;
    Ok(said.trim().to_owned())
}

/// Installs the system's engine, which does not start by itself.
fn install() -> Result<()> {
    if command::exists("dockerd") && command::exists("iptables") {
        return Ok(());
    }
    if !command::can_install()? {
        bail!(
            "no Docker engine runs, and none can be started: install one (Debian: apt-get install docker.io) and \
             start it, or run this as root"
        );
    }
    println!("installing the Docker engine from the system's packages");
    command::apt(&["update"])?;
    command::apt(&["install", "--no-install-recommends", "docker.io", "iptables", "debootstrap"])
}

/// The folder with the compose plugin, which is built from its Go module once.
fn plugin() -> Result<PathBuf> {
    let config = home()?.join("config");
    let plugins = config.join("cli-plugins");
    let plugin = plugins.join("docker-compose");
    if plugin.is_file() {
        return Ok(config);
    }
    if !command::exists("go") {
        bail!(
            "docker compose is not installed, and without Go it cannot be built: install the compose plugin"
        );
    }
    println!("building docker compose from its module, which takes some minutes");
    std::fs::create_dir_all(&plugins)?;
    #[derive(Deserialize)]
    struct Module {
        #[serde(rename = "Dir")]
        folder: PathBuf,
    }
    let said = command::output(Command::new("go").args(["mod", "download", "-json", COMPOSE]))?;
    let module: Module = serde_json::from_str(&said).context("reading what go says of the module")?;
    let unfinished = plugins.join("unfinished");
    let mut go = Command::new("go");
    go.args(["build", "-o"]).arg(&unfinished).arg("./cmd").current_dir(module.folder);
    command::output(&mut go)?;
    std::fs::rename(unfinished, plugin)?;
    Ok(config)
}

fn start(folder: &Path) -> Result<Child> {
    if !command::is_root()? {
        bail!("no Docker engine runs, and only root can start one: start yours, or run this as root");
    }
    std::fs::create_dir_all(folder)?;
    let log = folder.join("log");
    let file = std::fs::File::create(&log)?;
    let mut engine = Command::new("dockerd");
    engine.arg("--data-root").arg(folder.join("data")).arg("--exec-root").arg(folder.join("exec"));
    engine.arg("--pidfile").arg(folder.join("pid")).args(["--host", &socket(folder)]);
    let mut child = engine.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).spawn()?;
    if !command::comes_to_pass(&mut child, START_MAX, || version(Some(folder)).is_ok())? {
        let _ = child.kill();
        let said = std::fs::read_to_string(&log).unwrap_or_default();
        let last: Vec<&str> = said.lines().rev().take(5).collect();
        bail!("no Docker engine runs, and dockerd does not start here: {}", last.join("; "));
    }
    Ok(child)
}

/// Stops our engine, and removes what it leaves behind.
fn stop(folder: &Path, child: Option<Child>) -> Result<()> {
    if let Ok(pid) = std::fs::read_to_string(folder.join("pid")) {
        command::output(Command::new("sh").args(["-c", &format!("kill {}", pid.trim())]))?;
    }
    let mut child = child;
    let ended = command::look_until(END_MAX, || {
        if let Some(child) = &mut child {
            child.try_wait()?;
        }
        Ok((!folder.join("pid").exists()).then_some(()))
    })?;
    ended.with_context(|| format!("dockerd did not end; its folder is {}", folder.display()))?;
    if let Some(mut child) = child {
        child.wait()?;
    }
    // It leaves a namespace mounted, without which nothing can be removed.
    let mounts = std::fs::read_to_string("/proc/mounts")?;
    let ours = mounts.lines().filter_map(|line| line.split(' ').nth(1));
    for mount in ours.filter(|mount| Path::new(mount).starts_with(folder)) {
        command::output(Command::new("umount").arg(mount))?;
    }
    std::fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))
}
