//! Entrepôt: the software of a cross-border marketplace hub, in one binary.

mod addresses;
mod bench;
mod books;
mod check;
mod config;
mod configuration;
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
mod token;
mod up;

use std::process::ExitCode;

use anyhow::Result;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::configuration::Configuration;

/// The software of a cross-border marketplace hub.
#[derive(Debug, Parser)]
#[command(name = "entrepot", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Up(up::Args),
    Serve(serve::Args),
    Migrate(migrate::Args),
    Config(config::Args),
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
    let matches = configuration::add_to(Cli::command()).get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match run(cli.command, &matches).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("entrepot: {}", sentence(&error));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command, matches: &ArgMatches) -> Result<()> {
    let configured = || configured(matches, None);
    match command {
        Command::Up(_) => up::run(&configured()?).await,
        Command::Serve(args) => serve::run(args, &configured()?).await,
        Command::Migrate(args) => migrate::run(args, &configured()?).await,
        Command::Config(args) => config::run(&args, configuration::sources(matches)?),
        Command::Demo(args) => demo::run(args, &configured()?).await,
        Command::Replay(args) => replay::run(args, &configured()?).await,
        // It breaks what others would be warned of.
        Command::Prove(args) => prove::run(args, &self::configured(matches, Some("error"))?).await,
        Command::Bench(args) => bench::run(args, &configured()?).await,
        Command::Import(args) => import::run(args, &configured()?).await,
        Command::Check(args) => check::run(&args),
        Command::Token(args) => token::run(&args, &configured()?),
        Command::Healthcheck(args) => healthcheck::run(args).await,
    }
}

/// What the process was told, and its log begun; `log` is what is logged unless told.
fn configured(matches: &ArgMatches, log: Option<&str>) -> Result<Configuration> {
    let configuration = Configuration::read(configuration::sources(matches)?)?;
    let process = &configuration.process;
    let log = log.filter(|_| configuration.resolved.told("log").is_none()).unwrap_or(&process.log);
    runtime::telemetry::init(log, process.log_json)?;
    Ok(configuration)
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
        configuration::add_to(Cli::command()).debug_assert();
    }
}
