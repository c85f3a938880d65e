//! A seller takes goods off the market.

use db::{Command, Tx};
use kernel::{ProductId, SellerId};

use super::listing::{found, own};
use super::{App, Error};
use crate::domain::product::Product;
use crate::store::products;

/// Takes a product of the seller's own off the market. Orders that hold it proceed.
#[derive(Debug)]
pub(crate) struct WithdrawProduct {
    pub(crate) seller_id: SellerId,
    pub(crate) product_id: ProductId,
    /// At which it was last read.
    pub(crate) version: i64,
}

impl Command<App> for WithdrawProduct {
    type Output = Product;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Product, Error> {
        own(tx, self.seller_id, self.product_id).await?;
        if !products::withdraw(tx, self.product_id, self.version, app.clock.now()).await? {
            return Err(Error::stale());
        }
        found(tx, self.product_id).await
    }
}
