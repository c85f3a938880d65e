//! What the goods of a seller take.

use db::Tx;
use kernel::{ProductId, SellerId};
use sqlx::types::Json;

use crate::domain::allowance::Usage;
use crate::domain::product::Translation;

#[derive(sqlx::FromRow)]
struct Row {
    products: i64,
    variants: i64,
    letters: i64,
}

/// What they take now.
pub(crate) async fn of(tx: &mut Tx, seller_id: SellerId) -> Result<Usage, db::Error> {
    let row = db::fetch_optional!(
        tx,
        Row,
        "select products, variants, letters from seller_usage where seller_id = $1",
        seller_id.uuid(),
    )?;
    let usage = |Row { products, variants, letters }| Usage { products, variants, letters };
    Ok(row.map_or(Usage::default(), usage))
}

/// Counts a new product.
pub(super) async fn count_new(
    tx: &mut Tx,
    seller_id: SellerId,
    translations: &[Translation],
) -> Result<(), db::Error> {
    db::execute!(
        tx,
        "insert into seller_usage (seller_id, products, variants, letters) values ($1, 1, 0, length(cast($2 as text))) \
         on conflict (seller_id) do update set products = seller_usage.products + 1, \
         letters = seller_usage.letters + excluded.letters",
        seller_id.uuid(),
        Json(translations),
    )?;
    Ok(())
}

/// Counts a new variant, of a product that is counted.
pub(crate) async fn count_variant(tx: &mut Tx, seller_id: SellerId) -> Result<(), db::Error> {
    db::execute!(
        tx,
        "update seller_usage set variants = variants + 1 where seller_id = $1",
        seller_id.uuid(),
    )?;
    Ok(())
}

/// Counts what a product's texts are about to become, instead of what they are.
pub(super) async fn count_edit(
    tx: &mut Tx,
    id: ProductId,
    translations: &[Translation],
) -> Result<(), db::Error> {
    db::execute!(
        tx,
        "update seller_usage set letters = letters + length(cast($2 as text)) \
         - (select length(cast(translations as text)) from products where product_id = $1) \
         where seller_id = (select seller_id from products where product_id = $1)",
        id.uuid(),
        Json(translations),
    )?;
    Ok(())
}
