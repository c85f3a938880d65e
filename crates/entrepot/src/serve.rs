//! `serve`: one service, or several, of a hub in the production shape: a process each.

use std::time::Instant;

use anyhow::{Result, bail};
use runtime::{Settings, Spec};

use crate::configuration::{Configuration, Shape};
use crate::hubs::{self, Running};
use crate::metrics_endpoint::{self, MetricsEndpoint};
use crate::{engines, profiles};

/// Serve services of a hub in the production shape: one process each, on PostgreSQL and Kafka.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The services, such as `order`. `entrepot services` lists them.
    #[arg(required = true, value_name = "SERVICE", value_parser = profiles::service)]
    services: Vec<Spec>,
}

impl Args {
    /// The names of the services, with this between them.
    pub(crate) fn names(&self, between: &str) -> String {
        self.services.iter().map(|spec| spec.name).collect::<Vec<_>>().join(between)
    }
}

/// Runs the command.
pub(crate) async fn run(args: Args, configuration: &Configuration) -> Result<()> {
    let begun = Instant::now();
    configuration.check(&configuration.process.hub)?;
    if configuration.process.shape == Shape::Embedded {
        bail!("shape: `serve` runs services in the production shape only; use `up` for the embedded one");
    }
    let mut settings = settings(&args, configuration)?;
    let bus = engines::apply(configuration, &mut settings, &args.services)?;
    let exposing = metrics_endpoint::open(configuration.process.metrics).await?;
    settings.metrics = exposing.as_ref().map(|exposing| exposing.metrics.clone());
    let running = Running::start(settings, &args.services, bus).await?;
    println!(
        "{} of {} ({}) serves {}, internal {}",
        args.names(", "),
        running.profile.name(),
        running.profile.code(),
        running.public(),
        running.internal()
    );
    exposing.iter().for_each(MetricsEndpoint::print);
    println!("ready in {} ms; Ctrl-C stops", begun.elapsed().as_millis());
    hubs::asked_to_stop().await?;
    println!("stopping: finishing calls in progress first");
    running.stop().await;
    Ok(())
}

/// Each process has a folder of its own, by what it serves; the public keys are the hub's.
fn settings(args: &Args, configuration: &Configuration) -> Result<Settings> {
    let profile = profiles::profile(configuration.one_hub()?)?;
    let folder = configuration.process.data.join(profile.code()).join(args.names("-"));
    let mut settings = Settings::embedded(profile, folder);
    configuration.apply(&mut settings, &args.services);
    settings.keys = configuration.keys_of_services(settings.profile.code(), &args.services);
    settings.public = configuration.process.public;
    settings.internal = configuration.process.internal;
    Ok(settings)
}
