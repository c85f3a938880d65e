//! `migrate`: brings a hub's PostgreSQL databases up to date, and ends; with an administrator, makes them first.

use std::path::PathBuf;

use anyhow::Result;
use runtime::{Settings, Spec};

use crate::engines::Engines;
use crate::{hubs, password, roles};

/// Bring the databases of a hub in the production shape up to date. However many run it at once, each migration runs
/// once.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Whose databases: catalog, order, payment, logistics; all when absent.
    #[arg(value_name = "SERVICE", value_parser = hubs::spec)]
    services: Vec<Spec>,
    /// The hub's profile: one that comes with the program (id, my, sg, th), or a path to a .toml file.
    #[arg(long, env = "ENTREPOT_HUB", default_value = "my", value_name = "HUB")]
    hub: String,
    /// An administrator (a superuser) of the PostgreSQL server, such as postgres://postgres@db:5432/postgres: makes
    /// the roles and databases that --database names, where they are missing, and sets their rights and passwords.
    #[arg(long, env = "ENTREPOT_ADMIN", value_name = "URL", hide_env_values = true)]
    admin: Option<String>,
    /// A file with the administrator's password, where --admin has none.
    #[arg(long, env = "ENTREPOT_ADMIN_PASSWORD_FILE", value_name = "FILE", requires = "admin")]
    admin_password_file: Option<PathBuf>,
    #[command(flatten)]
    engines: Engines,
}

/// Runs the command.
pub(crate) async fn run(args: Args) -> Result<()> {
    let specs = if args.services.is_empty() { hubs::SERVICES.to_vec() } else { args.services };
    let mut settings = Settings::embedded(hubs::profile(&args.hub)?, "");
    args.engines.apply_databases(&mut settings, &specs)?;
    if let Some(admin) = args.admin {
        let admin = password::put_into(admin, args.admin_password_file.as_ref(), "--admin-password-file")?;
        roles::provide(&admin, &settings).await?;
    }
    for spec in specs {
        runtime::migrate(&settings, &[spec]).await?;
        println!("{} of {} is up to date", spec.name, settings.profile.name());
    }
    Ok(())
}
