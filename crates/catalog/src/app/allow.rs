//! Holds sellers to what their goods may take.

use db::Tx;
use kernel::SellerId;

use super::Error;
use crate::domain::allowance::{Allowance, Usage};
use crate::domain::seller::SellerState;
use crate::store::{sellers, usage};

/// A seller has all that it may have.
pub(super) fn has_enough(message: String) -> Error {
    Error::LimitReached { reason: "SELLER_HAS_ENOUGH", message }
}

/// What a seller's goods take before they are changed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UsageBefore {
    seller_id: SellerId,
    state: SellerState,
    usage: Usage,
}

impl UsageBefore {
    /// Who has not applied is refused by what it wants to do.
    pub(crate) async fn of(tx: &mut Tx, seller_id: SellerId) -> Result<Self, Error> {
        let state = sellers::find(tx, seller_id).await?.map_or(SellerState::Applied, |seller| seller.state);
        Self::of_one_in(tx, seller_id, state).await
    }

    /// What it takes of a seller that has been read.
    pub(crate) async fn of_one_in(
        tx: &mut Tx,
        seller_id: SellerId,
        state: SellerState,
    ) -> Result<Self, Error> {
        Ok(Self { seller_id, state, usage: usage::of(tx, seller_id).await? })
    }

    /// Refuses what they have become, if it is too much: the transaction must end with it.
    pub(crate) async fn check(self, tx: &mut Tx, allowance: &Allowance) -> Result<(), Error> {
        let after = usage::of(tx, self.seller_id).await?;
        allowance.check(self.state, self.usage, after).map_err(has_enough)
    }

    /// Why a row that makes so much more would be too much, if it would.
    pub(crate) fn problem(&self, allowance: &Allowance, more: Usage) -> Option<String> {
        let after = Usage {
            products: self.usage.products.saturating_add(more.products),
            variants: self.usage.variants.saturating_add(more.variants),
            letters: self.usage.letters.saturating_add(more.letters),
        };
        allowance.check(self.state, self.usage, after).err()
    }
}
