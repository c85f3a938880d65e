//! The compose file as a project of its own: its ports are free ones, its volumes go with it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use super::engine::Engine;
use crate::command;
use crate::server::free_port;

/// How long a container may take to be healthy again, and buyers to begin and to end.
const HEALTHY_MAX: Duration = Duration::from_secs(120);
const BEGIN_MAX: Duration = Duration::from_secs(60);
const BUYERS_MAX: Duration = Duration::from_secs(180);
/// A carrier's day lasts no time, and buyers may hurry.
const SETTINGS: &str =
    "[sandbox]\nenabled = true\nday_length = \"0s\"\n[rate]\nper_second = 100000\nburst = 100000\n";

/// A project.
pub(crate) struct Project<'a> {
    engine: &'a Engine,
    root: PathBuf,
    name: String,
    program: PathBuf,
    tests: PathBuf,
    /// Those of a hub.
    services: Vec<String>,
    folder: TempDir,
    /// Of the two edges, of each service's internal listener, and of what watches.
    ports: Vec<(String, u16)>,
}

impl<'a> Project<'a> {
    pub(crate) fn new(engine: &'a Engine, program: &Path, tests: &Path) -> Result<Self> {
        let folder = TempDir::new()?;
        std::fs::write(folder.path().join("entrepot.toml"), SETTINGS)?;
        let listed = command::output(Command::new(program).arg("services"))?;
        let services: Vec<String> = listed.lines().map(str::to_owned).collect();
        let others = ["EDGE", "EDGE_TH", "JAEGER", "PROMETHEUS"].map(str::to_owned);
        let names = services.iter().map(|service| service.to_uppercase()).chain(others);
        let ports: Result<Vec<_>> = names.map(|name| Ok((name, free_port()?))).collect();
        let root = crate::workspace()?;
        let name = format!("entrepot-test-{}", std::process::id());
        let (program, tests) = (program.to_owned(), tests.to_owned());
        Ok(Self { engine, root, name, program, tests, services, folder, ports: ports? })
    }

    /// The services of a hub.
    pub(crate) fn services(&self) -> impl Iterator<Item = &str> {
        self.services.iter().map(String::as_str)
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.engine
    }

    /// A file of this run.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where one of the ports is.
    pub(crate) fn address(&self, name: &str) -> Result<String> {
        let found = self.ports.iter().find(|(known, _)| known == name);
        let (_, port) = found.with_context(|| format!("no port is called {name}"))?;
        Ok(format!("127.0.0.1:{port}"))
    }

    /// What compose, and scripts that call it, are told.
    fn tell(&self, command: &mut Command) {
        let docker = self.engine.docker();
        command.envs(docker.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(&self.root);
        command.env("COMPOSE_PROJECT_NAME", &self.name).env("COMPOSE_PROGRESS", "quiet");
        command.env("COMPOSE_FILE", "docker-compose.yml:deploy/operator.yml").env("COMPOSE_PROFILES", "th");
        command.env("ENTREPOT_PROGRAM", "built").env("ENTREPOT_VERSION", "test");
        command.env("ENTREPOT_CONFIG", self.file("entrepot.toml"));
        command.env("ENTREPOT_TRACES_URL", "http://collector:4317");
        for (name, port) in &self.ports {
            let at = if name.starts_with("EDGE") { format!("127.0.0.1:{port}") } else { port.to_string() };
            command.env(format!("ENTREPOT_{name}"), at);
        }
        for (name, folder) in [("ENTREPOT_SECRETS", "secrets"), ("ENTREPOT_CERTIFICATES", "certificates")] {
            match self.file(folder) {
                folder if folder.is_dir() => command.env(name, folder),
                _ => command.env_remove(name),
            };
        }
    }

    /// `docker compose …`; what it prints.
    pub(crate) fn compose(&self, arguments: &[&str]) -> Result<String> {
        let mut docker = self.engine.docker();
        self.tell(&mut docker);
        command::output(docker.arg("compose").args(arguments))
    }

    /// A script of deploy/.
    pub(crate) fn script(&self, name: &str, arguments: &[&Path]) -> Result<String> {
        let mut script = Command::new("sh");
        self.tell(&mut script);
        command::output(script.arg(self.root.join("deploy").join(name)).args(arguments))
    }

    /// `docker …`, of the container of a service.
    pub(crate) fn container(&self, verb: &str, service: &str) -> Result<String> {
        let container = format!("{}-{service}-1", self.name);
        command::output(self.engine.docker().args([verb, &container]))
    }

    /// Puts the program where the Dockerfile takes it, without what only debuggers read, and builds the image; its size.
    pub(crate) fn build_image(&self) -> Result<String> {
        let folder = self.root.join("target/image");
        std::fs::create_dir_all(&folder)?;
        let mut strip = Command::new("strip");
        strip.arg("--strip-debug").arg("-o").arg(folder.join("entrepot")).arg(&self.program);
        command::output(&mut strip)?;
        self.compose(&["build", "migrate"])?;
        let mut size = self.engine.docker();
        size.args(["image", "inspect", "--format", "{{.Size}}", "entrepot:test"]);
        let bytes: u64 = command::output(&mut size)?.trim().parse()?;
        Ok(format!("the image has {} MB", bytes / 1_000_000))
    }

    /// All services, healthy.
    pub(crate) fn up(&self) -> Result<()> {
        self.compose(&["up", "--detach", "--wait", "--no-build", "--wait-timeout", "300"]).map(|_| ())
    }

    /// Waits until all containers of the first hub are healthy.
    pub(crate) fn healthy(&self) -> Result<()> {
        ["postgres", "kafka"]
            .into_iter()
            .chain(self.services())
            .try_for_each(|service| self.is_healthy(service))
    }

    fn is_healthy(&self, service: &str) -> Result<()> {
        let container = format!("{}-{service}-1", self.name);
        let healthy = command::look_until(HEALTHY_MAX, || {
            let mut inspect = self.engine.docker();
            inspect.args(["inspect", "--format", "{{.State.Health.Status}}", &container]);
            Ok((command::output(&mut inspect)?.trim() == "healthy").then_some(()))
        })?;
        healthy.with_context(|| format!("{service} is not healthy after {} s", HEALTHY_MAX.as_secs()))
    }

    /// The program, on this machine.
    pub(crate) fn entrepot(&self, arguments: &[&str]) -> Result<String> {
        command::output(Command::new(&self.program).args(arguments))
    }

    fn test(&self, name: &str) -> Result<Command> {
        let mut test = Command::new(&self.tests);
        test.args([&format!("compose_live::{name}"), "--exact", "--ignored", "--nocapture", "--quiet"]);
        test.env("ENTREPOT_COMPOSE_KEY", self.file("key.pem"));
        test.env("ENTREPOT_COMPOSE_STOP", self.file("stop"));
        test.env("ENTREPOT_COMPOSE_BOOKS", self.file("books"));
        for (service, _) in &self.ports {
            test.env(format!("ENTREPOT_COMPOSE_{service}"), self.address(service)?);
        }
        Ok(test)
    }

    /// Plays one part of crates/e2e/tests/it/compose_live.rs; prints what it says.
    pub(crate) fn play(&self, name: &str) -> Result<()> {
        said(&command::output(&mut self.test(name)?)?, name)
    }

    /// Plays a part that is about a trace.
    pub(crate) fn play_about(&self, name: &str, trace_id: &str) -> Result<()> {
        said(&command::output(self.test(name)?.env("ENTREPOT_COMPOSE_TRACE", trace_id))?, name)
    }

    /// Plays a part beside what follows, until `end_part`; it has begun once it says these words.
    pub(crate) fn begin_part(&self, name: &str, begun_by: &str) -> Result<Child> {
        let log = std::fs::File::create(self.file("part"))?;
        let mut test = self.test(name)?;
        let mut part = test.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        let said = || std::fs::read_to_string(self.file("part")).unwrap_or_default();
        if !command::comes_to_pass(&mut part, BEGIN_MAX, || said().contains(begun_by))? {
            let _ = part.kill();
            part.wait()?;
            bail!("{name} has not started: {}", said());
        }
        Ok(part)
    }

    /// Asks a part to end, and hears how it went.
    pub(crate) fn end_part(&self, mut part: Child, name: &str) -> Result<()> {
        std::fs::write(self.file("stop"), "")?;
        let Some(status) = command::look_until(BUYERS_MAX, || Ok(part.try_wait()?))? else {
            part.kill()?;
            part.wait()?;
            bail!("{name} did not end");
        };
        let text = std::fs::read_to_string(self.file("part"))?;
        if !status.success() {
            bail!("{name} ended with {status}: {text}");
        }
        said(&text, name)
    }

    /// The last lines of every container's log, and how each stands.
    pub(crate) fn tell_what_it_said(&self) {
        for arguments in [&["ps", "--all"][..], &["logs", "--tail", "20"][..]] {
            match self.compose(&[&["--profile", "*"][..], arguments].concat()) {
                Ok(text) => println!("{text}"),
                Err(error) => println!("{error:#}"),
            }
        }
    }

    /// All of it, with its volumes.
    pub(crate) fn down(&self) -> Result<()> {
        let down = self.compose(&["--profile", "*", "down", "--volumes", "--timeout", "30"]);
        let Err(error) = down else { return Ok(()) };
        if !format!("{error:#}").contains("has active endpoints") || self.is_there()? {
            return Err(error);
        }
        // Docker 20 miscounts under load; the network is used again, or goes with the engine.
        println!("    all is gone but a network, in which Docker counts a container that is no more");
        Ok(())
    }

    /// Whether a container or a volume is left.
    fn is_there(&self) -> Result<bool> {
        let ours = format!("label=com.docker.compose.project={}", self.name);
        for list in [&["ps", "--all", "--quiet"][..], &["volume", "ls", "--quiet"][..]] {
            let left = command::output(self.engine.docker().args(list).args(["--filter", &ours]))?;
            if !left.trim().is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Prints what a part says of itself; one that did not run has played nothing.
fn said(text: &str, name: &str) -> Result<()> {
    if !text.contains("1 passed") {
        bail!("{name} did not run: {text}");
    }
    let noise = |line: &str| {
        line.is_empty() || line.starts_with("running ") || line.starts_with("test ") || line == "."
    };
    text.lines().filter(|line| !noise(line.trim())).for_each(|line| println!("    {line}"));
    Ok(())
}
