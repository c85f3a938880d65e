//! A seller lists goods.

use db::{Command, Tx};
use kernel::{ProductId, SellerId};

use super::acting::acting;
use super::allow::UsageBefore;
use super::listing::{found, put_terms, put_variant};
use super::{App, Error};
use crate::domain::product::{NewProduct, Product};
use crate::store::{products, variants};

/// Lists a new product.
#[derive(Debug)]
pub(crate) struct CreateProduct {
    pub(crate) seller_id: SellerId,
    pub(crate) new: NewProduct,
}

impl Command<App> for CreateProduct {
    type Output = Product;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Product, Error> {
        let Self { seller_id, new } = self;
        app.check_prices(&new.variants)?;
        let before = UsageBefore::of(tx, *seller_id).await?;
        acting(tx, *seller_id).await?;
        let (id, now) = (ProductId::new(), app.clock.now());
        let product = Product {
            id,
            seller_id: *seller_id,
            category: new.category.clone(),
            translations: new.translations.clone(),
            variants: Vec::new(),
            withdrawn: false,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        products::put(tx, &product).await?;
        for (place, variant) in new.variants.iter().enumerate() {
            if variants::by_sku(tx, *seller_id, &variant.goods.sku).await?.is_some() {
                let message = format!(
                    "variants[{place}]: another of your products has the SKU `{}`",
                    variant.goods.sku
                );
                return Err(Error::refused("SKU_TAKEN", message));
            }
            put_variant(tx, id, *seller_id, place, variant, None, now).await?;
        }
        put_terms(tx, id, &new.translations, new.variants.iter().map(|variant| &variant.goods)).await?;
        before.check(tx, &app.allowance).await?;
        found(tx, id).await
    }
}
