//! `bench`: how many whole purchases a hub carries, how long they take, and what they cost.
//!
//! [`load`] buys, [`tally`] counts, [`counters`] asks the hub what it did meanwhile, [`print`] tells.

mod counters;
mod load;
mod print;
mod tally;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::stream::{StreamExt as _, TryStreamExt as _};
use indicatif::ProgressBar;
use proof::market::Market;
use proof::purchase::{self, OrderOptions};
use proof::shop::SellerEntry;
use proof::{Hub, Session};
use proto::order::v1::PaymentMethod;
use proto::types::v1::Money;
use tokio::time::Instant;

use crate::configuration::Configuration;
use crate::fleet::{Fleet, Ground, HUB, Usage};
use crate::{addresses, profiles};
use counters::Counters;
use load::Shop;
use tally::Tally;

/// Goods, and units of each: nobody waits for another's row more than on a real shelf.
const GOODS: usize = 64;
const UNITS: i64 = 1_000_000_000;
/// What a wallet is filled with, in minor units.
const WALLET_MINOR: i64 = 100_000_000_000;
/// Wallets that are filled at once.
const FILLED_AT_ONCE: usize = 16;
/// How many buyers an open loop has.
const OPEN_BUYERS: usize = 256;
/// Before anything is counted.
const WARM_UP: Duration = Duration::from_secs(3);
/// How long what the orders have begun may take to be done.
const SETTLE_PATIENCE: Duration = Duration::from_secs(120);

/// Measure whole purchases at a hub started for this: a landed price, an order, paid from the wallet.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many buyers buy, each again as soon as it is answered; several numbers, with commas between, are measured
    /// one after the other.
    #[arg(long, default_value = "1,16,64", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=2_000))]
    buyers: Vec<u32>,
    /// Start this many purchases per second instead, however long the answers take.
    #[arg(long, conflicts_with = "buyers", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: Option<u32>,
    /// How long to measure, each time.
    #[arg(long, default_value = "20", value_parser = clap::value_parser!(u32).range(1..=3_600))]
    seconds: u32,
    /// Processes of each service in the production shape.
    #[arg(long, default_value = "1", value_parser = clap::value_parser!(u32).range(1..=9))]
    instances: u32,
}

/// One measurement.
struct Measured {
    /// What was asked of the hub.
    load: String,
    took: Duration,
    tally: Tally,
    /// What the hub's processes used, and this one.
    hub: Usage,
    client: Usage,
    /// What the whole machine used.
    machine: Duration,
    counted: Counters,
    /// How long the hub had to do afterwards.
    settled_in: Duration,
}

/// Runs the command.
pub(crate) async fn run(args: Args, configuration: &Configuration) -> Result<()> {
    configuration.check_trial(&[HUB.to_owned()])?;
    let folder = tempfile::Builder::new().prefix("entrepot-bench-").tempdir()?;
    let ground = ground(&args, configuration, folder.path())?;
    let fleet = Fleet::start(&ground).await?;
    println!("{}", print::opening(configuration.process.shape, args.instances, fleet.processes().len()));
    let measured = measure_all(&args, &fleet).await;
    let stopped = fleet.stop().await;
    print!("{}", print::closing(&measured?));
    stopped
}

fn ground(args: &Args, configuration: &Configuration, folder: &std::path::Path) -> Result<Ground> {
    // Parcels stand still: what is measured is buying, and what follows from it at once.
    let config = "[sandbox]\nenabled = true\nday_length = \"24h\"\n";
    Ground::new(configuration, args.instances, folder, "bench", config)
}

async fn measure_all(args: &Args, fleet: &Fleet) -> Result<Vec<Measured>> {
    let hub = fleet.hub()?;
    let most = args.buyers.iter().copied().max().map_or(Ok(OPEN_BUYERS), usize::try_from)?;
    let buyers = if args.rate.is_some() { OPEN_BUYERS } else { most };
    let shop = Arc::new(open(&hub, buyers).await?);
    let lasts = Duration::from_secs(u64::from(args.seconds));
    waiting("warming up", load::closed(&shop, buyers.min(16), WARM_UP)).await?;
    proof::invariants::settle(&hub, SETTLE_PATIENCE).await?;
    if let Some(rate) = args.rate {
        return Ok(vec![measure(fleet, &hub, format!("{rate}/s"), load::open(&shop, rate, lasts)).await?]);
    }
    let mut all = Vec::new();
    for buyers in &args.buyers {
        let load = load::closed(&shop, usize::try_from(*buyers)?, lasts);
        all.push(measure(fleet, &hub, format!("{buyers} buyers"), load).await?);
    }
    Ok(all)
}

async fn measure(
    fleet: &Fleet,
    hub: &Hub,
    load: String,
    buying: impl Future<Output = Result<Tally>>,
) -> Result<Measured> {
    let (before, hub_before, client_before) = (Counters::read(fleet).await?, fleet.usage(), own()?);
    let (begun, machine_before) = (Instant::now(), Usage::of_machine()?);
    let tally = waiting(&load, buying).await?;
    let took = begun.elapsed();
    let settling = Instant::now();
    waiting("letting the hub finish", proof::invariants::settle(hub, SETTLE_PATIENCE)).await?;
    let settled_in = settling.elapsed();
    // What the orders have begun is a part of what they cost.
    let counted = Counters::read(fleet).await?.since(&before);
    Ok(Measured {
        load,
        took,
        tally,
        hub: fleet.usage().since(&hub_before),
        client: own()?.since(&client_before),
        machine: Usage::of_machine()?.saturating_sub(machine_before),
        counted,
        settled_in,
    })
}

/// Goods, and buyers with full wallets.
async fn open(hub: &Hub, buyers: usize) -> Result<Shop> {
    let profile = profiles::profile(HUB)?;
    let run = proof::request_id();
    let market = Market::open(hub, &SellerEntry::thai(&format!("bench-{run}")), &[UNITS; GOODS]).await?;
    let currency = profile.currency().code();
    let fill = |place: usize| {
        let name = format!("buyer-{place}-{run}");
        async move { filled(hub.buyer(&name)?, currency).await }
    };
    let filling = futures::stream::iter(0..buyers).map(fill).buffered(FILLED_AT_ONCE).try_collect();
    let buyers: Vec<Session> = waiting("filling wallets", filling).await?;
    let placing = OrderOptions::new(addresses::of(&profile), PaymentMethod::Wallet);
    Ok(Shop { buyers, variants: market.variants, placing })
}

async fn filled(buyer: Session, currency: &str) -> Result<Session> {
    let amount = Money { currency: currency.to_owned(), minor_units: WALLET_MINOR };
    purchase::fund(&buyer, &amount).await?;
    Ok(buyer)
}

fn own() -> Result<Usage> {
    Usage::of(std::process::id()).context("what this process uses")
}

/// Shows that something is going on.
async fn waiting<T>(what: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    let spinner = ProgressBar::new_spinner().with_message(what.to_owned());
    spinner.enable_steady_tick(Duration::from_millis(100));
    let done = work.await;
    spinner.finish_and_clear();
    done
}

impl Measured {
    /// Purchases that were made.
    fn orders(&self) -> u64 {
        self.tally.purchases.len()
    }
}
