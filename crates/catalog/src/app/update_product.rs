//! A seller edits goods.

use db::{Command, Tx};
use kernel::{ProductId, SellerId};

use super::allow::UsageBefore;
use super::listing::{found, own, put_terms, put_variant};
use super::{App, Error};
use crate::domain::product::{NewProduct, Product};
use crate::store::{products, variants};

/// Changes a product of the seller's own: what is given replaces what was.
#[derive(Debug)]
pub(crate) struct UpdateProduct {
    pub(crate) seller_id: SellerId,
    pub(crate) product_id: ProductId,
    /// At which it was last read.
    pub(crate) version: i64,
    pub(crate) new: NewProduct,
}

impl Command<App> for UpdateProduct {
    type Output = Product;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Product, Error> {
        let (seller_id, id, new, now) = (self.seller_id, self.product_id, &self.new, app.clock.now());
        app.check_prices(&new.variants)?;
        let before = UsageBefore::of(tx, seller_id).await?;
        own(tx, seller_id, id).await?;
        if !products::edit(tx, id, self.version, &new.category, &new.translations, now).await? {
            return Err(Error::stale());
        }
        let mut kept = Vec::with_capacity(new.variants.len());
        for (place, variant) in new.variants.iter().enumerate() {
            let known = variants::by_sku(tx, seller_id, &variant.goods.sku).await?;
            if known.as_ref().is_some_and(|(product_id, _)| *product_id != id) {
                let sku = &variant.goods.sku;
                let message = format!("variants[{place}]: another of your products has the SKU `{sku}`");
                return Err(Error::refused("SKU_TAKEN", message));
            }
            let known = known.map(|(_, known)| known);
            kept.push(put_variant(tx, id, seller_id, place, variant, known.as_ref(), now).await?);
        }
        variants::keep_only(tx, id, &kept).await?;
        put_terms(tx, id, &new.translations, new.variants.iter().map(|variant| &variant.goods)).await?;
        before.check(tx, &app.allowance).await?;
        found(tx, id).await
    }
}
