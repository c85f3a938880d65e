//! `cargo xtask engines`: what tests need besides Rust, private to this checkout: fast ones for tests, durable ones for proofs.

use std::net::TcpListener;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::kafka::Kafka;
use crate::postgres::Postgres;

/// The engines.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Engines of another kind than the tests' fast ones: every commit waits for the disk, as in production.
    #[arg(long, global = true)]
    durable: bool,
    #[command(subcommand)]
    task: Task,
}

/// What to do with the engines.
#[derive(Debug, Clone, Copy, clap::Subcommand)]
pub(crate) enum Task {
    /// Start what is not running; installs it where it can.
    Up,
    /// Stop what `up` started, and remove its data.
    Down,
    /// Say what runs.
    Status,
    /// End one that runs at once, as a crash does; its data stay.
    Kill { engine: Engine },
    /// End one in good order; its data stay.
    Stop { engine: Engine },
    /// Start one again that was killed or stopped, at its place and on its data.
    Start { engine: Engine },
    /// Give Kafka no time, as when its machine hangs.
    Pause { engine: Engine },
    /// Let it go on.
    Unpause { engine: Engine },
}

/// One of the engines.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Engine {
    Postgres,
    Kafka,
}

/// What engines are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// Tests: fast, and nothing is lost with their data.
    Tests,
    /// Proofs and measurements: what was committed is on the disk.
    Durable,
}

/// A server that tests use and that we can start.
pub(crate) trait Server: Sized {
    /// What people call it.
    const NAME: &'static str;
    /// Tells tests where it is; where it is set already, that server is used.
    const VARIABLE: &'static str;

    /// Finds the one that runs, or starts one.
    fn up(kind: Kind) -> Result<Self>;
    /// The one that `up` started, whether it runs or was killed.
    fn known(kind: Kind) -> Result<Option<Self>>;
    /// Whether it runs.
    fn runs(&self) -> bool;
    /// As tests reach it.
    fn address(&self) -> String;
    /// Ends it as a crash does.
    fn kill(&self) -> Result<()>;
    /// Ends it in good order.
    fn stop(&self) -> Result<()>;
    /// Starts it again after either.
    fn start_again(self) -> Result<()>;
    /// Removes its data, once it was killed.
    fn remove(&self) -> Result<()>;

    /// The one that `up` started, if it still runs.
    fn running(kind: Kind) -> Result<Option<Self>> {
        Ok(Self::known(kind)?.filter(Self::runs))
    }

    /// Stops it and removes its data.
    fn down(&self) -> Result<()> {
        if self.runs() {
            self.kill()?;
        }
        self.remove()
    }
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<()> {
    let kind = if args.durable { Kind::Durable } else { Kind::Tests };
    match args.task {
        Task::Up => {
            // One that cannot start does not keep the other from starting.
            let failed = [up::<Postgres>(kind).err(), up::<Kafka>(kind).err()];
            let reasons: Vec<String> = failed.iter().flatten().map(|error| format!("{error:#}")).collect();
            if !reasons.is_empty() {
                bail!(reasons.join("\nxtask: "));
            }
            Ok(())
        }
        Task::Down => down::<Postgres>(kind).and(down::<Kafka>(kind)),
        Task::Status => status::<Postgres>(kind).and(status::<Kafka>(kind)),
        Task::Kill { engine: Engine::Postgres } => kill::<Postgres>(kind),
        Task::Kill { engine: Engine::Kafka } => kill::<Kafka>(kind),
        Task::Stop { engine: Engine::Postgres } => stop::<Postgres>(kind),
        Task::Stop { engine: Engine::Kafka } => stop::<Kafka>(kind),
        Task::Pause { engine: Engine::Postgres } | Task::Unpause { engine: Engine::Postgres } => {
            bail!("PostgreSQL has many processes: only Kafka can be paused")
        }
        Task::Pause { engine: Engine::Kafka } => running::<Kafka>(kind)?.pause(),
        Task::Unpause { engine: Engine::Kafka } => running::<Kafka>(kind)?.unpause(),
        Task::Start { engine: Engine::Postgres } => start::<Postgres>(kind),
        Task::Start { engine: Engine::Kafka } => start::<Kafka>(kind),
    }
}

fn up<S: Server>(kind: Kind) -> Result<()> {
    if let (Ok(address), Kind::Tests) = (std::env::var(S::VARIABLE), kind) {
        println!("{}={address}", S::VARIABLE);
        return Ok(());
    }
    let server = S::up(kind).with_context(|| format!("{} does not run", S::NAME))?;
    println!("{}={}", S::VARIABLE, server.address());
    Ok(())
}

fn down<S: Server>(kind: Kind) -> Result<()> {
    match S::known(kind)? {
        Some(server) => {
            server.down()?;
            println!("{} is stopped", S::NAME);
        }
        None => println!("{} was not running", S::NAME),
    }
    Ok(())
}

fn status<S: Server>(kind: Kind) -> Result<()> {
    match S::running(kind)? {
        Some(server) => println!("{} runs: {}={}", S::NAME, S::VARIABLE, server.address()),
        None => println!("{} does not run: `cargo xtask engines up` starts one", S::NAME),
    }
    Ok(())
}

fn running<S: Server>(kind: Kind) -> Result<S> {
    S::running(kind)?.with_context(|| format!("{} does not run", S::NAME))
}

fn kill<S: Server>(kind: Kind) -> Result<()> {
    running::<S>(kind)?.kill().with_context(|| format!("killing {}", S::NAME))
}

fn stop<S: Server>(kind: Kind) -> Result<()> {
    running::<S>(kind)?.stop().with_context(|| format!("stopping {}", S::NAME))
}

fn start<S: Server>(kind: Kind) -> Result<()> {
    match S::known(kind)? {
        Some(server) if server.runs() => Ok(()),
        Some(server) => server.start_again().with_context(|| format!("starting {} again", S::NAME)),
        None => bail!("{} was never started: `cargo xtask engines up` does it", S::NAME),
    }
}

/// Which engines the tests of a run are to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Wanted {
    Auto,
    Require,
    None,
}

/// A server as a run of tests finds it.
pub(crate) struct Found<S: Server> {
    /// Where it is.
    pub(crate) address: Option<String>,
    /// Why there is none, where one is wanted.
    pub(crate) without: Option<String>,
    /// Started for this run: to be stopped with it.
    started: Option<S>,
}

impl<S: Server> Found<S> {
    /// The one that is named or runs; else a new one. `needed`: some test asks for it.
    pub(crate) fn find(wanted: Wanted, needed: bool) -> Result<Self> {
        if wanted == Wanted::None || !needed {
            let without = needed.then(|| "--engines none".to_owned());
            return Ok(Self { address: None, without, started: None });
        }
        if let Ok(address) = std::env::var(S::VARIABLE) {
            return Ok(Self { address: Some(address), without: None, started: None });
        }
        if let Some(running) = S::running(Kind::Tests)? {
            return Ok(Self { address: Some(running.address()), without: None, started: None });
        }
        match S::up(Kind::Tests) {
            Ok(server) => Ok(Self { address: Some(server.address()), without: None, started: Some(server) }),
            Err(error) if wanted == Wanted::Auto => {
                Ok(Self { address: None, without: Some(format!("{error:#}")), started: None })
            }
            Err(error) => Err(error)
                .with_context(|| format!("--engines require, but there is no {} for the tests", S::NAME)),
        }
    }

    /// Tells tests of it.
    pub(crate) fn tell(&self, command: &mut std::process::Command) {
        match &self.address {
            Some(address) => command.env(S::VARIABLE, address),
            None => command.env_remove(S::VARIABLE),
        };
    }

    /// Stops what was started for this run.
    pub(crate) fn end(self) -> Result<()> {
        match self.started {
            Some(server) => server.down().with_context(|| format!("stopping {}", S::NAME)),
            None => Ok(()),
        }
    }
}

/// Where the state of a server that was started is kept.
pub(crate) fn state_file(server: &str, kind: Kind) -> Result<PathBuf> {
    let folder = crate::workspace()?.join("target/engines");
    std::fs::create_dir_all(&folder)?;
    let name = match kind {
        Kind::Tests => format!("{server}.json"),
        Kind::Durable => format!("{server}-durable.json"),
    };
    Ok(folder.join(name))
}

/// What is kept of a server; `None` where nothing is, or what can no longer be read.
pub(crate) fn kept<S: DeserializeOwned>(server: &str, kind: Kind) -> Result<Option<S>> {
    let Ok(text) = std::fs::read_to_string(state_file(server, kind)?) else { return Ok(None) };
    Ok(serde_json::from_str(&text).ok())
}

/// Keeps the state of a server.
pub(crate) fn keep<S: Serialize>(server: &str, kind: Kind, state: &S) -> Result<()> {
    Ok(std::fs::write(state_file(server, kind)?, serde_json::to_string(state)?)?)
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
