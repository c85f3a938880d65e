//! Buyers who buy as fast as they are answered, or at a rate of their own, whatever the answers take.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use proof::Session;
use proof::purchase::{self, OrderOptions};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::Status;

use super::tally::Tally;

/// Purchases of an open loop that are under way at once; more are not begun, and are told.
const UNDER_WAY_MAX: usize = 5_000;

/// What the buyers share.
pub(super) struct Shop {
    /// Signed in, each with a wallet that is full.
    pub(super) buyers: Vec<Session>,
    pub(super) variants: Vec<String>,
    pub(super) placing: OrderOptions,
}

/// Each buyer buys, and again when it is answered, for so long.
pub(super) async fn closed(shop: &Arc<Shop>, buyers: usize, lasts: Duration) -> Result<Tally> {
    let end = Instant::now() + lasts;
    let mut buying = JoinSet::new();
    for place in 0..buyers {
        let shop = shop.clone();
        buying.spawn(async move {
            let (mut tally, mut random) = (Tally::new()?, fastrand::Rng::new());
            while Instant::now() < end {
                shop.buy(place, &mut random, Instant::now(), &mut tally).await;
            }
            anyhow::Ok(tally)
        });
    }
    gather(buying).await
}

/// So many purchases a second are begun, for so long. Their time counts from when they were to begin: a hub that
/// stands still for a second does not keep its clients from being counted.
pub(super) async fn open(shop: &Arc<Shop>, rate: u32, lasts: Duration) -> Result<Tally> {
    let every = Duration::from_secs(1) / rate;
    let begin = Instant::now();
    let under_way = Arc::new(AtomicUsize::new(0));
    let mut buying = JoinSet::new();
    let mut tally = Tally::new()?;
    let mut intended = begin;
    for place in 0.. {
        if intended - begin >= lasts {
            break;
        }
        tokio::time::sleep_until(intended).await;
        if under_way.load(Ordering::Relaxed) >= UNDER_WAY_MAX {
            tally.not_begun += 1;
        } else {
            let (shop, under_way) = (shop.clone(), under_way.clone());
            under_way.fetch_add(1, Ordering::Relaxed);
            buying.spawn(async move {
                let (mut tally, mut random) = (Tally::new()?, fastrand::Rng::new());
                shop.buy(place, &mut random, intended, &mut tally).await;
                under_way.fetch_sub(1, Ordering::Relaxed);
                anyhow::Ok(tally)
            });
        }
        while let Some(done) = buying.try_join_next() {
            tally.add(&done??)?;
        }
        intended += every;
    }
    tally.add(&gather(buying).await?)?;
    Ok(tally)
}

async fn gather(mut buying: JoinSet<Result<Tally>>) -> Result<Tally> {
    let mut all = Tally::new()?;
    while let Some(one) = buying.join_next().await {
        all.add(&one??)?;
    }
    Ok(all)
}

impl Shop {
    /// One purchase: a landed price, an order, paid from the wallet.
    async fn buy(&self, place: usize, random: &mut fastrand::Rng, intended: Instant, tally: &mut Tally) {
        let buyer = &self.buyers[place % self.buyers.len()];
        let variant = self.variants[random.usize(..self.variants.len())].clone();
        match self.purchase(buyer, variant).await {
            Ok((quoted, placed)) => tally.bought(intended, quoted, placed),
            Err(status) => tally.failed(&status),
        }
    }

    async fn purchase(&self, buyer: &Session, variant: String) -> Result<(Duration, Duration), Status> {
        let begun = Instant::now();
        let quote = purchase::quote(buyer, &[(variant, 1)], "").await?;
        let quoted = begun.elapsed();
        purchase::place(buyer, &quote, &self.placing).await?;
        Ok((quoted, begun.elapsed() - quoted))
    }
}
