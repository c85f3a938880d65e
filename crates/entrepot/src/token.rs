//! `token`: makes a bearer token of a hub.

use std::time::Duration;

use anyhow::{Result, bail};
use hub::Profile;
use kernel::{SellerId, excerpt};
use rpc::Role;

use crate::configuration::Configuration;
use crate::hubs;

/// Make a bearer token of a hub, for a client, an operator or a carrier.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// buyer, seller, operator, carrier or service.
    #[arg(long)]
    role: Role,
    /// Who: any name for a buyer or an operator, the seller's id (seller_…) for a seller, the carrier's code for a
    /// carrier, the service's name for a service.
    #[arg(long)]
    subject: String,
    /// How long it lasts, such as 1h or 30days; 90days at most.
    #[arg(long, default_value = "24h", value_parser = humantime::parse_duration)]
    ttl: Duration,
}

/// Runs the command.
pub(crate) fn run(args: &Args, configuration: &Configuration) -> Result<()> {
    let profile = hubs::profile(configuration.one_hub()?)?;
    check(args.role, &args.subject, &profile)?;
    let keys = hubs::keys(&configuration.key(profile.code()), profile.code())?;
    println!("{}", keys.sign(args.role, &args.subject, args.ttl)?);
    Ok(())
}

/// Refuses whom every RPC would refuse.
fn check(role: Role, subject: &str, profile: &Profile) -> Result<()> {
    let found = excerpt(subject);
    match role {
        Role::Buyer | Role::Operator => {}
        Role::Seller => {
            if let Err(error) = subject.parse::<SellerId>() {
                bail!("--subject: a seller's is its id: {error}");
            }
        }
        Role::Carrier => {
            if profile.carrier(subject).is_none() {
                let known =
                    profile.carriers().iter().map(|carrier| carrier.code.as_str()).collect::<Vec<_>>();
                bail!("--subject: `{found}` is no carrier of {}: use {}", profile.name(), known.join(" or "));
            }
        }
        Role::Service => {
            if let Err(known) = hubs::spec(subject) {
                bail!("--subject: `{found}` is no service: {known}");
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_gets_a_token_that_every_call_refuses() {
        let profile = hubs::profile("my").unwrap();
        let seller = SellerId::new().to_string();
        let carrier = profile.carriers()[0].code.clone();
        let fine = [
            (Role::Buyer, "aisyah"),
            (Role::Operator, "me"),
            (Role::Seller, &seller),
            (Role::Carrier, &carrier),
            (Role::Service, "order"),
        ];
        for (role, subject) in fine {
            assert!(check(role, subject, &profile).is_ok(), "{role} {subject}");
        }
        for role in [Role::Seller, Role::Carrier, Role::Service] {
            let error = check(role, &"x".repeat(9_000), &profile).unwrap_err().to_string();
            assert!(error.starts_with("--subject: ") && error.len() < 300, "{error}");
        }
    }
}
