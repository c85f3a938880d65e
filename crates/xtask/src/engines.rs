//! `cargo xtask engines`: what tests need besides Rust, private to this checkout.

use anyhow::Result;

use crate::postgres::{self, Postgres};

/// What to do with the engines.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Task {
    /// Start what is not running; installs it where it can.
    Up,
    /// Stop what `up` started, and remove its data.
    Down,
    /// Say what runs.
    Status,
}

/// Runs the command.
pub(crate) fn run(task: Task) -> Result<()> {
    match task {
        Task::Up => println!("{}={}", postgres::VARIABLE, Postgres::up()?.url()),
        Task::Down => match Postgres::running()? {
            Some(postgres) => {
                postgres.down()?;
                println!("PostgreSQL is stopped");
            }
            None => println!("PostgreSQL was not running"),
        },
        Task::Status => match Postgres::running()? {
            Some(postgres) => println!("PostgreSQL runs: {}={}", postgres::VARIABLE, postgres.url()),
            None => println!("PostgreSQL does not run: `cargo xtask engines up` starts one"),
        },
    }
    Ok(())
}
