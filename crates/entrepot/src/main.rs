//! Entrepôt: the software of a cross-border marketplace hub, in one binary.

mod addresses;
mod adopt;
mod bench;
mod check;
mod config;
mod configuration;
mod demo;
mod engines;
mod fleet;
mod healthcheck;
mod hubs;
mod import;
mod keys;
mod metrics_endpoint;
mod migrate;
mod password;
mod profiles;
mod prove;
mod replay;
mod roles;
mod serve;
mod table;
mod telemetry_setup;
mod token;
mod trial_balance;
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
    #[command(flatten)]
    OfHub(OfHub),
    Config(config::Args),
    Check(check::Args),
    Healthcheck(healthcheck::Args),
    /// List the services of a hub, one a line, each after those that it asks: in this order they are upgraded.
    Services,
}

/// Commands that take a hub's settings.
#[derive(Debug, Subcommand)]
enum OfHub {
    Up(up::Args),
    Serve(serve::Args),
    Migrate(migrate::Args),
    Adopt(adopt::Args),
    Demo(demo::Args),
    Replay(replay::Args),
    Prove(prove::Args),
    Bench(bench::Args),
    Import(import::Args),
    Token(token::Args),
    Keys(keys::Args),
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
    match command {
        Command::OfHub(command) => {
            let configuration = Configuration::read(configuration::sources(matches)?)?;
            let telemetry = telemetry_setup::begin(&command, &configuration)?;
            configuration.resolved.renamed().iter().for_each(|renamed| tracing::warn!("{renamed}"));
            let done = carry_out(command, &configuration).await;
            telemetry.end().await;
            done
        }
        Command::Config(args) => config::run(&args, configuration::sources(matches)?),
        Command::Check(args) => check::run(&args),
        Command::Healthcheck(args) => healthcheck::run(args).await,
        Command::Services => {
            services::callees_first().iter().for_each(|spec| println!("{}", spec.name));
            Ok(())
        }
    }
}

async fn carry_out(command: OfHub, configuration: &Configuration) -> Result<()> {
    match command {
        OfHub::Up(_) => up::run(configuration).await,
        OfHub::Serve(args) => serve::run(args, configuration).await,
        OfHub::Migrate(args) => migrate::run(args, configuration).await,
        OfHub::Adopt(args) => adopt::run(args, configuration).await,
        OfHub::Demo(args) => demo::run(args, configuration).await,
        OfHub::Replay(args) => replay::run(args, configuration).await,
        OfHub::Prove(args) => prove::run(args, configuration).await,
        OfHub::Bench(args) => bench::run(args, configuration).await,
        OfHub::Import(args) => import::run(args, configuration).await,
        OfHub::Token(args) => token::run(&args, configuration),
        OfHub::Keys(args) => keys::run(&args, configuration),
    }
}

/// The error and its causes, each once: some errors already include their cause in their message.
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
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let inner: Result<()> = Err(anyhow::anyhow!("the disk is full"));
        let error = inner.context("writing: the disk is full").context("data").unwrap_err();
        assert_eq!(sentence(&error), "data: writing: the disk is full");
    }

    #[test]
    fn the_command_line_is_sound() {
        configuration::add_to(Cli::command()).debug_assert();
    }

    /// Flags of the programs that the documents speak of besides: docker, kubectl, cargo, openssl, psql and so on.
    const OTHERS: &[&str] = &[
        "clean",
        "command",
        "data-checksums",
        "day",
        "dbname",
        "detach",
        "dry-run",
        "encoding",
        "entrypoint",
        "exclude-source-info",
        "for",
        "format",
        "from-file",
        "help",
        "host",
        "if-exists",
        "ignore-not-found",
        "locale",
        "no-build",
        "no-deps",
        "profile",
        "program",
        "quiet",
        "release",
        "rm",
        "single-transaction",
        "storage",
        "test",
        "timeout",
        "username",
        "version",
        "volumes",
        "wait",
    ];

    /// All flags of a command and those below it.
    fn flags(command: &clap::Command, known: &mut BTreeSet<String>) {
        known.extend(command.get_arguments().filter_map(|arg| arg.get_long()).map(str::to_owned));
        command.get_subcommands().for_each(|below| flags(below, known));
    }

    /// The files below a folder that people read.
    fn documents(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !matches!(name.as_str(), "target" | "node_modules" | "xtask" | "tests")
                    && !name.starts_with('.')
                {
                    documents(&path, found);
                }
            } else if [".md", ".toml", ".sh", ".yml", ".yaml", ".proto", ".ts", ".rs"]
                .iter()
                .any(|end| name.ends_with(end))
            {
                found.push(path);
            }
        }
    }

    /// The words behind `begin`, up to what is no part of a name.
    fn words<'a>(text: &'a str, begin: &str) -> impl Iterator<Item = &'a str> {
        let is_name = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
        let found: Vec<&str> = text
            .match_indices(begin)
            .filter(|(at, _)| {
                !text[..*at].ends_with(|letter: char| letter.is_alphanumeric() || "-/_.".contains(letter))
            })
            .map(|(at, _)| &text[at + begin.len()..])
            .map(|rest| rest.split_at(rest.find(|letter| !is_name(letter)).unwrap_or(rest.len())))
            // A module's name is none of ours.
            .filter(|(_, rest)| !rest.starts_with("::"))
            .map(|(word, _)| word)
            .filter(|word| word.starts_with(|letter: char| letter.is_ascii_lowercase()))
            .collect();
        found.into_iter()
    }

    #[test]
    fn documents_name_commands_and_flags_that_there_are() {
        let program = configuration::add_to(Cli::command());
        let mut known: BTreeSet<String> = OTHERS.iter().map(|flag| (*flag).to_owned()).collect();
        flags(&program, &mut known);
        let commands: BTreeSet<&str> = program.get_subcommands().map(clap::Command::get_name).collect();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut files = Vec::new();
        documents(&root, &mut files);
        assert!(files.len() > 200, "{} files", files.len());
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            for flag in words(&text, "--") {
                assert!(known.contains(flag.trim_end_matches('-')), "{} names --{flag}", file.display());
            }
            for command in words(&text, "`entrepot ").chain(words(&text, "cargo run --release -- ")) {
                assert!(commands.contains(command), "{} names the command {command}", file.display());
            }
        }
    }
}
