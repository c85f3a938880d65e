//! `cargo xtask engines`: what tests need besides Rust, private to this checkout: fast ones for tests, durable ones for proofs.

use anyhow::{Context as _, Result, bail};

use crate::kafka::Kafka;
use crate::postgres::Postgres;
use crate::server::{Kind, Server};

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
    /// Kill one that runs, as a crash does; its data stays.
    Kill { engine: Engine },
    /// Stop one cleanly; its data stays.
    Stop { engine: Engine },
    /// Start one again that was killed or stopped, at the same address and on its data.
    Start { engine: Engine },
    /// Pause Kafka, as if its machine hung.
    Pause { engine: Engine },
    /// Let it continue.
    Unpause { engine: Engine },
}

/// One of the engines.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Engine {
    Postgres,
    Kafka,
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
