//! What is done to a hub, again and again, a file for each scenario.

mod browse;
mod events;
mod hot_sku;
mod ledger;
mod purchase;

use anyhow::Result;

use super::{Plan, measure};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Scenario {
    /// Whole purchases: a landed price, an order, paid from the wallet
    Purchase,
    /// Reservations of one SKU that everybody wants; none may be sold twice
    HotSku,
    /// Money held in wallets, then captured or given back; the books must balance
    Ledger,
    /// Events from one service's outbox to their effect in another's database
    Events,
    /// Pages of goods: a list, a product, a search
    Browse,
}

impl Scenario {
    /// Whether it starts a hub with all its processes, and not a part of one within this process.
    pub(super) fn is_of_a_hub(self) -> bool {
        matches!(self, Self::Purchase | Self::Browse)
    }

    /// How many callers there are unless told: each number is measured.
    pub(super) fn callers(self) -> &'static [u32] {
        match self {
            Self::Purchase | Self::Browse => &[1, 16, 64],
            Self::HotSku | Self::Ledger => &[1, 64, 256],
            Self::Events => &[1, 64, 1_024],
        }
    }

    /// What they are called.
    pub(super) fn caller(self) -> &'static str {
        match self {
            Self::Purchase | Self::Browse => "buyers",
            Self::HotSku | Self::Ledger => "callers",
            Self::Events => "publishers",
        }
    }

    /// Runs it.
    pub(super) async fn run(self, plan: &Plan<'_>) -> Result<()> {
        match self {
            Self::Purchase => measure::run::<purchase::Shop>(plan).await,
            Self::HotSku => measure::run::<hot_sku::HotSku>(plan).await,
            Self::Ledger => measure::run::<ledger::Ledger>(plan).await,
            Self::Events => measure::run::<events::Publishing>(plan).await,
            Self::Browse => measure::run::<browse::Browsing>(plan).await,
        }
    }
}
