//! `cargo xtask test`: every test that can run here, and a table of what ran on which engine.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::build::{self, Message};
use crate::cloudevents::{self, Reader};
use crate::command;
use crate::kafka::Kafka;
use crate::postgres::Postgres;
use crate::server::{Found, Server, Wanted};
use crate::table::{self, Counts, Outcome};

/// How many tests of one binary run at once: most of them wait.
const THREADS: &str = "4";

/// Which tests run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// auto: with PostgreSQL and Kafka where they are or can be had; require: fail without; none: without.
    #[arg(long, value_enum, default_value = "auto")]
    engines: Wanted,
    /// Only these crates.
    #[arg(long = "package", short = 'p', value_name = "CRATE")]
    packages: Vec<String>,
    /// Only tests whose name holds this.
    filter: Option<String>,
}

/// A test binary.
#[derive(Debug)]
struct Binary {
    package: String,
    folder: PathBuf,
    executable: PathBuf,
    /// Unit tests, or tests of their own.
    kind: &'static str,
}

/// What the tests are told.
struct Environment {
    postgres: Found<Postgres>,
    kafka: Found<Kafka>,
    cloudevents: Reader,
    required: bool,
    entrepot: PathBuf,
}

impl Environment {
    /// What did not run, and why, a sentence each.
    fn without(&self) -> Vec<String> {
        let postgres =
            self.postgres.without.as_ref().map(|why| format!("{} did not run: {why}", Postgres::NAME));
        let kafka = self.kafka.without.as_ref().map(|why| format!("{} did not run: {why}", Kafka::NAME));
        postgres.into_iter().chain(kafka).chain(self.cloudevents.without()).collect()
    }

    /// Whether all that a test needs is there.
    fn has(&self, engine: table::Engine, name: &str) -> bool {
        match engine {
            table::Engine::Kafka if name.ends_with(cloudevents::TEST) && !self.cloudevents.is_there() => {
                false
            }
            table::Engine::None | table::Engine::Sqlite => true,
            table::Engine::Postgres => self.postgres.address.is_some(),
            table::Engine::Kafka => self.kafka.address.is_some(),
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<()> {
    let begun = Instant::now();
    let (binaries, entrepot) = build_all(&args.packages)?;
    let required = args.engines == Wanted::Require;
    let cloudevents = Reader::find(args.engines, any_ends_with(&binaries, cloudevents::TEST)?)?;
    let postgres = Found::find(args.engines, any_ends_with(&binaries, "postgres")?)?;
    let kafka = Found::find(args.engines, any_ends_with(&binaries, "kafka")?);
    let kafka = match kafka {
        Ok(kafka) => kafka,
        Err(error) => {
            postgres.end()?;
            return Err(error);
        }
    };
    let environment = Environment { postgres, kafka, cloudevents, required, entrepot };
    let outcome = run_all(args, &binaries, &environment, begun);
    let ended = environment.postgres.end().and(environment.kafka.end());
    outcome.and(ended)
}

/// Whether there is a test of that name's end: an engine that none asks for is not started.
fn any_ends_with(binaries: &[Binary], end: &str) -> Result<bool> {
    let end = format!("::{end}: test");
    for binary in binaries {
        let listed = command::output(Command::new(&binary.executable).arg("--list"))?;
        if listed.lines().any(|line| line.ends_with(&end)) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn run_all(args: &Args, binaries: &[Binary], environment: &Environment, begun: Instant) -> Result<()> {
    let mut outcomes = Vec::new();
    let mut broken = Vec::new();
    let mut times: BTreeMap<String, Duration> = BTreeMap::new();
    for binary in binaries {
        let started = Instant::now();
        let (mut ran, well) = run_binary(binary, environment, args.filter.as_deref())?;
        if !well && !ran.iter().any(|outcome| outcome.failed) {
            broken.push(format!("{} {} ended without saying why", binary.package, binary.kind));
        }
        outcomes.append(&mut ran);
        *times.entry(binary.package.clone()).or_default() += started.elapsed();
    }
    let counts = table::print(&outcomes, &times, &environment.without(), begun.elapsed());
    broken.iter().for_each(|sentence| println!("{sentence}"));
    closing(&counts, broken.len())
}

/// The last line, which says how it ended.
fn closing(counts: &Counts, broken: usize) -> Result<()> {
    let failed = counts.failed + broken;
    println!("{} passed, {failed} failed, {} skipped", counts.passed, counts.skipped);
    std::io::stdout().flush()?;
    if failed > 0 {
        bail!("{failed} failed");
    }
    if counts.passed == 0 {
        bail!("no test ran");
    }
    Ok(())
}

/// Builds the tests and the program that some of them start.
fn build_all(packages: &[String]) -> Result<(Vec<Binary>, PathBuf)> {
    let entrepot = build::program(false)?;
    let mut cargo = command::cargo();
    cargo.args(["test", "--no-run"]);
    match packages {
        [] => cargo.arg("--workspace"),
        packages => cargo.args(packages.iter().flat_map(|package| ["--package", package])),
    };
    let built = build::messages(&mut cargo)?;
    let binaries = built.into_iter().filter_map(binary).collect();
    Ok((binaries, entrepot))
}

fn binary(message: Message) -> Option<Binary> {
    let target = message.target?;
    let folder = message.manifest_path?.parent()?.to_path_buf();
    if !message.profile?.test {
        return None;
    }
    let kind = if target.kind.iter().any(|kind| kind == "test") { "tests" } else { "unit" };
    let package = folder.file_name()?.to_str()?.to_owned();
    Some(Binary { package, folder, executable: message.executable?, kind })
}

/// Runs one binary's tests, showing those that fail; whether it ended well.
fn run_binary(
    binary: &Binary,
    environment: &Environment,
    filter: Option<&str>,
) -> Result<(Vec<Outcome>, bool)> {
    println!("── {} ({})", binary.package, binary.kind);
    let mut command = Command::new(&binary.executable);
    command.current_dir(&binary.folder).args(filter).env("ENTREPOT_BIN", &environment.entrepot);
    if std::env::var_os("RUST_TEST_THREADS").is_none() {
        command.env("RUST_TEST_THREADS", THREADS);
    }
    environment.postgres.tell(&mut command);
    environment.kafka.tell(&mut command);
    environment.cloudevents.tell(&mut command);
    command.env("ENTREPOT_TEST_ENGINES", if environment.required { "require" } else { "auto" });
    let mut running = command.stdout(Stdio::piped()).spawn().context("starting tests")?;
    let output = running.stdout.take().context("tests without output")?;
    let mut outcomes = Vec::new();
    for line in BufReader::new(output).lines() {
        let line = line?;
        match outcome(&line, binary, environment) {
            Some(outcome) => outcomes.push(outcome),
            None if is_noise(&line) => {}
            None => println!("{line}"),
        }
    }
    Ok((outcomes, running.wait()?.success()))
}

fn outcome(line: &str, binary: &Binary, environment: &Environment) -> Option<Outcome> {
    let (name, verdict) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let name = name.trim_end_matches(" - should panic").to_owned();
    let engine = match name.rsplit("::").next() {
        Some("postgres") => table::Engine::Postgres,
        Some("sqlite") => table::Engine::Sqlite,
        Some("kafka") => table::Engine::Kafka,
        _ => table::Engine::None,
    };
    let skipped = verdict.starts_with("ignored") || (!environment.has(engine, &name) && verdict == "ok");
    let failed = verdict.starts_with("FAILED");
    if failed {
        println!("FAILED {name}");
    }
    Some(Outcome { package: binary.package.clone(), engine, failed, skipped })
}

/// Lines of the test harness that the table says better.
fn is_noise(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with("running ") || line.starts_with("test result: ok")
}
