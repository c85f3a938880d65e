//! `cargo xtask fixtures`: the databases of a release, as later releases must still read them.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::command;
use crate::kafka::Kafka;
use crate::postgres::Postgres;
use crate::server::{Found, Wanted};

/// What makes them.
const MAKER: &str = "old_databases::make";

/// Which release.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The release's program.
    #[arg(long)]
    program: PathBuf,
    /// The release's day, such as 2026-11-27: the fixture's folder in crates/e2e/fixtures.
    #[arg(long)]
    day: String,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<()> {
    let program = args.program.canonicalize().with_context(|| format!("{}", args.program.display()))?;
    let postgres = Found::<Postgres>::find(Wanted::Require, true)?;
    let kafka = match Found::<Kafka>::find(Wanted::Require, true) {
        Ok(kafka) => kafka,
        Err(error) => {
            postgres.end()?;
            return Err(error);
        }
    };
    let mut cargo = command::cargo();
    cargo.args(["test", "--package", "e2e", "--test", "it", "--", "--exact", MAKER, "--ignored"]);
    cargo.env("ENTREPOT_BIN", program).env("ENTREPOT_TEST_FIXTURE", &args.day);
    postgres.tell(&mut cargo);
    kafka.tell(&mut cargo);
    let made = cargo.status().context("running cargo");
    postgres.end().and(kafka.end())?;
    if !made?.success() {
        bail!("no fixture was made");
    }
    println!("crates/e2e/fixtures/{} is made: `cargo xtask test -p e2e old_databases` opens it", args.day);
    Ok(())
}
