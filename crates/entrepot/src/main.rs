//! Entrepôt: the software of a cross-border marketplace hub, in one binary.

mod addresses;
mod books;
mod check;
mod demo;
mod hubs;
mod import;
mod replay;
mod settings;
mod token;
mod up;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// The software of a cross-border marketplace hub.
#[derive(Debug, Parser)]
#[command(name = "entrepot", version, max_term_width = 100)]
struct Cli {
    /// What is logged to standard error, such as `info` or `warn,order=debug`.
    #[arg(long, global = true, env = "ENTREPOT_LOG", default_value = "warn")]
    log: String,
    /// Log a JSON object a line.
    #[arg(long, global = true)]
    log_json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Up(up::Args),
    Demo(demo::Args),
    Replay(replay::Args),
    Import(import::Args),
    Check(check::Args),
    Token(token::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("entrepot: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<()> {
    runtime::telemetry::init(&cli.log, cli.log_json)?;
    match cli.command {
        Command::Up(args) => up::run(args).await,
        Command::Demo(args) => demo::run(args).await,
        Command::Replay(args) => replay::run(args).await,
        Command::Import(args) => import::run(args).await,
        Command::Check(args) => check::run(&args),
        Command::Token(args) => token::run(&args),
    }
}
