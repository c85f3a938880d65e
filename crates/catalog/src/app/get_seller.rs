//! A seller's entry.

use db::{Query, Tx};
use kernel::SellerId;

use super::{App, Error};
use crate::domain::seller::{Seller, SellerState};
use crate::store::sellers;

/// A seller. One that is not verified is there for itself and the operator only.
#[derive(Debug)]
pub(crate) struct GetSeller {
    pub(crate) seller_id: SellerId,
    /// Whether the seller itself asks, or the operator.
    pub(crate) whole: bool,
}

impl Query<App> for GetSeller {
    type Output = Seller;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Seller, Error> {
        let seller = sellers::find(tx, self.seller_id).await?;
        seller
            .filter(|seller| self.whole || seller.state == SellerState::Verified)
            .ok_or_else(|| Error::not_found("seller", self.seller_id))
    }
}
