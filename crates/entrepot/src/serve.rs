//! `serve`: one service, or several, of a hub in the production shape: a process each.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, bail};
use runtime::{Settings, Spec};

use crate::engines::{Engines, Shape};
use crate::exposed::{Exposed, Exposing};
use crate::hubs::{self, DataFolder, Ports, Running};
use crate::settings::File;

/// Serve services of a hub in the production shape: one process each, on PostgreSQL and Kafka.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which: catalog, order, payment, logistics.
    #[arg(required = true, value_name = "SERVICE", value_parser = hubs::spec)]
    services: Vec<Spec>,
    /// The hub's profile: one that comes with the program (id, my, sg, th), or a path to a .toml file.
    #[arg(long, env = "ENTREPOT_HUB", default_value = "my", value_name = "HUB")]
    hub: String,
    /// Where another service's internal listener is, such as catalog=http://catalog:50052; one for each that is asked
    /// and does not run here. Several for one service are instances of it, which share the calls.
    #[arg(long = "peer", env = "ENTREPOT_PEERS", value_name = "SERVICE=URL", value_delimiter = ',', value_parser = peer)]
    peers: Vec<(String, String)>,
    /// The hub's key, the same for all of its services; `key.pem` in the hub's data folder when absent.
    #[arg(long, env = "ENTREPOT_KEY", value_name = "FILE")]
    key: Option<PathBuf>,
    #[command(flatten)]
    engines: Engines,
    #[command(flatten)]
    exposed: Exposed,
    #[command(flatten)]
    data: DataFolder,
    #[command(flatten)]
    ports: Ports,
    /// Settings of the hub: sandbox, rate, kafka and the services' own; see docs/configuration.md.
    #[arg(long, env = "ENTREPOT_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Args {
    /// The names of the services, with this between them.
    pub(crate) fn names(&self, between: &str) -> String {
        self.services.iter().map(|spec| spec.name).collect::<Vec<_>>().join(between)
    }

    /// The code of the hub, if there is such a profile.
    pub(crate) fn hub_code(&self) -> Option<String> {
        hubs::profile(&self.hub).ok().map(|profile| profile.code().to_owned())
    }

    /// Which of the services' processes it is, if it has a name.
    pub(crate) fn instance(&self) -> Option<String> {
        self.engines.instance.clone()
    }
}

/// `catalog=http://catalog:50052`.
fn peer(text: &str) -> Result<(String, String), String> {
    let (service, url) =
        text.split_once('=').ok_or("must be SERVICE=URL, such as catalog=http://catalog:50052")?;
    hubs::spec(service)?;
    Ok((service.to_owned(), url.to_owned()))
}

/// Runs the command.
pub(crate) async fn run(args: Args) -> Result<()> {
    let begun = Instant::now();
    if args.engines.shape == Shape::Embedded {
        bail!(
            "--shape: services are processes of their own in the production shape only; use `up` for the other"
        );
    }
    let file = args.config.as_deref().map(File::read).transpose()?.unwrap_or_default();
    let mut settings = settings(&args)?;
    file.apply(&mut settings, &args.services);
    let bus = args.engines.apply(&mut settings, &args.services, &file)?;
    let exposing = args.exposed.open().await?;
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
    exposing.iter().for_each(Exposing::print);
    println!("ready in {} ms; Ctrl-C stops", begun.elapsed().as_millis());
    hubs::asked_to_stop().await?;
    println!("stopping: calls under way are finished first");
    running.stop().await;
    Ok(())
}

fn settings(args: &Args) -> Result<Settings> {
    let profile = hubs::profile(&args.hub)?;
    let folder = args.data.folder.join(profile.code());
    let mut settings = Settings::embedded(profile, folder.join(args.names("-")));
    settings.key = args.key.clone().unwrap_or_else(|| folder.join("key.pem"));
    settings.public = args.ports.public;
    settings.internal = args.ports.internal;
    for (service, address) in &args.peers {
        settings.peers.entry(service.clone()).or_default().push(address.clone());
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_a_service_and_where_it_is() {
        assert_eq!(peer("order=http://o:1"), Ok(("order".to_owned(), "http://o:1".to_owned())));
        assert!(peer("order").unwrap_err().contains("SERVICE=URL"));
        assert!(peer("orders=http://o:1").unwrap_err().contains("catalog, order, payment, logistics"));
    }
}
