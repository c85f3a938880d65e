//! `bench`: how fast a hub is, or a part of it, and what that costs.
//!
//! A [`scenario`] says what [`work`] is done, again and again, to a [`subject`]; [`load`] does it, [`tally`] counts, [`counters`] asks the
//! databases what they did meanwhile, [`measure`] puts all that together, [`report`] makes the [`table`] of it.
//! [`against`] compares two builds by their tables. To measure something else, add a scenario: a file, and its row in
//! [`scenario::Scenario`].

mod against;
mod counters;
mod figure;
mod load;
mod measure;
mod preload;
mod report;
mod scenario;
mod subject;
mod table;
mod tally;
mod work;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};

use crate::configuration::Configuration;
use crate::fleet::HUB;
use load::Load;
use scenario::Scenario;

/// How long what the work has begun may take to be done.
const SETTLE_PATIENCE: Duration = Duration::from_secs(120);

/// Measure a hub started for this, or a service of it by itself: how much it does per second, how long that takes, and
/// what it costs.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Args {
    /// What is measured.
    #[arg(value_enum, default_value_t = Scenario::Purchase)]
    scenario: Scenario,
    /// How many buyers or other callers there are, each calling again as soon as it is answered; several numbers, with
    /// commas between, are measured one after the other [default: 1,16,64; of hot-sku and ledger 1,64,256; of events
    /// 1,64,1024].
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=2_000))]
    buyers: Vec<u32>,
    /// Begin this many purchases, or whatever else is measured, per second instead, however long the answers take.
    #[arg(long, conflicts_with = "buyers", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: Option<u32>,
    /// How long to measure, each time.
    #[arg(long, default_value = "20", value_parser = clap::value_parser!(u32).range(1..=3_600))]
    seconds: u32,
    /// Processes of each service in the production shape, where a hub is measured [default: 1].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=9))]
    instances: Option<u32>,
    /// Compare this build with another: the other (A) and this one (B) are measured alike in the order A B B A, each time
    /// on fresh databases.
    #[arg(long, value_name = "BINARY")]
    against: Option<PathBuf>,
    /// How many times A B B A is run.
    #[arg(long, requires = "against", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    #[command(flatten)]
    preload: preload::Args,
}

/// What a scenario is told.
struct Plan<'a> {
    configuration: &'a Configuration,
    /// Where its data are.
    folder: &'a Path,
    loads: Vec<Load>,
    /// How long each load is put on.
    lasts: Duration,
    /// Processes of each service.
    instances: u32,
    /// What the hub has before.
    preload: Option<preload::Preload>,
}

/// Runs the command.
pub(crate) async fn run(args: Args, configuration: &Configuration) -> Result<()> {
    configuration.check_trial(&[HUB.to_owned()])?;
    args.check()?;
    if let Some(other) = &args.against {
        return against::run(other, args.rounds, configuration).await;
    }
    let folder = tempfile::Builder::new().prefix("entrepot-bench-").tempdir()?;
    let plan = Plan {
        configuration,
        folder: folder.path(),
        loads: args.loads(),
        lasts: Duration::from_secs(u64::from(args.seconds)),
        instances: args.instances.unwrap_or(1),
        preload: args.preload.preload,
    };
    args.scenario.run(&plan).await
}

impl Args {
    /// Refuses what has no meaning for the scenario.
    fn check(&self) -> Result<()> {
        if self.instances.is_some() && !self.scenario.is_of_a_hub() {
            bail!(
                "--instances: is for scenarios that start a hub: purchase and browse; this one measures a part of one within this process"
            );
        }
        if self.preload.preload.is_some() && !self.scenario.is_of_a_hub() {
            bail!("--preload: is for scenarios that start a hub: purchase and browse");
        }
        Ok(())
    }

    fn loads(&self) -> Vec<Load> {
        if let Some(rate) = self.rate {
            return vec![Load::Open { rate }];
        }
        let callers = if self.buyers.is_empty() { self.scenario.callers() } else { &self.buyers };
        callers
            .iter()
            .map(|callers| Load::Closed { callers: *callers, name: self.scenario.caller() })
            .collect()
    }
}
