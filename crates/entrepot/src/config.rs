//! `config`: what the settings are here, and what settings there are.

use std::io::{ErrorKind, Write as _};

use anyhow::Result;
use settings::Sources;

use crate::configuration::{self, Configuration};

/// Show the settings in effect and where each comes from; or say what is wrong with them.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Every setting: its names, what is allowed, its default, and what it is for.
    #[arg(long, group = "what")]
    explain: bool,
    /// A configuration file with every setting, commented out at its default.
    #[arg(long, group = "what")]
    template: bool,
    /// Every setting as a row of a table in Markdown.
    #[arg(long, group = "what", hide = true)]
    table: bool,
}

/// Runs the command. `sources` are what this process was told.
pub(crate) fn run(args: &Args, sources: Sources) -> Result<()> {
    let all = configuration::all();
    let text = if args.explain {
        format!("{}\n{}", settings::RULES, settings::explain(&all))
    } else if args.template {
        settings::template(&all)
    } else if args.table {
        settings::table(&all)
    } else {
        let configuration = Configuration::read(sources)?;
        configuration.check(&configuration.process.hub)?;
        configuration.resolved.renamed().iter().for_each(|renamed| eprintln!("{renamed}"));
        settings::resolved(&configuration.resolved)
    };
    match std::io::stdout().write_all(text.as_bytes()) {
        // Who reads no further has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
