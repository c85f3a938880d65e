//! `cargo xtask prove`: `entrepot prove` in both shapes; in production on a PostgreSQL and a Kafka of its own, which it
//! breaks too.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::build;
use crate::kafka::Kafka;
use crate::postgres::Postgres;
use crate::server::{Kind, Server};

/// What is proved.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many times a process is killed, in each shape.
    #[arg(long, default_value = "20")]
    kills: u32,
    /// Instead of these faults, in production: only the broker goes away, this many times, mostly leaving its connections
    /// open, and after each return all events must be published within 15 s.
    #[arg(long, conflicts_with_all = ["kills", "minutes"])]
    broker_rounds: Option<u32>,
    /// The same number makes the same plan; a new one each time when absent.
    #[arg(long)]
    seed: Option<u64>,
    /// Over how long the faults are spread, in each shape.
    #[arg(long)]
    minutes: Option<u32>,
    /// How many buyers buy: a small machine is busy enough with fewer.
    #[arg(long)]
    buyers: Option<u32>,
    /// In this shape only.
    #[arg(long, value_enum)]
    shape: Option<Shape>,
    /// The optimised program.
    #[arg(long)]
    release: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Shape {
    Embedded,
    Production,
}

/// Runs the command; an error when a promise was broken.
pub(crate) fn run(args: &Args) -> Result<()> {
    let program = build::program(args.release)?;
    if args.shape != Some(Shape::Production) && args.broker_rounds.is_none() {
        prove(&program, args, &[])?;
    }
    if args.shape != Some(Shape::Embedded) {
        production(&program, args)?;
    }
    Ok(())
}

fn production(program: &Path, args: &Args) -> Result<()> {
    // Those that run already are left running.
    let (had_postgres, had_kafka) =
        (Postgres::running(Kind::Durable)?.is_some(), Kafka::running(Kind::Durable)?.is_some());
    let (postgres, kafka) = (Postgres::up(Kind::Durable)?, Kafka::up(Kind::Durable)?);
    let brokers = if args.broker_rounds.is_some() { kafka.by_wire()? } else { kafka.address() };
    let proved = prove(program, args, &options(&postgres, brokers)?);
    if !had_postgres && let Some(postgres) = Postgres::known(Kind::Durable)? {
        postgres.down()?;
    }
    if !had_kafka && let Some(kafka) = Kafka::known(Kind::Durable)? {
        kafka.down()?;
    }
    proved
}

/// The hub has databases of this run alone.
fn options(postgres: &Postgres, brokers: String) -> Result<Vec<String>> {
    let (admin, run) = (postgres.address(), std::process::id());
    let server = admin.rsplit_once('@').map_or("", |(_, server)| server);
    let server = server.rsplit_once('/').map_or(server, |(server, _)| server);
    let name = format!("prove{run}_{{hub}}_{{service}}");
    let control = std::env::current_exe().context("finding this program")?;
    let options = [
        "--shape",
        "production",
        "--database",
        &format!("postgres://{name}:prove@{server}/{name}"),
        "--kafka",
        &brokers,
        "--admin",
        &admin,
        "--control",
        &format!("{} engines --durable", control.display()),
    ];
    Ok(options.map(str::to_owned).to_vec())
}

fn prove(program: &Path, args: &Args, options: &[String]) -> Result<()> {
    let mut prove = Command::new(program);
    prove.arg("prove").args(options);
    match args.broker_rounds {
        Some(rounds) => prove.args(["--broker-rounds", &rounds.to_string()]),
        None => prove.args(["--kills", &args.kills.to_string()]),
    };
    if let Some(seed) = args.seed {
        prove.args(["--seed", &seed.to_string()]);
    }
    if let Some(buyers) = args.buyers {
        prove.args(["--buyers", &buyers.to_string()]);
    }
    if let Some(minutes) = args.minutes {
        prove.args(["--minutes", &minutes.to_string()]);
    }
    if !prove.status().context("running entrepot prove")?.success() {
        bail!("entrepot prove failed");
    }
    Ok(())
}
