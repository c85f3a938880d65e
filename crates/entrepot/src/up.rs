//! `up`: serves hubs until it is asked to stop.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;

use crate::engines::Engines;
use crate::exposed::{Exposed, Exposing};
use crate::hubs::{self, DataFolder, Ports};
use crate::settings::File;

/// Serve one or several hubs, each with all its services in this process, until Ctrl-C.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A hub to serve; may be given several times. One that comes with the program (id, my, sg, th), or a path to a
    /// .toml file.
    #[arg(long = "hub", default_value = "my", value_name = "HUB")]
    hubs: Vec<String>,
    #[command(flatten)]
    data: DataFolder,
    #[command(flatten)]
    ports: Ports,
    #[command(flatten)]
    engines: Engines,
    #[command(flatten)]
    exposed: Exposed,
    /// Settings of the hubs: sandbox, rate and the services' own; see docs/configuration.md.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs the command.
pub(crate) async fn run(args: Args) -> Result<()> {
    let begun = Instant::now();
    let file = args.config.as_deref().map(File::read).transpose()?.unwrap_or_default();
    let exposing = args.exposed.open().await?;
    let metrics = exposing.as_ref().map(|exposing| &exposing.metrics);
    let running = hubs::start_all(&args.hubs, &args.data, &args.ports, &args.engines, &file, metrics).await?;
    for hub in &running {
        println!(
            "{} ({}) serves {}, internal {}, data in {}",
            hub.profile.name(),
            hub.profile.code(),
            hub.public(),
            hub.internal(),
            hub.folder.display()
        );
    }
    exposing.iter().for_each(Exposing::print);
    println!("ready in {} ms; Ctrl-C stops", begun.elapsed().as_millis());
    hubs::asked_to_stop().await?;
    println!("stopping: calls under way are finished first");
    hubs::stop_all(running).await;
    Ok(())
}
