//! Whole purchases: a landed price, an order, paid from the wallet.

use std::time::Instant;

use anyhow::Result;
use futures::stream::{StreamExt as _, TryStreamExt as _};
use proof::market::Market;
use proof::purchase::{self, OrderOptions};
use proof::shop::SellerEntry;
use proof::{Hub, Session};
use proto::order::v1::PaymentMethod;
use proto::types::v1::Money;
use tonic::Status;

use crate::bench::Plan;
use crate::bench::subject::WholeHub;
use crate::bench::tally::Parts;
use crate::bench::work::{Unit, Work};
use crate::fleet::HUB;
use crate::{addresses, profiles};

/// Goods, and units of each: nobody waits for another's row more than on a real shelf.
const GOODS: usize = 64;
const UNITS: i64 = 1_000_000_000;
/// What a wallet is filled with, in minor units.
const WALLET_MINOR: i64 = 100_000_000_000;
/// Wallets that are filled at once.
const FILLED_AT_ONCE: usize = 16;

/// What the buyers share.
pub(super) struct Shop {
    /// Signed in, each with a wallet that is full.
    buyers: Vec<Session>,
    variants: Vec<String>,
    placing: OrderOptions,
}

impl Work for Shop {
    const UNIT: Unit =
        Unit { one: "order", many: "orders", whole: "purchase", parts: &["its price", "its order"] };
    type Subject = WholeHub;

    async fn start(plan: &Plan<'_>) -> Result<WholeHub> {
        WholeHub::start(plan).await
    }

    async fn prepare(WholeHub { hub, .. }: &WholeHub, callers: usize) -> Result<Self> {
        let profile = profiles::profile(HUB)?;
        let seller = SellerEntry::thai(&format!("bench-{}", proof::request_id()));
        let market = Market::open(hub, &seller, &[UNITS; GOODS]).await?;
        let buyers = filled_wallets(hub, callers, profile.currency().code()).await?;
        let placing = OrderOptions::new(addresses::of(&profile), PaymentMethod::Wallet);
        Ok(Self { buyers, variants: market.variants, placing })
    }

    async fn once(&self, caller: usize, random: &mut fastrand::Rng) -> Result<Parts, Status> {
        let buyer = &self.buyers[caller % self.buyers.len()];
        let variant = self.variants[random.usize(..self.variants.len())].clone();
        let begun = Instant::now();
        let quote = purchase::quote(buyer, &[(variant, 1)], "").await?;
        let quoted = begun.elapsed();
        purchase::place(buyer, &quote, &self.placing).await?;
        Ok(vec![(0, quoted), (1, begun.elapsed() - quoted)])
    }
}

/// So many buyers, each with a full wallet.
pub(super) async fn filled_wallets(hub: &Hub, buyers: usize, currency: &str) -> Result<Vec<Session>> {
    let run = proof::request_id();
    let fill = |place: usize| {
        let name = format!("buyer-{place}-{run}");
        async move {
            let buyer = hub.buyer(&name)?;
            let amount = Money { currency: currency.to_owned(), minor_units: WALLET_MINOR };
            purchase::fund(&buyer, &amount).await?;
            anyhow::Ok(buyer)
        }
    };
    futures::stream::iter(0..buyers).map(fill).buffered(FILLED_AT_ONCE).try_collect().await
}
