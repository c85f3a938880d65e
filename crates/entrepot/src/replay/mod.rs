//! `replay`: real retail orders, each through the whole journey of a hub.
//!
//! [`rows`] reads the file, [`plan`] makes invoices of it, [`goods`] tells what the goods are, [`listing`] lists them,
//! [`buyers`] orders and follows, [`returns`] matches the returns, [`summary`] tells what came of it.
//!
//! The wholesaler is a British seller on the hub's lane from GB. The buyers live in the hub's country; their own
//! country and the time of the invoice stay with the order as attributes. Prices are pounds, the clock is today's.

mod buyers;
mod goods;
mod listing;
mod plan;
mod returns;
mod rows;
mod summary;

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::MetadataExt as _;
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
    let parcels = args.parcels.clone().unwrap_or_else(|| args.file.with_file_name("parcels.csv.gz"));
    let bad_rows = BadRowsFile::new(&args, &configuration.process.data, &parcels)?;
    let plan = read(&args, bad_rows)?;
    let parcels =
        goods::Parcels::read(rows::open(&parcels)?).with_context(|| format!("in {}", parcels.display()))?;
    println!("{} parcels could not be used for weight and size", parcels.rows_skipped);
    let running = hubs::start_one(configuration, hubs::ClockSpeed::AtOnce).await?;
    if !running.profile.lanes().any(|lane| lane.from.as_str() == "GB") {
        bail!("hub {} has no lane from GB, where the wholesaler sells from", running.profile.code());
    }
    let outcome = play(&plan, &parcels, &running).await;
    running.stop().await;
    outcome
}

fn read(args: &Args, mut bad_rows: BadRowsFile) -> Result<plan::Plan> {
    let mut plan = plan::Plan::new(args.orders.map(usize::try_from).transpose()?);
    let spinner = ProgressBar::new_spinner().with_message(format!("reading {}", args.file.display()));
    spinner.enable_steady_tick(Duration::from_millis(100));
    let seen = |row: Result<rows::Row, rows::BadRow>| {
        if let Err(bad) = &row {
            bad_rows.write(bad)?;
        }
        plan.take(row)
    };
    let read = rows::open(&args.file).and_then(|file| rows::read(file, seen));
    spinner.finish_and_clear();
    println!("{} rows read, {} bad", plan.rows_count, plan.bad_rows.count);
    if let Some(written_to) = bad_rows.end()? {
        print!("{}", summary::bad_rows(&plan, &written_to));
    }
    read.with_context(|| format!("in {}", args.file.display()))?;
    plan.end();
    println!("{} orders of {} goods, {} returns", plan.invoices.len(), plan.goods.len(), plan.returns.len());
    Ok(plan)
}

/// The file of bad rows, which is made with the first of them.
struct BadRowsFile {
    path: PathBuf,
    file: Option<BufWriter<File>>,
}

impl BadRowsFile {
    /// Refuses a file that the replay reads.
    fn new(args: &Args, data: &Path, parcels: &Path) -> Result<Self> {
        let path = args.bad_rows.clone().unwrap_or_else(|| data.join("replay-bad-rows.txt"));
        for (input, what) in [(&*args.file, "the orders"), (parcels, "the parcels")] {
            if is_same_file(&path, input) {
                bail!("--bad-rows: {} is the file of {what}: name another", path.display());
            }
        }
        Ok(Self { path, file: None })
    }

    fn write(&mut self, bad: &rows::BadRow) -> Result<()> {
        let file = match self.file.take() {
            Some(file) => file,
            None => self.create()?,
        };
        let cannot = || format!("--bad-rows: cannot write {}", self.path.display());
        writeln!(self.file.insert(file), "{bad}").with_context(cannot)
    }

    fn create(&self) -> Result<BufWriter<File>> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("--bad-rows: cannot use {}", folder.display()))?;
        }
        let cannot = || format!("--bad-rows: cannot write {}", self.path.display());
        Ok(BufWriter::new(File::create(&self.path).with_context(cannot)?))
    }

    /// Where the rows are, if there are any.
    fn end(self) -> Result<Option<PathBuf>> {
        let Some(mut file) = self.file else { return Ok(None) };
        file.flush().with_context(|| format!("--bad-rows: cannot write {}", self.path.display()))?;
        Ok(Some(self.path))
    }
}

/// Whether two paths lead to one file, by whatever name or link.
fn is_same_file(one: &Path, other: &Path) -> bool {
    let id = |path: &Path| std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()));
    id(one).is_some_and(|id_of_one| id(other) == Some(id_of_one))
}

async fn play(plan: &plan::Plan, parcels: &goods::Parcels, running: &hubs::Running) -> Result<()> {
    let hub = running.proof()?;
    let wholesaler =
        shop::open(&hub, &listing::wholesaler()).await.context("opening the wholesaler's shop")?;
    let shelf = listing::fill(&wholesaler, plan, parcels).await?;
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
    returns::return_all(&shared, plan, &wholesaler.session, &mut tally).await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn args(file: &Path, bad_rows: &Path) -> Args {
        Args { file: file.to_owned(), orders: None, parcels: None, bad_rows: Some(bad_rows.to_owned()) }
    }

    #[test]
    fn bad_rows_never_go_over_what_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let text = "description,quantity,invoice_time,unit_price_gbp,customer_id,country\nMUG,x,,,,\n";
        for name in ["orders.csv", "parcels.csv"] {
            std::fs::write(path(name), text).unwrap();
        }
        std::os::unix::fs::symlink("orders.csv", path("link.csv")).unwrap();
        std::fs::hard_link(path("orders.csv"), path("other.csv")).unwrap();
        for name in ["orders.csv", "./orders.csv", "link.csv", "other.csv", "parcels.csv"] {
            let args = args(&path("orders.csv"), &path(name));
            let refused = BadRowsFile::new(&args, folder.path(), &path("parcels.csv")).err().unwrap();
            assert!(refused.to_string().starts_with("--bad-rows: "), "{refused}");
        }
        let args = args(&path("orders.csv"), &path("new/bad.txt"));
        let bad_rows = BadRowsFile::new(&args, folder.path(), &path("parcels.csv")).unwrap();
        assert_eq!(read(&args, bad_rows).unwrap().bad_rows.count, 1);
        assert_eq!(std::fs::read_to_string(path("orders.csv")).unwrap(), text);
        assert!(std::fs::read_to_string(path("new/bad.txt")).unwrap().starts_with("line 2: quantity"));
    }
}
