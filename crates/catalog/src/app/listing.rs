//! What listing goods one by one and importing them have in common.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{ProductId, SellerId, StockItemId, VariantId};

use super::Error;
use super::acting::acting;
use crate::domain::product::{Goods, NewStock, NewVariant, Product, Translation, Variant};
use crate::domain::search_terms;
use crate::domain::seller::StockItem;
use crate::store::{locations, products, stock, usage, variants};

/// Writes a variant; one that is known keeps its shelf unless another is named.
pub(super) async fn put_variant(
    tx: &mut Tx,
    product_id: ProductId,
    seller_id: SellerId,
    place: usize,
    new: &NewVariant,
    known: Option<&Variant>,
    now: DateTime<Utc>,
) -> Result<VariantId, Error> {
    let stock_item_id = match (&new.stock, known) {
        (NewStock::Shared(id), _) => shared_shelf(tx, seller_id, place, *id).await?,
        (NewStock::Own { .. }, Some(known)) => known.stock_item_id,
        (NewStock::Own { location_id, units }, None) => {
            if !locations::is_of(tx, *location_id, seller_id).await? {
                let problem = format!("you have no location {location_id}");
                return Err(Error::invalid(format!("variants[{place}].location_id"), problem));
            }
            let item = StockItem {
                id: StockItemId::new(),
                seller_id,
                location_id: *location_id,
                sku: new.goods.sku.clone(),
                on_hand: *units,
                reserved: 0,
            };
            stock::put(tx, &item, now).await?;
            item.id
        }
    };
    if known.is_none() {
        usage::count_variant(tx, seller_id).await?;
    }
    let id = known.map_or_else(VariantId::new, |known| known.id);
    let variant = Variant { id, goods: new.goods.clone(), stock_item_id, available: 0 };
    Ok(variants::put(tx, product_id, seller_id, &variant).await?)
}

async fn shared_shelf(
    tx: &mut Tx,
    seller_id: SellerId,
    place: usize,
    id: StockItemId,
) -> Result<StockItemId, Error> {
    match stock::find(tx, id).await? {
        Some(item) if item.seller_id == seller_id => Ok(id),
        _ => Err(Error::invalid(
            format!("variants[{place}].stock_item_id"),
            format!("you have no stock item {id}"),
        )),
    }
}

/// Lets a product be found by its words and the codes of all its variants.
pub(super) async fn put_terms<'a>(
    tx: &mut Tx,
    id: ProductId,
    translations: &[Translation],
    goods: impl Iterator<Item = &'a Goods>,
) -> Result<(), Error> {
    let words = translations.iter().flat_map(|words| [words.title.as_str(), words.description.as_str()]);
    let codes = goods.flat_map(|goods| [goods.sku.as_str(), goods.name.as_str()]);
    Ok(products::put_terms(tx, id, &search_terms::of(words.chain(codes))).await?)
}

/// A product of the seller's own, which it is about to change.
pub(super) async fn own(tx: &mut Tx, seller_id: SellerId, id: ProductId) -> Result<Product, Error> {
    let product = products::find(tx, id).await?.filter(|product| product.seller_id == seller_id);
    let product = product.ok_or_else(|| Error::not_found("product", id))?;
    acting(tx, seller_id).await?;
    Ok(product)
}

/// A product that is there.
pub(super) async fn found(tx: &mut Tx, id: ProductId) -> Result<Product, Error> {
    products::find(tx, id).await?.ok_or_else(|| Error::not_found("product", id))
}
