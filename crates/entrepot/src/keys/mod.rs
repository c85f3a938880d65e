//! `keys`: makes the keys of a hub, and puts others in their place while it serves.

mod keyring;

use anyhow::Result;
use chrono::{DateTime, Utc};
use kernel::Clock;
use rpc::Holder;

use crate::configuration::Configuration;
use crate::profiles;
pub(crate) use keyring::Keyring;
use keyring::{KeyState, Waits};

/// Make the keys of a hub, and replace them while it serves.
///
/// The issuer's key signs for people and belongs to whoever makes tokens; each service signs its own calls with a key of its
/// own; all verify by the public keys in jwks.json. To replace a key: publish, sign, and later withdraw; each step says when
/// the next may follow, and does no harm when it is repeated.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    step: RotationStep,
}

#[derive(Debug, clap::Subcommand)]
enum RotationStep {
    /// Make the keys that are missing, of the issuer and of each service, and put all into jwks.json.
    Make,
    /// Show the public keys, and what may be done with each.
    List,
    /// Make the next key of a holder and put it into jwks.json, so that all come to know it.
    Publish {
        /// `issuer`, or the name of a service.
        #[arg(value_parser = holder)]
        holder: Holder,
    },
    /// Have a holder sign with its next key, once all know it.
    Sign {
        /// `issuer`, or the name of a service.
        #[arg(value_parser = holder)]
        holder: Holder,
        /// At once, since the key is in wrong hands: those that do not know the next one yet refuse it for a while.
        #[arg(long)]
        now: bool,
    },
    /// Take a holder's former keys out of jwks.json, once nothing that they have signed is valid any more.
    Withdraw {
        /// `issuer`, or the name of a service.
        #[arg(value_parser = holder)]
        holder: Holder,
        /// At once, since the key is in wrong hands: all that it has signed is refused.
        #[arg(long)]
        now: bool,
    },
}

fn holder(text: &str) -> Result<Holder, String> {
    match text {
        "issuer" => Ok(Holder::Issuer),
        name => match profiles::service(name) {
            Ok(spec) => Ok(Holder::Service(spec.name.to_owned())),
            Err(known) => Err(format!("must be issuer or a service: {known}")),
        },
    }
}

/// Runs the command.
pub(crate) fn run(args: &Args, configuration: &Configuration) -> Result<()> {
    let profile = profiles::profile(configuration.one_hub()?)?;
    let keyring = Keyring::of(configuration, profile.code());
    let now = Clock::system().now();
    let waits = |now: bool| if now { Waits::Not } else { Waits::AsNeeded };
    match &args.step {
        RotationStep::Make => {
            for file in keyring.make(now)? {
                println!("made {}", file.display());
            }
            println!("{} has the public keys", keyring.set_file().display());
        }
        RotationStep::List => list(&keyring)?,
        RotationStep::Publish { holder } => {
            let (kid, from) = keyring.publish(holder, now)?;
            println!("{kid} of {} is published; it may sign from {}", name(holder), shown(from));
        }
        RotationStep::Sign { holder, now: at_once } => {
            let (kid, from) = keyring.sign(holder, now, waits(*at_once))?;
            println!("{} signs with {kid}", name(holder));
            if let Some(from) = from {
                println!("its former key may be withdrawn from {}", shown(from));
            }
        }
        RotationStep::Withdraw { holder, now: at_once } => {
            for kid in keyring.withdraw(holder, now, waits(*at_once))? {
                println!("{kid} of {} is withdrawn", name(holder));
            }
        }
    }
    Ok(())
}

fn list(keyring: &Keyring) -> Result<()> {
    for (key, state) in keyring.list()? {
        let state = match state {
            KeyState::Signs => "signs".to_owned(),
            KeyState::Next(from) => format!("published, may sign from {}", shown(from)),
            KeyState::Former(from) => format!("no longer signs, may be withdrawn from {}", shown(from)),
            KeyState::Elsewhere => "its private key is not here".to_owned(),
        };
        println!("{:<12} {}  {state}", name(&key.holder), key.kid());
    }
    Ok(())
}

fn name(holder: &Holder) -> &str {
    match holder {
        Holder::Issuer | Holder::Shared => "issuer",
        Holder::Service(name) => name,
    }
}

fn shown(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
