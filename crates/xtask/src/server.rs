//! A server that tests use, whichever it is: how it is started and found again.

use std::net::TcpListener;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

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
