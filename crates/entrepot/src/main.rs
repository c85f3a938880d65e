//! Entrepôt: the software of a cross-border marketplace hub, in one binary.

mod addresses;
mod bench;
mod books;
mod check;
mod demo;
mod engines;
mod exposed;
mod fleet;
mod healthcheck;
mod hubs;
mod import;
mod migrate;
mod password;
mod prove;
mod replay;
mod roles;
mod serve;
mod settings;
mod telling;
mod token;
mod up;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::telling::Telling;

/// The software of a cross-border marketplace hub.
#[derive(Debug, Parser)]
#[command(name = "entrepot", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    telling: Telling,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Up(up::Args),
    Serve(serve::Args),
    Migrate(migrate::Args),
    Demo(demo::Args),
    Replay(replay::Args),
    Prove(prove::Args),
    Bench(bench::Args),
    Import(import::Args),
    Check(check::Args),
    Token(token::Args),
    Healthcheck(healthcheck::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("entrepot: {}", sentence(&error));
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<()> {
    let telemetry = cli.telling.begin(&cli.command)?;
    let done = carry_out(cli.command).await;
    telemetry.end().await;
    done
}

async fn carry_out(command: Command) -> Result<()> {
    match command {
        Command::Up(args) => up::run(args).await,
        Command::Serve(args) => serve::run(args).await,
        Command::Migrate(args) => migrate::run(args).await,
        Command::Demo(args) => demo::run(args).await,
        Command::Replay(args) => replay::run(args).await,
        Command::Prove(args) => prove::run(args).await,
        Command::Bench(args) => bench::run(args).await,
        Command::Import(args) => import::run(args).await,
        Command::Check(args) => check::run(&args),
        Command::Token(args) => token::run(&args),
        Command::Healthcheck(args) => healthcheck::run(args).await,
    }
}

/// What went wrong and why, each cause told once: some errors tell theirs in their own words.
fn sentence(error: &anyhow::Error) -> String {
    let mut sentence = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if sentence.contains(&cause) {
            continue;
        }
        if !sentence.is_empty() {
            sentence.push_str(": ");
        }
        sentence.push_str(&cause);
    }
    sentence
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let inner: Result<()> = Err(anyhow::anyhow!("the disk is full"));
        let error = inner.context("writing: the disk is full").context("--data").unwrap_err();
        assert_eq!(sentence(&error), "--data: writing: the disk is full");
    }

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }
}
