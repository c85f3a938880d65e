//! Variants.

use customs::HsCode;
use db::Tx;
use kernel::{ProductId, SellerId, VariantId};
use sqlx::types::Json;
use trade::OriginCertificate;
use uuid::Uuid;

use super::{broken, money, parsed};
use crate::domain::product::{Goods, Variant};

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    variant_id: Uuid,
    pub(super) product_id: Uuid,
    sku: String,
    name: String,
    price_minor: i64,
    currency: String,
    hs_code: String,
    origin: String,
    weight_grams: i64,
    length_mm: i64,
    width_mm: i64,
    height_mm: i64,
    stock_item_id: Uuid,
    stock_units: i64,
    preference: String,
    certificate: Option<Json<OriginCertificate>>,
    available: i64,
}

impl Row {
    pub(super) fn read(self) -> Result<Variant, db::Error> {
        Ok(Variant {
            id: self.variant_id.into(),
            goods: Goods {
                price: money(self.price_minor, &self.currency)?,
                hs_code: HsCode::kept(&self.hs_code).map_err(broken)?,
                origin: parsed(&self.origin)?,
                sku: self.sku,
                name: self.name,
                weight_grams: self.weight_grams,
                length_mm: self.length_mm,
                width_mm: self.width_mm,
                height_mm: self.height_mm,
                stock_units: self.stock_units,
                preference: self.preference,
                certificate: self.certificate.map(|certificate| certificate.0),
            },
            stock_item_id: self.stock_item_id.into(),
            available: self.available,
        })
    }
}

/// Writes a variant, or what it has become. [`db::Error::Conflict`] when another variant of the seller's took its SKU
/// meanwhile.
pub(crate) async fn put(
    tx: &mut Tx,
    product_id: ProductId,
    seller_id: SellerId,
    variant: &Variant,
) -> Result<VariantId, db::Error> {
    let goods = &variant.goods;
    let written = db::fetch_optional!(
        tx,
        (Uuid,),
        "insert into variants (variant_id, product_id, seller_id, sku, name, price_minor, currency, hs_code, origin, \
         weight_grams, length_mm, width_mm, height_mm, stock_item_id, stock_units, preference, \
         certificate) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) \
         on conflict (seller_id, sku) do update set product_id = excluded.product_id, name = excluded.name, \
         price_minor = excluded.price_minor, currency = excluded.currency, hs_code = excluded.hs_code, \
         origin = excluded.origin, weight_grams = excluded.weight_grams, length_mm = excluded.length_mm, \
         width_mm = excluded.width_mm, height_mm = excluded.height_mm, stock_item_id = excluded.stock_item_id, \
         stock_units = excluded.stock_units, preference = excluded.preference, certificate = excluded.certificate, \
         offered = true \
         where variants.variant_id = excluded.variant_id returning variant_id",
        variant.id.uuid(),
        product_id.uuid(),
        seller_id.uuid(),
        goods.sku.as_str(),
        goods.name.as_str(),
        goods.price.minor(),
        goods.price.currency().code(),
        goods.hs_code.as_str(),
        goods.origin.as_str(),
        goods.weight_grams,
        goods.length_mm,
        goods.width_mm,
        goods.height_mm,
        variant.stock_item_id.uuid(),
        goods.stock_units,
        goods.preference.as_str(),
        goods.certificate.as_ref().map(Json),
    )?;
    written.map(|(id,)| id.into()).ok_or(db::Error::Conflict)
}

// The variants that a clause picks.
db::selection!(
    select,
    "select variant_id, product_id, variants.sku, name, price_minor, currency, hs_code, origin, weight_grams, \
     length_mm, width_mm, height_mm, variants.stock_item_id, stock_units, preference, certificate, \
     (on_hand - reserved) / stock_units as available from variants \
     join stock_items on stock_items.stock_item_id = variants.stock_item_id "
);

/// The seller's variant with this SKU, with its product.
pub(crate) async fn by_sku(
    tx: &mut Tx,
    seller_id: SellerId,
    sku: &str,
) -> Result<Option<(ProductId, Variant)>, db::Error> {
    let row = db::fetch_optional!(
        tx,
        Row,
        select!("where variants.seller_id = $1 and variants.sku = $2"),
        seller_id.uuid(),
        sku,
    )?;
    row.map(|row| {
        let product_id = row.product_id.into();
        Ok((product_id, row.read()?))
    })
    .transpose()
}

/// The offered variants of products.
pub(super) async fn of_products(tx: &mut Tx, products: &[ProductId]) -> Result<Vec<Row>, db::Error> {
    let sql = tx.sql(
        select!("where offered and product_id = any($1) order by product_id, variant_id"),
        select!(
            "where offered \
         and product_id in (select unhex(value, '-') from json_each($1)) order by product_id, variant_id"
        ),
    );
    db::fetch_all!(tx, Row, sql, products.iter().copied().collect::<db::Ids>())
}

/// Takes a variant off the market.
pub(crate) async fn withdraw(tx: &mut Tx, id: VariantId) -> Result<(), db::Error> {
    db::execute!(tx, "update variants set offered = false where variant_id = $1", id.uuid())?;
    Ok(())
}

/// Takes the variants of a product that are not among these off the market.
pub(crate) async fn keep_only(
    tx: &mut Tx,
    product_id: ProductId,
    kept: &[VariantId],
) -> Result<(), db::Error> {
    let sql = tx.sql(
        "update variants set offered = false where product_id = $1 and variant_id <> all($2)",
        "update variants set offered = false where product_id = $1 \
         and variant_id not in (select unhex(value, '-') from json_each($2))",
    );
    db::execute!(tx, sql, product_id.uuid(), kept.iter().copied().collect::<db::Ids>())?;
    Ok(())
}
