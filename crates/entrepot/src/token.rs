//! `token`: makes a bearer token of a hub, with its issuer's key.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use hub::Profile;
use kernel::{SellerId, excerpt};
use rpc::{Issuer, Role, SigningKey};

use crate::configuration::Configuration;
use crate::profiles;

/// Make a bearer token of a hub, for a client, an operator or a carrier.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// buyer, seller, operator or carrier.
    #[arg(long)]
    role: Role,
    /// Who: any name for a buyer or an operator, the seller's id (seller_…) for a seller, the carrier's code for a
    /// carrier.
    #[arg(long)]
    subject: String,
    /// How long it lasts, such as 1h or 30days; 90days at most.
    #[arg(long, default_value = "24h", value_parser = humantime::parse_duration)]
    ttl: Duration,
}

/// Runs the command.
pub(crate) fn run(args: &Args, configuration: &Configuration) -> Result<()> {
    let profile = profiles::profile(configuration.one_hub()?)?;
    check(args.role, &args.subject, &profile)?;
    let code = profile.code();
    let key = SigningKey::load_or_create(&key(configuration, code)?)?;
    println!("{}", Issuer::new(code, key).sign(args.role, &args.subject, args.ttl)?);
    Ok(())
}

/// Where the key of the hub's issuer is. One is made in a hub's folder alone, for a hub that has not been started yet: no
/// hub would take a token that was signed with a key elsewhere, nor with one that is not among its public keys.
fn key(configuration: &Configuration, code: &str) -> Result<PathBuf> {
    let key = configuration.issuer_key(code);
    let folder = configuration.process.data.join(code);
    let is_new = key.parent() == Some(&folder) && folder.is_dir();
    if key.exists() || (is_new && !configuration.public_keys(code).exists()) {
        return Ok(key);
    }
    let (key, folder) = (key.display(), folder.display());
    bail!(
        "there is no key {key}, and no hub would accept a token of another one: `up` creates it when it starts, and \
         `entrepot keys make` for services that run by themselves; to create it earlier, create the folder {folder} first"
    );
}

/// Refuses whom every RPC would refuse.
fn check(role: Role, subject: &str, profile: &Profile) -> Result<()> {
    let found = excerpt(subject);
    match role {
        Role::Buyer | Role::Operator => {}
        Role::Seller => {
            if let Err(error) = subject.parse::<SellerId>() {
                bail!("--subject: a seller's subject is its id: {error}");
            }
        }
        Role::Carrier => {
            if profile.carrier(subject).is_none() {
                let known =
                    profile.carriers().iter().map(|carrier| carrier.code.as_str()).collect::<Vec<_>>();
                bail!(
                    "--subject: `{found}` is not a carrier of {}: use {}",
                    profile.name(),
                    known.join(" or ")
                );
            }
        }
        Role::Service => bail!("--role: {}", rpc::KeyError::ServiceRole),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::tests::told;

    #[test]
    fn nobody_gets_a_token_that_every_call_refuses() {
        let profile = profiles::profile("my").unwrap();
        let seller = SellerId::new().to_string();
        let carrier = profile.carriers()[0].code.clone();
        let fine = [
            (Role::Buyer, "aisyah"),
            (Role::Operator, "me"),
            (Role::Seller, &seller),
            (Role::Carrier, &carrier),
        ];
        for (role, subject) in fine {
            assert!(check(role, subject, &profile).is_ok(), "{role} {subject}");
        }
        for role in [Role::Seller, Role::Carrier] {
            let error = check(role, &"x".repeat(9_000), &profile).unwrap_err().to_string();
            assert!(error.starts_with("--subject: ") && error.len() < 300, "{error}");
        }
        let error = check(Role::Service, "order", &profile).unwrap_err().to_string();
        assert!(error.starts_with("--role: the issuer signs only for people"), "{error}");
    }

    #[test]
    fn a_key_is_made_in_a_hubs_folder_alone() {
        let data_folder = tempfile::tempdir().unwrap();
        let folder = data_folder.path().join("my");
        let args = Args { role: Role::Buyer, subject: "aisyah".to_owned(), ttl: Duration::from_secs(60) };
        let data = ("DATA", data_folder.path().to_str().unwrap());
        let error = run(&args, &told(&[data]).unwrap()).unwrap_err().to_string();
        assert!(error.contains(&format!("create the folder {} first", folder.display())), "{error}");
        assert!(!folder.exists());
        std::fs::create_dir(&folder).unwrap();
        let mistyped = data_folder.path().join("kye.pem");
        let error = run(&args, &told(&[data, ("KEY", mistyped.to_str().unwrap())]).unwrap());
        assert!(error.unwrap_err().to_string().starts_with("there is no key ") && !mistyped.exists());
        run(&args, &told(&[data]).unwrap()).unwrap();
        assert!(folder.join("key.pem").exists());
        // Among the public keys a new one would not be.
        std::fs::rename(folder.join("key.pem"), folder.join("jwks.json")).unwrap();
        assert!(run(&args, &told(&[data]).unwrap()).is_err() && !folder.join("key.pem").exists());
    }
}
