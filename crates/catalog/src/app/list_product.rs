//! A seller lists goods, edits them, and takes them off the market.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{ProductId, SellerId, StockItemId, VariantId};

use super::Error;
use super::apply_seller::acting;
use crate::domain::product::{Goods, NewProduct, NewStock, NewVariant, Product, Translation, Variant};
use crate::domain::seller::StockItem;
use crate::domain::terms;
use crate::store::{locations, products, stock, usage, variants};

/// Lists a new product.
pub(crate) async fn create(
    tx: &mut Tx,
    seller_id: SellerId,
    new: &NewProduct,
    now: DateTime<Utc>,
) -> Result<Product, Error> {
    acting(tx, seller_id).await?;
    let product = Product {
        id: ProductId::new(),
        seller_id,
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
        if variants::by_sku(tx, seller_id, &variant.goods.sku).await?.is_some() {
            let message =
                format!("variants[{place}]: another of your goods has the SKU `{}`", variant.goods.sku);
            return Err(Error::refused("SKU_TAKEN", message));
        }
        put_variant(tx, product.id, seller_id, place, variant, None, now).await?;
    }
    put_terms(tx, product.id, &new.translations, new.variants.iter().map(|variant| &variant.goods)).await?;
    found(tx, product.id).await
}

/// Changes a product of the seller's own: what is given replaces what was.
pub(crate) async fn update(
    tx: &mut Tx,
    seller_id: SellerId,
    id: ProductId,
    version: i64,
    new: &NewProduct,
    now: DateTime<Utc>,
) -> Result<Product, Error> {
    own(tx, seller_id, id).await?;
    if !products::edit(tx, id, version, &new.category, &new.translations, now).await? {
        return Err(Error::stale());
    }
    let mut kept = Vec::with_capacity(new.variants.len());
    for (place, variant) in new.variants.iter().enumerate() {
        let known = variants::by_sku(tx, seller_id, &variant.goods.sku).await?;
        if known.as_ref().is_some_and(|(product_id, _)| *product_id != id) {
            let message =
                format!("variants[{place}]: another of your products has the SKU `{}`", variant.goods.sku);
            return Err(Error::refused("SKU_TAKEN", message));
        }
        let known = known.map(|(_, known)| known);
        kept.push(put_variant(tx, id, seller_id, place, variant, known.as_ref(), now).await?);
    }
    variants::keep_only(tx, id, &kept).await?;
    put_terms(tx, id, &new.translations, new.variants.iter().map(|variant| &variant.goods)).await?;
    found(tx, id).await
}

/// Takes a product of the seller's own off the market. Orders that hold it proceed.
pub(crate) async fn withdraw(
    tx: &mut Tx,
    seller_id: SellerId,
    id: ProductId,
    version: i64,
    now: DateTime<Utc>,
) -> Result<Product, Error> {
    own(tx, seller_id, id).await?;
    if !products::withdraw(tx, id, version, now).await? {
        return Err(Error::stale());
    }
    found(tx, id).await
}

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
    Ok(products::put_terms(tx, id, &terms::of(words.chain(codes))).await?)
}

/// A product of the seller's own, which it is about to change.
async fn own(tx: &mut Tx, seller_id: SellerId, id: ProductId) -> Result<Product, Error> {
    let product = products::find(tx, id).await?.filter(|product| product.seller_id == seller_id);
    let product = product.ok_or_else(|| Error::not_found("product", id))?;
    acting(tx, seller_id).await?;
    Ok(product)
}

async fn found(tx: &mut Tx, id: ProductId) -> Result<Product, Error> {
    products::find(tx, id).await?.ok_or_else(|| Error::not_found("product", id))
}
