//! `token`: makes a bearer token of a hub.

use std::time::Duration;

use anyhow::Result;
use rpc::Role;

use crate::configuration::Configuration;
use crate::hubs;

/// Make a bearer token of a hub, for a client, an operator or a carrier.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// buyer, seller, operator, carrier or service.
    #[arg(long)]
    role: Role,
    /// Who: any name for a buyer, the seller's id (seller_…) for a seller, the carrier's code for a carrier.
    #[arg(long)]
    subject: String,
    /// How long it lasts, such as 1h or 30days.
    #[arg(long, default_value = "24h", value_parser = humantime::parse_duration)]
    ttl: Duration,
}

/// Runs the command.
pub(crate) fn run(args: &Args, configuration: &Configuration) -> Result<()> {
    let profile = hubs::profile(configuration.one_hub()?)?;
    let keys = hubs::keys(&configuration.key(profile.code()), profile.code())?;
    println!("{}", keys.sign(args.role, &args.subject, args.ttl)?);
    Ok(())
}
