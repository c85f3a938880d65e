//! The wholesaler's goods, listed once: a second run finds them and puts nothing more on the shelf.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use proof::shop::{self, SellerEntry, Shop};
use proto::catalog::v1::{ImportProductsRequest, ListProductsRequest, Translation, VariantInput};
use proto::types::v1::Dimensions;
use sha2::{Digest as _, Sha256};

use super::goods::{Parcels, kind_of};
use super::plan::{Goods, GoodsKey, Plan};

/// Goods of a page when looking for what is listed already.
const PAGE_SIZE: i32 = 200;

/// The wholesaler.
pub(crate) fn wholesaler() -> SellerEntry {
    SellerEntry {
        slug: "retail-wholesaler".to_owned(),
        display_name: "Giftware Wholesale Ltd".to_owned(),
        country: "GB".to_owned(),
        payout_currency: "GBP".to_owned(),
        tax_registered: true,
    }
}

/// What is on the shelf.
pub(crate) struct Shelf {
    pub(crate) variants: HashMap<GoodsKey, String>,
    pub(crate) listed: u64,
    pub(crate) unnamed: u64,
    pub(crate) rejected: Vec<String>,
}

/// Lists what is missing.
pub(crate) async fn fill(shop: &Shop, plan: &Plan, parcels: &Parcels) -> Result<Shelf> {
    let known = known_skus(shop).await?;
    let mut shelf = Shelf { variants: HashMap::new(), listed: 0, unnamed: 0, rejected: Vec::new() };
    let mut rows = Vec::new();
    let mut keys = Vec::new();
    for (key, goods) in &plan.goods {
        if !kind_of(&goods.description).1 {
            shelf.unnamed += 1;
        }
        if let Some(variant_id) = known.get(&sku(goods)) {
            shelf.variants.insert(key.clone(), variant_id.clone());
            continue;
        }
        let number = i64::try_from(keys.len())?;
        keys.push(key.clone());
        rows.push(row(number, goods, parcels, &shop.location.location_id));
    }
    let bar = super::bar(rows.len(), "listing");
    let imported = shop::list_goods(shop, rows, |_| bar.inc(1)).await?;
    bar.finish_and_clear();
    shelf.listed = imported.created;
    for (number, key) in keys.into_iter().enumerate() {
        if let Some(variant_id) = imported.variants.get(&i64::try_from(number)?) {
            shelf.variants.insert(key, variant_id.clone());
        }
    }
    shelf.rejected = imported
        .rejected
        .iter()
        .map(|(row, field, reason)| format!("goods {row}: {field} {reason}"))
        .collect();
    Ok(shelf)
}

async fn known_skus(shop: &Shop) -> Result<HashMap<String, String>> {
    let mut known = HashMap::new();
    let mut request = ListProductsRequest {
        seller_id: shop.session.subject.clone(),
        page_size: PAGE_SIZE,
        ..ListProductsRequest::default()
    };
    loop {
        let page = shop
            .session
            .products()
            .list_products(request.clone())
            .await
            .context("listing goods")?
            .into_inner();
        for variant in page.products.into_iter().flat_map(|product| product.variants) {
            known.insert(variant.sku, variant.variant_id);
        }
        if page.next_page_token.is_empty() {
            return Ok(known);
        }
        request.page_token = page.next_page_token;
    }
}

/// Stable for description and price.
fn sku(goods: &Goods) -> String {
    let digest = Sha256::digest(goods.description.as_bytes());
    let short: String = digest.iter().take(6).map(|byte| format!("{byte:02X}")).collect();
    format!("{short}-{}", goods.unit_price.minor())
}

fn row(number: i64, goods: &Goods, parcels: &Parcels, location_id: &str) -> ImportProductsRequest {
    let (kind, _) = kind_of(&goods.description);
    let parcel = parcels.like(&goods.description, &kind);
    let translation = Translation {
        language: "en".to_owned(),
        title: goods.description.to_string(),
        description: String::new(),
    };
    let variant = VariantInput {
        sku: sku(goods),
        name: String::new(),
        price: Some(goods.unit_price.into()),
        hs_code: kind.hs_code.to_owned(),
        origin: "GB".to_owned(),
        weight_grams: parcel.weight_grams,
        dimensions: Some(Dimensions {
            length_mm: parcel.length_mm,
            width_mm: parcel.width_mm,
            height_mm: parcel.height_mm,
        }),
        stock_item_id: String::new(),
        stock_units: 1,
        location_id: location_id.to_owned(),
        initial_stock: goods.units,
        ..VariantInput::default()
    };
    ImportProductsRequest {
        row: number,
        category: kind.category.to_owned(),
        translations: vec![translation],
        variant: Some(variant),
        ..ImportProductsRequest::default()
    }
}
