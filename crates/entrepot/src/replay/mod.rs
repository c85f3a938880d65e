//! `replay`: real retail orders, each through the whole journey of a hub.
//!
//! [`rows`] reads the file, [`plan`] makes invoices of it, [`goods`] tells what the goods are, [`shelf`] lists them,
//! [`buyers`] orders and follows, [`backwards`] matches the returns, [`summary`] tells what came of it.
//!
//! The wholesaler is a British seller on the hub's lane from GB. The buyers live in the hub's country; their own
//! country and the time of the invoice stay with the order as attributes. Prices are pounds, the clock is today's.

mod backwards;
mod buyers;
mod goods;
mod plan;
mod rows;
mod shelf;
mod summary;

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use proof::{invariants, shop};

use crate::configuration::Configuration;
use crate::hubs;

/// How long the hub may take to come to rest at the end.
const SETTLE_PATIENCE: Duration = Duration::from_secs(120);

/// Feed a file of real retail orders through a hub.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// CSV of orders, plain or .gz, with the columns description, quantity, invoice_time, unit_price_gbp,
    /// customer_id and country.
    file: PathBuf,
    /// How many orders to play; all of the file when absent.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    orders: Option<u32>,
    /// CSV of parcels for weight and size, plain or .gz; `parcels.csv.gz` beside the orders when absent.
    #[arg(long)]
    parcels: Option<PathBuf>,
    /// Where every bad row is written with its line and reason; `replay-bad-rows.txt` in the data folder when absent.
    #[arg(long, value_name = "FILE")]
    bad_rows: Option<PathBuf>,
}

/// Runs the command.
pub(crate) async fn run(args: Args, configuration: &Configuration) -> Result<()> {
    let plan = read(&args, &configuration.process.data)?;
    let parcels = args.parcels.clone().unwrap_or_else(|| args.file.with_file_name("parcels.csv.gz"));
    let parcels =
        goods::Parcels::read(rows::open(&parcels)?).with_context(|| format!("in {}", parcels.display()))?;
    println!("{} parcels could not be used for weight and size", parcels.rows_skipped);
    let running = hubs::start_one(configuration, hubs::Pace::AtOnce).await?;
    if !running.profile.lanes().any(|lane| lane.from.as_str() == "GB") {
        bail!("hub {} has no lane from GB, where the wholesaler sells from", running.profile.code());
    }
    let outcome = play(&plan, &parcels, &running).await;
    running.stop().await;
    outcome
}

fn read(args: &Args, data: &Path) -> Result<plan::Plan> {
    let mut plan = plan::Plan::default();
    let spinner = ProgressBar::new_spinner().with_message(format!("reading {}", args.file.display()));
    spinner.enable_steady_tick(Duration::from_millis(100));
    let written_to = args.bad_rows.clone().unwrap_or_else(|| data.join("replay-bad-rows.txt"));
    let mut written: Option<BufWriter<File>> = None;
    let seen = |row: Result<rows::Row, rows::BadRow>| {
        if let Err(bad) = &row {
            let file = match written.take() {
                Some(file) => file,
                None => bad_rows_file(&written_to)?,
            };
            let cannot = || format!("--bad-rows: cannot write {}", written_to.display());
            writeln!(written.insert(file), "{bad}").with_context(cannot)?;
        }
        plan.take(row);
        Ok(())
    };
    rows::read(rows::open(&args.file)?, seen).with_context(|| format!("in {}", args.file.display()))?;
    spinner.finish_and_clear();
    println!("{} rows read, {} bad", plan.rows_count, plan.bad_rows.count);
    if let Some(mut file) = written {
        file.flush().with_context(|| format!("--bad-rows: cannot write {}", written_to.display()))?;
        print!("{}", summary::bad_rows(&plan, &written_to));
    }
    if let Some(orders) = args.orders {
        plan.limit(usize::try_from(orders)?);
    }
    println!("{} orders of {} goods, {} returns", plan.invoices.len(), plan.goods.len(), plan.returns.len());
    Ok(plan)
}

fn bad_rows_file(path: &Path) -> Result<BufWriter<File>> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("--bad-rows: cannot use {}", folder.display()))?;
    }
    let file = File::create(path).with_context(|| format!("--bad-rows: cannot write {}", path.display()))?;
    Ok(BufWriter::new(file))
}

async fn play(plan: &plan::Plan, parcels: &goods::Parcels, running: &hubs::Running) -> Result<()> {
    let hub = running.proof()?;
    let wholesaler = shop::open(&hub, &shelf::wholesaler()).await.context("opening the wholesaler's shop")?;
    let shelf = shelf::fill(&wholesaler, plan, parcels).await?;
    let shared = Arc::new(buyers::Play::new(running, hub.clone(), shelf.variants));
    let (begun, before) = (Instant::now(), running.statistics());
    let mut tally = buyers::order_all(&shared, plan).await?;
    let after = running.statistics();
    let work = summary::Work {
        time: begun.elapsed(),
        commits: after.0.saturating_sub(before.0),
        statements: after.1.saturating_sub(before.1),
    };
    tally.unnamed_goods = shelf.unnamed;
    tally.goods_listed = shelf.listed;
    tally.goods_rejected = shelf.rejected;
    backwards::return_all(&shared, plan, &wholesaler.session, &mut tally).await?;
    invariants::settle(&hub, SETTLE_PATIENCE).await?;
    let report = invariants::check(&hub).await?;
    print!("{}", summary::closing(plan, &tally, &report, &work));
    if !report.holds() {
        bail!("an invariant is broken");
    }
    Ok(())
}

/// A bar for work of a known size.
pub(crate) fn bar(size: usize, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:>10} {wide_bar} {pos}/{len} {per_sec} {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(u64::try_from(size).unwrap_or(u64::MAX)).with_style(style).with_message(what)
}
