//! The official CloudEvents SDK for JavaScript, which reads our events in a test of `events`. It is no engine: where it
//! cannot be had, the closing table says why and the rest goes on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::command;
use crate::server::Wanted;

/// The test that it is for, as its name ends.
pub(crate) const TEST: &str = "another_implementation_reads_our_events::kafka";
/// Tells the test where the reader is.
const VARIABLE: &str = "ENTREPOT_TEST_CLOUDEVENTS";
const SOURCE: &str = "crates/events/tests/cloudevents";
/// What is copied of it, to be installed under `target`.
const FILES: [&str; 4] = ["package.json", "package-lock.json", ".npmrc", "reader.mjs"];
/// What was installed: a copy of this.
const LOCK: &str = "package-lock.json";
const INSTALLED: &str = "installed.json";
/// How long npm may take.
const INSTALL_MAX: Duration = Duration::from_secs(90);
/// How much of what npm says is told: its code, and the reason.
const SAID_LINES: usize = 4;
/// What npm says when our own files are at fault, and not the way to its registry.
const OUR_FAULTS: [&str; 3] = ["EUSAGE", "EINTEGRITY", "EJSONPARSE"];

/// The reader as a run of tests finds it.
pub(crate) struct Reader {
    path: Option<PathBuf>,
    without: Option<String>,
}

impl Reader {
    /// Prepares it where it can. `needed`: the test is among those that run, and has its Kafka.
    pub(crate) fn find(wanted: Wanted, needed: bool) -> Result<Self> {
        if !needed || wanted == Wanted::None {
            return Ok(Self { path: None, without: None });
        }
        if !command::exists("npm") || !command::exists("node") {
            return Ok(Self { path: None, without: Some("npm is not installed".to_owned()) });
        }
        match prepare() {
            Ok(path) => Ok(Self { path: Some(path), without: None }),
            Err(error) => {
                let why = format!("{error:#}");
                let is_ours = OUR_FAULTS.iter().any(|fault| why.contains(fault));
                if wanted == Wanted::Require && is_ours {
                    return Err(
                        error.context("--engines require, but the CloudEvents SDK cannot be installed")
                    );
                }
                let first = why.lines().next().unwrap_or_default().to_owned();
                Ok(Self { path: None, without: Some(first) })
            }
        }
    }

    /// Whether it can read.
    pub(crate) fn is_there(&self) -> bool {
        self.path.is_some()
    }

    /// That its test did not run, and why.
    pub(crate) fn without(&self) -> Option<String> {
        self.without.as_ref().map(|why| format!("the CloudEvents SDK did not run: {why}"))
    }

    /// Tells tests of it.
    pub(crate) fn tell(&self, command: &mut Command) {
        match &self.path {
            Some(path) => command.env(VARIABLE, path),
            None => command.env_remove(VARIABLE),
        };
    }
}

/// Where the reader is, with what it needs beside it.
fn prepare() -> Result<PathBuf> {
    let (source, folder) = (crate::workspace()?.join(SOURCE), crate::workspace()?.join("target/cloudevents"));
    fs::create_dir_all(&folder)?;
    for file in FILES {
        fs::copy(source.join(file), folder.join(file)).with_context(|| format!("{SOURCE}/{file}"))?;
    }
    let lock = fs::read(folder.join(LOCK))?;
    if fs::read(folder.join(INSTALLED)).ok().as_ref() != Some(&lock) {
        println!("installing the CloudEvents SDK that reads our events in a test");
        install(&folder)?;
        fs::write(folder.join(INSTALLED), &lock)?;
    }
    Ok(folder.join("reader.mjs"))
}

/// Just what the lock file names, and nothing that it brings is run.
fn install(folder: &Path) -> Result<()> {
    let said = folder.join("npm.log");
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    npm.args(["--fetch-retries=1", "--fetch-timeout=20000"]);
    let log = fs::File::create(&said)?;
    npm.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    let mut running = npm.spawn().context("cannot run npm")?;
    let ended = command::look_until(INSTALL_MAX, || Ok(running.try_wait()?))?;
    match ended.map(|status| status.success()) {
        Some(true) => Ok(()),
        Some(false) => {
            let said = fs::read_to_string(&said).unwrap_or_default();
            let lines = said.lines().take(SAID_LINES).map(|line| line.trim_start_matches("npm error "));
            bail!("npm cannot install it: {}", lines.collect::<Vec<_>>().join("; "))
        }
        None => {
            running.kill()?;
            running.wait()?;
            bail!("npm did not install it within {} s", INSTALL_MAX.as_secs())
        }
    }
}
