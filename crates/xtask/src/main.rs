//! What the project does to itself: tests, engines, checks. `cargo xtask --help` lists it.

mod architecture;
mod build;
mod cloudevents;
mod command;
mod compose;
mod cycles;
mod dashboards;
mod engines;
mod fixtures;
mod kafka;
mod kubernetes;
mod lines;
mod postgres;
mod prove;
mod rules;
mod server;
mod services;
mod table;
mod tests;
mod wire;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Work on the project itself.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Run everything that can run on this machine, and print a table of what ran where.
    Test(tests::Args),
    /// A private PostgreSQL and a private Kafka for tests, on free ports.
    Engines(engines::Args),
    /// Break a hub while buyers buy, in both shapes, on engines of its own.
    Prove(prove::Args),
    /// Validate the Kubernetes manifests against the API's schema.
    Kubernetes(kubernetes::Args),
    /// Run docker-compose.yml for real: buy, break, back up, restore, on a Docker engine of its own where none runs.
    ComposeTest(compose::Args),
    /// Check dashboards and alerts against a real Prometheus.
    Dashboards(dashboards::Args),
    /// Keep the databases of a release, which later releases must still read.
    Fixtures(fixtures::Args),
    /// Write what docker-compose.yml and deploy/ say of each service.
    Services,
    /// Check which crates, and which modules within a service, may depend on which.
    Rules,
    /// Count lines by crate.
    Lines,
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Test(args) => tests::run(&args),
        Task::Engines(args) => engines::run(&args),
        Task::Prove(args) => prove::run(&args),
        Task::Kubernetes(args) => kubernetes::run(&args),
        Task::ComposeTest(args) => compose::run(&args),
        Task::Dashboards(args) => dashboards::run(&args),
        Task::Fixtures(args) => fixtures::run(&args),
        Task::Services => services::run(),
        Task::Rules => rules::run(),
        Task::Lines => lines::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's folder.
fn workspace() -> Result<std::path::PathBuf> {
    let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let root = crates.and_then(std::path::Path::parent);
    root.map(std::path::Path::to_path_buf).ok_or_else(|| anyhow::anyhow!("the workspace has no folder"))
}
