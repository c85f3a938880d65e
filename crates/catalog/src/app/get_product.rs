//! A product.

use db::{Query, Tx};
use kernel::{ProductId, SellerId};

use super::{App, Error};
use crate::domain::product::Product;
use crate::domain::seller::SellerState;
use crate::store::{products, sellers};

/// A product. One that is not offered is there for its own seller only.
#[derive(Debug)]
pub(crate) struct GetProduct {
    pub(crate) product_id: ProductId,
    /// Who asks, if it is a seller.
    pub(crate) seller: Option<SellerId>,
}

impl Query<App> for GetProduct {
    type Output = Product;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Product, Error> {
        let missing = || Error::not_found("product", self.product_id);
        let product = products::find(tx, self.product_id).await?.ok_or_else(missing)?;
        if self.seller == Some(product.seller_id) {
            return Ok(product);
        }
        let seller = sellers::find(tx, product.seller_id).await?.ok_or_else(missing)?;
        let offered = seller.state == SellerState::Verified && !product.withdrawn;
        if offered { Ok(product) } else { Err(missing()) }
    }
}
