//! `cargo xtask engines`: what tests need besides Rust, private to this checkout.

use std::net::TcpListener;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::kafka::Kafka;
use crate::postgres::Postgres;

/// What to do with the engines.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Task {
    /// Start what is not running; installs it where it can.
    Up,
    /// Stop what `up` started, and remove its data.
    Down,
    /// Say what runs.
    Status,
}

/// A server that tests use and that we can start.
pub(crate) trait Server: Sized {
    /// What people call it.
    const NAME: &'static str;
    /// Tells tests where it is; where it is set already, that server is used.
    const VARIABLE: &'static str;

    /// Finds the one that runs, or starts one.
    fn up() -> Result<Self>;
    /// The one that `up` started, if it still runs.
    fn running() -> Result<Option<Self>>;
    /// As tests reach it.
    fn address(&self) -> String;
    /// Stops it and removes its data.
    fn down(&self) -> Result<()>;
}

/// Runs the command.
pub(crate) fn run(task: Task) -> Result<()> {
    match task {
        Task::Up => {
            // One that cannot start does not keep the other from starting.
            let failed = [up::<Postgres>().err(), up::<Kafka>().err()];
            let reasons: Vec<String> = failed.iter().flatten().map(|error| format!("{error:#}")).collect();
            if !reasons.is_empty() {
                bail!(reasons.join("\nxtask: "));
            }
            Ok(())
        }
        Task::Down => down::<Postgres>().and(down::<Kafka>()),
        Task::Status => status::<Postgres>().and(status::<Kafka>()),
    }
}

fn up<S: Server>() -> Result<()> {
    if let Ok(address) = std::env::var(S::VARIABLE) {
        println!("{}={address}", S::VARIABLE);
        return Ok(());
    }
    let server = S::up().with_context(|| format!("{} does not run", S::NAME))?;
    println!("{}={}", S::VARIABLE, server.address());
    Ok(())
}

fn down<S: Server>() -> Result<()> {
    match S::running()? {
        Some(server) => {
            server.down()?;
            println!("{} is stopped", S::NAME);
        }
        None => println!("{} was not running", S::NAME),
    }
    Ok(())
}

fn status<S: Server>() -> Result<()> {
    match S::running()? {
        Some(server) => println!("{} runs: {}={}", S::NAME, S::VARIABLE, server.address()),
        None => println!("{} does not run: `cargo xtask engines up` starts one", S::NAME),
    }
    Ok(())
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
        if let Some(running) = S::running()? {
            return Ok(Self { address: Some(running.address()), without: None, started: None });
        }
        match S::up() {
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

/// Where the state of a server that runs is kept.
pub(crate) fn state_file(server: &str) -> Result<PathBuf> {
    let folder = crate::workspace()?.join("target/engines");
    std::fs::create_dir_all(&folder)?;
    Ok(folder.join(format!("{server}.json")))
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
