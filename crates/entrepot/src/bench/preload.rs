//! `--preload`: a hub with a history before anything is measured.
//!
//! The hub makes a few real orders through its API, each at a seller of its own, and stops. Then each service repeats its
//! own part of them in its own database, set-wise ([`services::history`]), and the hub starts again; so SQLite has one
//! writer at a time, and no event, timer or sweep is under way. What the hub then has to hold is checked.
//!
//! States and times are such that the hub has nothing to do for the history by itself. Its orders are confirmed: paid,
//! their money in escrow, their parcels booked. No parcel moves and none is delivered, so no escrow is due; sagas are
//! settled; quotes are open for another year, so that none is looked at to be forgotten; the ledger is counted. Outboxes,
//! inboxes and requests have nothing of it: the events are said to have taken effect, and to be forgotten, long ago.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use proof::{invariants, originals};
use runtime::Settings;
use services::history::{Databases, Plan, Writer};
use tokio::time::Instant;

use super::SETTLE_PATIENCE;
use crate::configuration::{Configuration, Shape};
use crate::fleet::{Fleet, Ground, HUB};
use crate::{addresses, engines, profiles};

/// Orders that are made to be repeated, and sellers.
const ORIGINALS: usize = 50;
/// How many orders a buyer has.
const ORDERS_PER_BUYER: u64 = 20;
/// The most of either.
const MOST: u64 = 100_000_000;

/// What a hub has before it is measured.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Goods and orders that the hub has before it is measured, such as `products=1000000,orders=1000000`.
    #[arg(long, value_name = "WHAT=COUNT,...")]
    pub(super) preload: Option<Preload>,
}

/// How many of what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Preload {
    products: u64,
    orders: u64,
}

impl FromStr for Preload {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut counts = BTreeMap::new();
        for part in text.split(',') {
            let (name, count) = part.split_once('=').ok_or_else(|| {
                format!("`{part}` has no count: such as products=100000 or orders=100000 is allowed")
            })?;
            if !["products", "orders"].contains(&name) {
                return Err(format!("`{name}` cannot be preloaded: products and orders can"));
            }
            let read = count.parse().ok().filter(|count| (1..=MOST).contains(count));
            let count: u64 = read.ok_or_else(|| {
                format!("{name}: `{count}` is not allowed: a whole number from 1 to {MOST} is")
            })?;
            if counts.insert(name, count).is_some() {
                return Err(format!("{name}: is there twice: once is allowed"));
            }
        }
        let count = |name| counts.get(name).copied().unwrap_or_default();
        Ok(Self { products: count("products"), orders: count("orders") })
    }
}

impl Preload {
    /// Starts a hub on this ground that has all this.
    pub(super) async fn start(self, configuration: &Configuration, ground: &Ground) -> Result<Fleet> {
        let name = format!("h{}", proof::request_id().split('-').next_back().unwrap_or_default());
        let fleet = Fleet::start(ground).await?;
        let hub = fleet.hub()?;
        let profile = profiles::profile(HUB)?;
        let address = addresses::of(&profile);
        let made = originals::make(&hub, &name, ORIGINALS, &address).await?;
        invariants::settle(&hub, SETTLE_PATIENCE).await?;
        fleet.stop().await?;

        let settings = settings(configuration, ground)?;
        let databases = Databases::connect(|service| settings.database_url(service)).await?;
        let plan = Plan {
            name,
            products: self.products,
            orders: self.orders,
            orders_per_buyer: ORDERS_PER_BUYER,
            until: kernel::Clock::system().now(),
        };
        let written = self.write(&databases, made, plan).await;
        databases.close().await;
        let written = written?;
        eprintln!("{written}");

        let fleet = Fleet::start(ground).await?;
        check(&fleet).await?;
        Ok(fleet)
    }

    /// Writes it; how long that took.
    async fn write(self, databases: &Databases, made: Vec<kernel::OrderId>, plan: Plan) -> Result<String> {
        let writer = Writer::new(databases, made, plan).await?;
        let mut told = String::from("Preloaded:");
        let begun = Instant::now();
        let products = bar("products", self.products);
        writer.products(|more| products.inc(more)).await?;
        products.finish_and_clear();
        write!(told, " {},", rate("products", self.products, begun.elapsed()))?;
        let begun = Instant::now();
        let orders = bar("orders", self.orders);
        writer.orders(|more| orders.inc(more)).await?;
        orders.finish_and_clear();
        write!(told, " {}.", rate("orders", self.orders, begun.elapsed()))?;
        Ok(told)
    }
}

/// Refuses a hub in which something does not hold.
async fn check(fleet: &Fleet) -> Result<()> {
    let hub = fleet.hub()?;
    invariants::settle(&hub, SETTLE_PATIENCE).await?;
    let mut report = invariants::check(&hub).await?;
    report.checks.push(proof::deliveries::check(&hub).await?);
    eprintln!("{report}");
    if !report.holds() {
        bail!("the preloaded hub is not whole");
    }
    Ok(())
}

/// Where the databases of the fleet on this ground are.
fn settings(configuration: &Configuration, ground: &Ground) -> Result<Settings> {
    let mut settings = Settings::embedded(profiles::profile(HUB)?, ground.data());
    if configuration.process.shape == Shape::Production {
        engines::databases(configuration, &mut settings, services::ALL)?;
    }
    Ok(settings)
}

fn bar(what: &'static str, count: u64) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{msg} {wide_bar} {human_pos}/{human_len}, {per_sec}, {eta} left");
    let bar = ProgressBar::new(count).with_message(what);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn rate(what: &str, count: u64, took: Duration) -> String {
    let per_second = u128::from(count) * 1_000 / took.as_millis().max(1);
    format!("{count} {what} in {:.1} s, {per_second}/s", took.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_preloaded_is_read() {
        assert_eq!("products=3,orders=7".parse(), Ok(Preload { products: 3, orders: 7 }));
        assert_eq!("orders=7".parse(), Ok(Preload { products: 0, orders: 7 }));
    }

    #[test]
    fn what_cannot_be_preloaded_is_refused_with_what_can() {
        for (text, told) in [
            ("buyers=3", "`buyers` cannot be preloaded: products and orders can"),
            ("", "`` has no count"),
            ("products", "`products` has no count"),
            ("orders=0", "orders: `0` is not allowed: a whole number from 1 to 100000000 is"),
            ("orders=1e6", "orders: `1e6` is not allowed"),
            ("orders=1,orders=2", "orders: is there twice"),
        ] {
            let error = text.parse::<Preload>().unwrap_err();
            assert!(error.starts_with(told), "{error}");
        }
    }
}
