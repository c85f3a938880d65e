//! `prove`: breaks a hub while buyers buy, and holds it to every promise.
//!
//! [`plan`] says what is broken and when, [`faults`] does it; [`buyers`], [`returns`], [`restocker`] and [`idle_clients`]
//! are the hub's clients, [`town`] what they share, [`retry`] how they ask, [`purchase_log`] what they remember, [`verdict`] what the hub is held to,
//! [`broker_return`] how soon events go out once the broker is back. To add a fault, add it to [`plan`] and [`faults`]; to add a promise, add a check to [`verdict`].

mod broker_return;
mod buyers;
mod faults;
mod idle_clients;
mod plan;
mod purchase_log;
mod restocker;
mod retry;
mod returns;
mod town;
mod verdict;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use futures::future::try_join_all;
use indicatif::ProgressBar;
use kernel::Clock;
use proof::deliveries;
use proof::invariants::{self, Report};
use proof::market::Market;
use proof::shop::SellerEntry;

use crate::configuration::{Configuration, Shape};
use crate::fleet::{Fleet, Ground, HUB};
use crate::{addresses, profiles, replay};
use broker_return::BrokerReturn;
use faults::FaultInjector;
use plan::{Fault, PlanOptions, PlannedFault};
use proof::deliveries::Window;
use town::{Buyer, Town};
use verdict::Bought;

/// Units on the shelves: two that last, three that are always nearly empty.
const STOCK: [i64; 5] = [1_000_000, 1_000_000, 4, 4, 4];
const SCARCE: [usize; 3] = [2, 3, 4];
/// How long the hub may take to come to rest once it is whole.
const SETTLE_PATIENCE: Duration = Duration::from_secs(180);

/// Break a hub while buyers buy, let it settle, and check through gRPC alone that nothing was lost. The exit status tells
/// the verdict.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many times a process is killed (SIGKILL), besides hangs and kills of the engines.
    #[arg(long, default_value = "20", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    kills: u32,
    /// Instead of these faults: only the broker goes away, this many times (killed, paused, stopped), and after each return
    /// all events must be published within 15 s. Needs --control, which is also called as `COMMAND pause kafka`, `unpause`, `stop`.
    #[arg(long, requires = "control", conflicts_with = "kills", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    broker_rounds: Option<u32>,
    /// The seed of the plan: the same number makes the same plan; a random one when absent.
    #[arg(long)]
    seed: Option<u64>,
    /// Over how long the faults are spread; as fast as possible when absent.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    minutes: Option<u32>,
    /// How many buyers buy.
    #[arg(long, default_value = "8", value_parser = clap::value_parser!(u32).range(1..=500))]
    buyers: u32,
    /// Processes of each service in the production shape.
    #[arg(long, default_value = "2", value_parser = clap::value_parser!(u32).range(1..=9))]
    instances: u32,
    /// Production: a command that breaks and restores the engines, called as `COMMAND kill kafka`, `COMMAND start postgres`;
    /// such as "cargo xtask engines" or "docker compose". Without it the engines are left alone.
    #[arg(long, value_name = "COMMAND")]
    control: Option<String>,
    /// Where the hub's data and logs are kept; when absent, a temporary folder that is removed if every check holds.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
}

/// Runs the command.
pub(crate) async fn run(args: Args, configuration: &Configuration) -> Result<()> {
    configuration.check_trial(&[HUB.to_owned()])?;
    let shape = configuration.process.shape;
    if shape == Shape::Embedded && args.control.is_some() {
        bail!("--control: only with --shape production");
    }
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    let folder = match &args.data {
        Some(folder) => folder.clone(),
        None => tempfile::Builder::new().prefix("entrepot-prove-").tempdir()?.keep(),
    };
    std::fs::create_dir_all(&folder).with_context(|| format!("--data: cannot use {}", folder.display()))?;
    let proved = prove(&args, configuration, seed, &folder).await;
    if matches!(proved, Ok(true)) {
        if args.data.is_none() {
            std::fs::remove_dir_all(&folder).context("removing the hub's data")?;
        }
        return Ok(());
    }
    println!("The hub's data and logs are in {}.", folder.display());
    if proved? { Ok(()) } else { bail!("a promise was broken; --seed {seed} repeats the plan") }
}

/// Whether all holds.
async fn prove(args: &Args, configuration: &Configuration, seed: u64, folder: &Path) -> Result<bool> {
    let fleet = Fleet::start(&ground(args, configuration, seed, folder)?).await?;
    let shape = configuration.process.shape;
    let steps = plan(args, shape, seed, &fleet);
    println!("{} shape, seed {seed}: {}.", shape, plan::Summary(&steps));
    println!("{} buyers; every event comes twice; some clients hang up or hang.\n", args.buyers);
    let town = Arc::new(open(&fleet).await?);
    invariants::settle(&town.hub, SETTLE_PATIENCE).await?;
    let before = invariants::check(&town.hub).await?;
    let loiterers =
        tokio::spawn(idle_clients::come(fleet.processes().iter().map(|post| post.public).collect()));
    let control = args.control.iter().flat_map(|control| control.split_whitespace().map(str::to_owned));
    let mut breaker = FaultInjector { fleet, control: control.collect() };
    let bought = break_while_buying(args, seed, &town, &steps, &mut breaker).await;
    loiterers.abort();
    let bought = bought?;
    let report = judge(&town, &bought, &before).await?;
    breaker.fleet.stop().await?;
    println!("\n{}", closing(&town, &bought.buyers, &steps));
    print!("{report}");
    let violations: usize = report.checks.iter().map(|check| check.violations.len()).sum();
    println!("\n{violations} violations; seed {seed}.");
    Ok(report.holds())
}

/// Lets the hub settle, and holds it to all that it promised.
async fn judge(town: &Town, bought: &Bought, before: &Report) -> Result<Report> {
    invariants::settle(&town.hub, SETTLE_PATIENCE).await?;
    let mut report = invariants::check(&town.hub).await?;
    let escrow_before = verdict::escrow(before, &town.currency);
    report.checks.extend(verdict::checks(town, bought, escrow_before, &report).await?);
    report.checks.push(deliveries::check(&town.hub).await?);
    if !bought.returns.is_empty() {
        report.checks.push(broker_return::check(&bought.returns));
    }
    Ok(report)
}

fn ground(args: &Args, configuration: &Configuration, seed: u64, folder: &Path) -> Result<Ground> {
    // A TOML integer is signed.
    let repeats = seed & (u64::MAX >> 1);
    let config = format!(
        "[sandbox]\nenabled = true\nday_length = \"0s\"\nrepeat_events_seed = {repeats}\n[order]\nlease_seconds = 1\n"
    );
    Ground::new(configuration, args.instances, folder, "prove", &config)
}

fn plan(args: &Args, shape: Shape, seed: u64, fleet: &Fleet) -> Vec<PlannedFault> {
    if let Some(rounds) = args.broker_rounds {
        return plan::rounds(seed, usize::try_from(rounds).unwrap_or(usize::MAX));
    }
    let of = |service: &str| -> Vec<usize> {
        fleet
            .processes()
            .iter()
            .enumerate()
            .filter(|(_, post)| post.serves(service))
            .map(|(place, _)| place)
            .collect()
    };
    let services = match shape {
        Shape::Embedded => vec![of("order")],
        Shape::Production => services::names().into_iter().map(of).collect(),
    };
    plan::make(&PlanOptions {
        seed,
        kills: usize::try_from(args.kills).unwrap_or(usize::MAX),
        services,
        drivers: of("order"),
        engines: args.control.is_some(),
        spread: args.minutes.map(|minutes| Duration::from_secs(u64::from(minutes) * 60)),
    })
}

async fn open(fleet: &Fleet) -> Result<Town> {
    let hub = fleet.hub()?;
    let profile = profiles::profile(HUB)?;
    let market =
        Market::open(&hub, &SellerEntry::thai(&format!("prove-{}", proof::request_id())), &STOCK).await?;
    Ok(Town {
        market,
        hub,
        currency: profile.currency().code().to_owned(),
        address: addresses::of(&profile),
        insistence: retry::RetryPolicy::default(),
        acknowledged: AtomicU64::new(0),
        closing: AtomicBool::new(false),
    })
}

/// Buyers buy while faults are injected; once the hub is healthy again, all finish what they have started.
async fn break_while_buying(
    args: &Args,
    seed: u64,
    town: &Arc<Town>,
    steps: &[PlannedFault],
    breaker: &mut FaultInjector,
) -> Result<Bought> {
    let run = proof::request_id();
    let buyers = (0..args.buyers)
        .map(|place| {
            let name = format!("buyer-{place}-{run}");
            Buyer::new(town.clone(), &name, seed.wrapping_add(u64::from(place)))
        })
        .collect::<Result<Vec<_>>>()?;
    let buying = try_join_all(buyers.into_iter().map(Buyer::buy_on));
    let filling = restocker::fill(town, &SCARCE);
    let breaking = async {
        let broken = break_all(town, steps, breaker).await;
        town.closing.store(true, Ordering::Relaxed);
        broken
    };
    let (buyers, mut filled, (without_broker, returns)) = tokio::try_join!(buying, filling, breaking)?;
    for (place, units) in STOCK.iter().enumerate() {
        *filled.entry(place).or_default() += units;
    }
    Ok(Bought { buyers, filled, without_broker, returns })
}

type Absences = (Vec<(Duration, u64)>, Vec<BrokerReturn>);

async fn break_all(town: &Town, steps: &[PlannedFault], breaker: &mut FaultInjector) -> Result<Absences> {
    let begun = Instant::now();
    let bar = replay::bar(steps.len(), "breaking");
    let (mut without_broker, mut returns) = (Vec::new(), Vec::new());
    let (listeners, machine) = (deliveries::listeners(&town.hub).await?, Clock::system());
    for step in steps {
        let (before, since) = (town.acknowledged.load(Ordering::Relaxed), machine.now());
        let done = breaker.take(step).await?;
        let orders = town.acknowledged.load(Ordering::Relaxed);
        let meanwhile = orders - before;
        let at = begun.elapsed().as_secs_f32();
        tell(&bar, &format!("{at:>6.1} s  {done}; {orders} orders, {meanwhile} meanwhile"));
        if matches!(step.fault, Fault::Engine(plan::Engine::Kafka) | Fault::Broker(_)) {
            without_broker.push((step.away, meanwhile));
        }
        if matches!(step.fault, Fault::Broker(_)) {
            let window = Window { since, until: machine.now() };
            let returned = BrokerReturn::measure(&town.hub, &listeners, window).await;
            tell(&bar, &format!("          {returned}"));
            returns.push(returned);
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok((without_broker, returns))
}

/// A line above the bar, or where there is no bar.
fn tell(bar: &ProgressBar, line: &str) {
    bar.suspend(|| println!("{line}"));
}

fn closing(town: &Town, buyers: &[Buyer], steps: &[PlannedFault]) -> String {
    let tries = &town.insistence.0;
    let mut refusals: BTreeMap<&str, u64> = BTreeMap::new();
    for (reason, count) in buyers.iter().flat_map(|buyer| &buyer.book.refusals) {
        *refusals.entry(reason).or_default() += count;
    }
    let refusals: Vec<String> = refusals.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    format!(
        "{}.\n{} orders acknowledged; {} requests answered, {} tries were not; refused: {}.\n",
        plan::Summary(steps),
        town.acknowledged.load(Ordering::Relaxed),
        tries.answered.load(Ordering::Relaxed),
        tries.unanswered.load(Ordering::Relaxed),
        if refusals.is_empty() { "none".to_owned() } else { refusals.join(", ") },
    )
}
