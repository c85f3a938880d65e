//! `adopt`: says that the databases of services are meant to be as they are.

use anyhow::{Context as _, Result};
use runtime::{Settings, Spec};

use crate::configuration::{Configuration, Shape};
use crate::{engines, profiles};

/// Accept the databases of services as they are, after one was restored by itself or after a known loss: the hub starts
/// with them from then on. Who did so is recorded among the requests (ListRequests) and in the table adoptions.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Whose, such as `order`. `entrepot services` lists them.
    #[arg(required = true, value_name = "SERVICE", value_parser = profiles::service)]
    services: Vec<Spec>,
    /// Who adopts them; the operating system's user when absent.
    #[arg(long, value_name = "NAME", value_parser = name)]
    by: Option<String>,
}

fn name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.chars().any(char::is_alphanumeric) {
        Ok(name.to_owned())
    } else {
        Err("must have a letter or a digit: it is recorded as the one who adopted the database".to_owned())
    }
}

/// Runs the command. On SQLite files the hub must be stopped.
pub(crate) async fn run(args: Args, configuration: &Configuration) -> Result<()> {
    let profile = profiles::profile(configuration.one_hub()?)?;
    let folder = configuration.process.data.join(profile.code());
    let mut settings = Settings::embedded(profile, folder);
    configuration.apply(&mut settings, services::ALL);
    if configuration.process.shape == Shape::Production {
        configuration.check_databases()?;
        engines::databases(configuration, &mut settings, services::ALL)?;
    }
    let user = || std::env::var("USER").ok().and_then(|user| name(&user).ok());
    let by = args.by.or_else(user).unwrap_or_else(|| "operator".to_owned());
    let adopting: Vec<&str> = args.services.iter().map(|spec| spec.name).collect();
    let adopted = runtime::adopt(&settings, services::ALL, &adopting, &by, services::ON_ADOPTION).await;
    for one in adopted.context("nothing was adopted")? {
        println!(
            "the database of {} of {} is adopted as it is, generation {}",
            one.service,
            settings.profile.name(),
            one.generation
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_adopts_has_a_name() {
        for blank in ["", " ", "--", "\u{200b}"] {
            assert!(name(blank).is_err(), "{blank:?}");
        }
        assert_eq!(name(" siti "), Ok("siti".to_owned()));
    }
}
