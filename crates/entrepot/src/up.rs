//! `up`: serves hubs until it is asked to stop.

use std::time::Instant;

use anyhow::Result;

use crate::configuration::Configuration;
use crate::hubs;
use crate::metrics_endpoint::{self, MetricsEndpoint};

/// Serve one or several hubs, each with all its services in this process, until Ctrl-C.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Runs the command.
pub(crate) async fn run(configuration: &Configuration) -> Result<()> {
    let begun = Instant::now();
    let process = &configuration.process;
    configuration.check(&process.hub)?;
    let exposing = metrics_endpoint::open(process.metrics).await?;
    let metrics = exposing.as_ref().map(|exposing| &exposing.metrics);
    let running = hubs::start_all(&process.hub, configuration, metrics).await?;
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
    exposing.iter().for_each(MetricsEndpoint::print);
    println!("ready in {} ms; Ctrl-C stops", begun.elapsed().as_millis());
    hubs::asked_to_stop().await?;
    println!("stopping: finishing calls in progress first");
    hubs::stop_all(running).await;
    Ok(())
}
