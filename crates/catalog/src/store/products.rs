//! Products, with their words.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{ProductId, SellerId};
use sqlx::types::Json;
use uuid::Uuid;

use super::{usage, variants};
use crate::domain::product::{Product, Translation, Variant};

#[derive(sqlx::FromRow)]
struct Row {
    product_id: Uuid,
    seller_id: Uuid,
    category: String,
    translations: Json<Vec<Translation>>,
    withdrawn: bool,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// Writes a new product without its variants.
pub(crate) async fn put(tx: &mut Tx, product: &Product) -> Result<(), db::Error> {
    db::execute!(
        tx,
        "insert into products (product_id, seller_id, category, translations, created_at, updated_at) \
         values ($1, $2, $3, $4, $5, $5)",
        product.id.uuid(),
        product.seller_id.uuid(),
        product.category.as_str(),
        Json(&product.translations),
        product.created_at,
    )?;
    usage::count_new(tx, product.seller_id, &product.translations).await
}

/// Changes a product, if it still stands at `version`.
pub(crate) async fn edit(
    tx: &mut Tx,
    id: ProductId,
    version: i64,
    category: &str,
    translations: &[Translation],
    now: DateTime<Utc>,
) -> Result<bool, db::Error> {
    usage::count_edit(tx, id, translations).await?;
    let changed = db::execute!(
        tx,
        "update products set category = $3, translations = $4, updated_at = $5, version = version + 1, \
         withdrawn = false where product_id = $1 and version = $2",
        id.uuid(),
        version,
        category,
        Json(translations),
        now,
    )?;
    Ok(changed == 1)
}

/// Changes a product that is edited by SKU, whatever its version; it is on the market again if `relist`, and else
/// stays on or off it.
pub(crate) async fn revise(
    tx: &mut Tx,
    id: ProductId,
    category: &str,
    translations: &[Translation],
    relist: bool,
    now: DateTime<Utc>,
) -> Result<(), db::Error> {
    usage::count_edit(tx, id, translations).await?;
    db::execute!(
        tx,
        "update products set category = $2, translations = $3, withdrawn = withdrawn and not $4, updated_at = $5, \
         version = version + 1 where product_id = $1",
        id.uuid(),
        category,
        Json(translations),
        relist,
        now,
    )?;
    Ok(())
}

/// Takes a product off the market, if it still stands at `version`.
pub(crate) async fn withdraw(
    tx: &mut Tx,
    id: ProductId,
    version: i64,
    now: DateTime<Utc>,
) -> Result<bool, db::Error> {
    let changed = db::execute!(
        tx,
        "update products set withdrawn = true, updated_at = $3, version = version + 1 \
         where product_id = $1 and version = $2",
        id.uuid(),
        version,
        now,
    )?;
    Ok(changed == 1)
}

/// The seller's product of an import's group.
pub(crate) async fn of_group(
    tx: &mut Tx,
    seller_id: SellerId,
    group: &str,
) -> Result<Option<ProductId>, db::Error> {
    let row = db::fetch_optional!(
        tx,
        (Uuid,),
        "select product_id from products where seller_id = $1 and import_group = $2 and import_group <> ''",
        seller_id.uuid(),
        group,
    )?;
    Ok(row.map(|(id,)| id.into()))
}

/// The group that a product is of; empty: none.
pub(crate) async fn group(tx: &mut Tx, id: ProductId) -> Result<String, db::Error> {
    let (group,) =
        db::fetch_one!(tx, (String,), "select import_group from products where product_id = $1", id.uuid(),)?;
    Ok(group)
}

/// Makes a product that is of no group yet the one of this; whether it did. [`db::Error::Conflict`] when another became
/// that meanwhile.
pub(crate) async fn put_group(tx: &mut Tx, id: ProductId, group: &str) -> Result<bool, db::Error> {
    let changed = db::execute!(
        tx,
        "update products set import_group = $2 where product_id = $1 and import_group in ('', $2)",
        id.uuid(),
        group,
    )?;
    Ok(changed == 1)
}

/// Writes a product's words anew.
pub(crate) async fn put_terms(tx: &mut Tx, id: ProductId, terms: &BTreeSet<String>) -> Result<(), db::Error> {
    db::execute!(tx, "delete from terms where product_id = $1", id.uuid())?;
    let sql = tx.sql(
        "insert into terms (product_id, term) select $1, value from jsonb_array_elements_text($2) as words (value)",
        "insert into terms (product_id, term) select $1, value from json_each($2)",
    );
    db::execute!(tx, sql, id.uuid(), Json(terms))?;
    Ok(())
}

/// A product with its offered variants.
pub(crate) async fn find(tx: &mut Tx, id: ProductId) -> Result<Option<Product>, db::Error> {
    let row = db::fetch_optional!(
        tx,
        Row,
        "select product_id, seller_id, category, translations, withdrawn, version, created_at, updated_at \
         from products where product_id = $1",
        id.uuid(),
    )?;
    Ok(with_variants(tx, row.into_iter().collect()).await?.pop())
}

/// Products with their offered variants, newest first.
pub(super) async fn of_ids(tx: &mut Tx, ids: &[ProductId]) -> Result<Vec<Product>, db::Error> {
    let sql = tx.sql(
        "select product_id, seller_id, category, translations, withdrawn, version, created_at, updated_at \
         from products where product_id = any($1) order by product_id desc",
        "select product_id, seller_id, category, translations, withdrawn, version, created_at, updated_at \
         from products where product_id in (select unhex(value, '-') from json_each($1)) order by product_id desc",
    );
    let rows = db::fetch_all!(tx, Row, sql, ids.iter().copied().collect::<db::Ids>())?;
    with_variants(tx, rows).await
}

/// Rows with their offered variants, in their order.
async fn with_variants(tx: &mut Tx, rows: Vec<Row>) -> Result<Vec<Product>, db::Error> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<ProductId> = rows.iter().map(|row| row.product_id.into()).collect();
    let mut variants: HashMap<Uuid, Vec<Variant>> = HashMap::new();
    for row in variants::of_products(tx, &ids).await? {
        variants.entry(row.product_id).or_default().push(row.read()?);
    }
    let product = |row: Row| Product {
        id: row.product_id.into(),
        seller_id: row.seller_id.into(),
        category: row.category,
        translations: row.translations.0,
        variants: variants.remove(&row.product_id).unwrap_or_default(),
        withdrawn: row.withdrawn,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    };
    Ok(rows.into_iter().map(product).collect())
}
