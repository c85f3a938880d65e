//! A seller streams goods in: each row by itself, so that a bad one spoils no other.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{ProductId, SellerId, VariantId};

use super::allow::Before;
use super::list_product::{put_terms, put_variant};
use super::{App, Error};
use crate::domain::allowance::{Allowance, Usage};
use crate::domain::product::{NewProduct, NewStock, NewVariant, Product};
use crate::domain::seller::UNITS_MAX;
use crate::store::{locations, products, sellers, stock, variants};

/// A row that can be read.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) number: i64,
    /// With one variant.
    pub(crate) product: NewProduct,
}

/// What became of a row.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    Created(ProductId, VariantId),
    Updated(ProductId, VariantId),
    Unchanged(ProductId, VariantId),
    /// The field and what was wrong.
    Rejected(String, String),
}

impl App {
    /// Takes rows in, all in one transaction; a rejected one has no effect.
    pub(crate) async fn import(
        &self,
        seller_id: SellerId,
        rows: Vec<Row>,
    ) -> Result<Vec<(i64, Outcome)>, Error> {
        let (now, allowance) = (self.clock.now(), self.allowance);
        self.db
            .write(move |tx| {
                let rows = rows.clone();
                Box::pin(async move {
                    if sellers::find(tx, seller_id).await?.is_none() {
                        return Err(Error::refused("NOT_A_SELLER", "apply to sell first"));
                    }
                    let mut outcomes = Vec::with_capacity(rows.len());
                    for row in rows {
                        let outcome = match too_much(tx, seller_id, &row.product, &allowance).await? {
                            Some(problem) => Outcome::Rejected("row".to_owned(), problem),
                            None => take(tx, seller_id, &row.product, now).await?,
                        };
                        outcomes.push((row.number, outcome));
                    }
                    Ok(outcomes)
                })
            })
            .await
    }
}

/// Why the seller's goods would take too much with this row, if they would.
async fn too_much(
    tx: &mut Tx,
    seller_id: SellerId,
    new: &NewProduct,
    allowance: &Allowance,
) -> Result<Option<String>, Error> {
    let before = Before::of(tx, seller_id).await?;
    let texts = new.translations.iter().map(|words| words.title.len() + words.description.len());
    let letters = i64::try_from(texts.sum::<usize>()).unwrap_or(i64::MAX);
    if before.problem(allowance, Usage { products: 1, letters }).is_none() {
        return Ok(None);
    }
    // One that is there already makes no product more, and its texts stand instead of those that it has.
    let known = match new.variants.first() {
        Some(variant) => variants::by_sku(tx, seller_id, &variant.goods.sku).await?,
        None => None,
    };
    let more = Usage { products: i64::from(known.is_none()), letters };
    Ok(before.problem(allowance, more))
}

/// Checks all before it writes anything: a rejection leaves nothing behind in the shared transaction.
async fn take(
    tx: &mut Tx,
    seller_id: SellerId,
    new: &NewProduct,
    now: DateTime<Utc>,
) -> Result<Outcome, Error> {
    let Some(variant) = new.variants.first() else {
        return Ok(Outcome::Rejected("variant".to_owned(), "is required".to_owned()));
    };
    if let Some((field, problem)) = shelf_problem(tx, seller_id, variant).await? {
        return Ok(Outcome::Rejected(field.to_owned(), problem));
    }
    match variants::by_sku(tx, seller_id, &variant.goods.sku).await? {
        None => create(tx, seller_id, new, variant, now).await,
        Some((product_id, known)) => {
            let Some(product) = products::find(tx, product_id).await? else {
                return Err(Error::not_found("product", product_id));
            };
            update(tx, seller_id, new, variant, &product, known, now).await
        }
    }
}

async fn shelf_problem(
    tx: &mut Tx,
    seller_id: SellerId,
    variant: &NewVariant,
) -> Result<Option<(&'static str, String)>, Error> {
    Ok(match variant.stock {
        NewStock::Own { location_id, .. } if !locations::is_of(tx, location_id, seller_id).await? => {
            Some(("location_id", format!("you have no location {location_id}")))
        }
        NewStock::Shared(id) if stock::find(tx, id).await?.is_none_or(|item| item.seller_id != seller_id) => {
            Some(("stock_item_id", format!("you have no stock item {id}")))
        }
        _ => None,
    })
}

async fn create(
    tx: &mut Tx,
    seller_id: SellerId,
    new: &NewProduct,
    variant: &NewVariant,
    now: DateTime<Utc>,
) -> Result<Outcome, Error> {
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
    let variant_id = put_variant(tx, product.id, seller_id, 0, variant, None, now).await?;
    put_terms(tx, product.id, &new.translations, std::iter::once(&variant.goods)).await?;
    Ok(Outcome::Created(product.id, variant_id))
}

async fn update(
    tx: &mut Tx,
    seller_id: SellerId,
    new: &NewProduct,
    variant: &NewVariant,
    product: &Product,
    known: crate::domain::product::Variant,
    now: DateTime<Utc>,
) -> Result<Outcome, Error> {
    let (restocked, same_shelf) = match variant.stock {
        NewStock::Shared(id) => (false, id == known.stock_item_id),
        NewStock::Own { units, .. } => match restock(tx, seller_id, &known, units, now).await? {
            Ok(changed) => (changed, true),
            Err(problem) => return Ok(Outcome::Rejected("initial_stock".to_owned(), problem)),
        },
    };
    let same = known.goods == variant.goods
        && product.category == new.category
        && product.translations == new.translations
        && same_shelf
        && !product.withdrawn
        // An edit may have dropped it.
        && product.variants.iter().any(|offered| offered.id == known.id);
    if same {
        let outcome = if restocked { Outcome::Updated } else { Outcome::Unchanged };
        return Ok(outcome(product.id, known.id));
    }
    products::edit(tx, product.id, None, &new.category, &new.translations, now).await?;
    let variant_id = put_variant(tx, product.id, seller_id, 0, variant, Some(&known), now).await?;
    let others =
        product.variants.iter().map(|other| &other.goods).filter(|goods| goods.sku != known.goods.sku);
    put_terms(tx, product.id, &new.translations, others.chain([&variant.goods])).await?;
    Ok(Outcome::Updated(product.id, variant_id))
}

/// Sets what is on the shelf of a known SKU; whether that changed it.
async fn restock(
    tx: &mut Tx,
    seller_id: SellerId,
    known: &crate::domain::product::Variant,
    units: i64,
    now: DateTime<Utc>,
) -> Result<Result<bool, String>, Error> {
    let id = known.stock_item_id;
    let item = stock::find(tx, id).await?.ok_or_else(|| Error::not_found("stock item", id))?;
    if item.on_hand == units {
        return Ok(Ok(false));
    }
    let delta = units - item.on_hand;
    if stock::adjust(tx, id, seller_id, delta, UNITS_MAX, "import", now).await? {
        return Ok(Ok(true));
    }
    Ok(Err(format!("{units} is less than the {} that orders hold", item.reserved)))
}
