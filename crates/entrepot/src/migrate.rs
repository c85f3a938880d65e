//! `migrate`: brings a hub's PostgreSQL databases up to date, and ends; with an administrator, makes them first.

use anyhow::{Context as _, Result};
use runtime::{Settings, Spec};

use crate::configuration::Configuration;
use crate::{engines, password, profiles, roles};

/// Bring the databases of a hub in the production shape up to date. However many run it at once, each migration runs
/// once.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Whose databases, such as `order`; all when absent. `entrepot services` lists the services.
    #[arg(value_name = "SERVICE", value_parser = profiles::service)]
    services: Vec<Spec>,
}

/// Runs the command.
pub(crate) async fn run(args: Args, configuration: &Configuration) -> Result<()> {
    configuration.check_databases()?;
    let specs = if args.services.is_empty() { services::ALL.to_vec() } else { args.services };
    let mut settings = Settings::embedded(profiles::profile(configuration.one_hub()?)?, "");
    configuration.apply(&mut settings, &specs);
    engines::databases(configuration, &mut settings, &specs)?;
    provide(configuration, &settings).await?;
    for spec in specs {
        runtime::migrate(&settings, &[spec]).await.context("database.url")?;
        println!("{} of {} is up to date", spec.name, settings.profile.name());
    }
    Ok(())
}

/// Makes the roles and databases of these settings that are missing, if an administrator is named.
pub(crate) async fn provide(configuration: &Configuration, settings: &Settings) -> Result<()> {
    match admin(configuration)? {
        Some(url) => roles::provide(&url, settings).await,
        None => Ok(()),
    }
}

/// The administrator's URL with its password, if one is named.
pub(crate) fn admin(configuration: &Configuration) -> Result<Option<String>> {
    let admin = &configuration.admin;
    Ok(match (&admin.url, &admin.password) {
        (Some(url), Some(password)) => Some(password::put_into(url, password).context("admin.url")?),
        (url, _) => url.clone(),
    })
}
