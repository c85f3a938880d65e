//! Goods that many at once are listed of, as of when they are said to have been.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{MovementId, VariantId};
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use super::products;
use crate::domain::product::{Product, Translation};
use crate::domain::search_terms;
use crate::domain::seller::StockItem;

/// The product of a variant.
pub(crate) async fn product_of(tx: &mut Tx, id: VariantId) -> Result<Option<Product>, db::Error> {
    let sql = "select product_id from variants where variant_id = $1";
    match db::fetch_optional!(tx, (Uuid,), sql, id.uuid())? {
        Some((product_id,)) => products::find(tx, product_id.into()).await,
        None => Ok(None),
    }
}

/// A product with one variant on a shelf of its own.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) product: Product,
    pub(crate) shelf: StockItem,
    /// Its first stock's.
    pub(crate) movement: MovementId,
}

/// Its rows.
#[derive(Serialize)]
struct Row<'a> {
    product_id: Uuid,
    seller_id: Uuid,
    category: &'a str,
    translations: &'a [Translation],
    #[serde(serialize_with = "db::timestamp")]
    created_at: DateTime<Utc>,
    stock_item_id: Uuid,
    location_id: Uuid,
    on_hand: i64,
    movement_id: Uuid,
    variant_id: Uuid,
    sku: &'a str,
    name: &'a str,
    price_minor: i64,
    currency: &'a str,
    hs_code: &'a str,
    origin: &'a str,
    weight_grams: i64,
    length_mm: i64,
    width_mm: i64,
    height_mm: i64,
}

impl<'a> Row<'a> {
    fn of(listed: &'a Listed) -> Option<Self> {
        let (product, shelf) = (&listed.product, &listed.shelf);
        let variant = product.variants.first()?;
        let goods = &variant.goods;
        Some(Self {
            product_id: product.id.uuid(),
            seller_id: product.seller_id.uuid(),
            category: &product.category,
            translations: &product.translations,
            created_at: product.created_at,
            stock_item_id: shelf.id.uuid(),
            location_id: shelf.location_id.uuid(),
            on_hand: shelf.on_hand,
            movement_id: listed.movement.uuid(),
            variant_id: variant.id.uuid(),
            sku: &goods.sku,
            name: &goods.name,
            price_minor: goods.price.minor(),
            currency: goods.price.currency().code(),
            hs_code: goods.hs_code.as_str(),
            origin: goods.origin.as_str(),
            weight_grams: goods.weight_grams,
            length_mm: goods.length_mm,
            width_mm: goods.width_mm,
            height_mm: goods.height_mm,
        })
    }
}

/// Statements that each write a part of the rows, the one after the other.
macro_rules! insert_parts {
    ($tx:expr, $rows:expr, $($postgres:literal, $sqlite:literal;)+) => {{
        $(
            let sql = $tx.sql($postgres, $sqlite);
            db::execute!($tx, sql, Json($rows))?;
        )+
    }};
}

/// Lists goods: with their shelves, their first stock, their words, and what their sellers' goods take.
pub(crate) async fn put(tx: &mut Tx, goods: &[Listed]) -> Result<(), db::Error> {
    let rows: Vec<Row<'_>> = goods.iter().filter_map(Row::of).collect();
    insert_parts!(tx, &rows,
        "insert into stock_items (stock_item_id, seller_id, location_id, sku, on_hand) \
         select stock_item_id, seller_id, location_id, sku, on_hand from jsonb_to_recordset($1) as rows \
         (stock_item_id uuid, seller_id uuid, location_id uuid, sku text, on_hand bigint)",
        "insert into stock_items (stock_item_id, seller_id, location_id, sku, on_hand) \
         select unhex(value ->> 'stock_item_id', '-'), unhex(value ->> 'seller_id', '-'), \
         unhex(value ->> 'location_id', '-'), value ->> 'sku', value ->> 'on_hand' from jsonb_each($1)";
        "insert into movements (movement_id, stock_item_id, delta, reason, counted, created_at) \
         select movement_id, stock_item_id, on_hand, 'first stock', true, created_at from jsonb_to_recordset($1) as rows \
         (movement_id uuid, stock_item_id uuid, on_hand bigint, created_at timestamptz)",
        "insert into movements (movement_id, stock_item_id, delta, reason, counted, created_at) \
         select unhex(value ->> 'movement_id', '-'), unhex(value ->> 'stock_item_id', '-'), value ->> 'on_hand', \
         'first stock', true, value ->> 'created_at' from jsonb_each($1)";
        "insert into products (product_id, seller_id, category, translations, created_at, updated_at) \
         select product_id, seller_id, category, translations, created_at, created_at from jsonb_to_recordset($1) as rows \
         (product_id uuid, seller_id uuid, category text, translations jsonb, created_at timestamptz)",
        "insert into products (product_id, seller_id, category, translations, created_at, updated_at) \
         select unhex(value ->> 'product_id', '-'), unhex(value ->> 'seller_id', '-'), value ->> 'category', \
         value -> 'translations', value ->> 'created_at', value ->> 'created_at' from jsonb_each($1)";
        "insert into variants (variant_id, product_id, seller_id, sku, name, price_minor, currency, hs_code, origin, \
         weight_grams, length_mm, width_mm, height_mm, stock_item_id, stock_units, preference) \
         select variant_id, product_id, seller_id, sku, name, price_minor, currency, hs_code, origin, weight_grams, \
         length_mm, width_mm, height_mm, stock_item_id, 1, '' from jsonb_to_recordset($1) as rows (variant_id uuid, \
         product_id uuid, seller_id uuid, sku text, name text, price_minor bigint, currency text, hs_code text, \
         origin text, weight_grams bigint, length_mm bigint, width_mm bigint, height_mm bigint, stock_item_id uuid)",
        "insert into variants (variant_id, product_id, seller_id, sku, name, price_minor, currency, hs_code, origin, \
         weight_grams, length_mm, width_mm, height_mm, stock_item_id, stock_units, preference) \
         select unhex(value ->> 'variant_id', '-'), unhex(value ->> 'product_id', '-'), unhex(value ->> 'seller_id', '-'), \
         value ->> 'sku', value ->> 'name', value ->> 'price_minor', value ->> 'currency', value ->> 'hs_code', \
         value ->> 'origin', value ->> 'weight_grams', value ->> 'length_mm', value ->> 'width_mm', \
         value ->> 'height_mm', unhex(value ->> 'stock_item_id', '-'), 1, '' from jsonb_each($1)";
        "insert into seller_usage (seller_id, products, variants, letters) \
         select seller_id, count(*), count(*), sum(length(cast(translations as text))) \
         from jsonb_to_recordset($1) as rows (seller_id uuid, translations jsonb) group by seller_id order by seller_id \
         on conflict (seller_id) do update set products = seller_usage.products + excluded.products, \
         variants = seller_usage.variants + excluded.variants, letters = seller_usage.letters + excluded.letters",
        "insert into seller_usage (seller_id, products, variants, letters) \
         select unhex(value ->> 'seller_id', '-') as seller, count(*), count(*), sum(length(value -> 'translations')) \
         from jsonb_each($1) where true group by seller \
         on conflict (seller_id) do update set products = seller_usage.products + excluded.products, \
         variants = seller_usage.variants + excluded.variants, letters = seller_usage.letters + excluded.letters";
    );
    put_terms(tx, goods).await
}

/// The words of new goods.
async fn put_terms(tx: &mut Tx, goods: &[Listed]) -> Result<(), db::Error> {
    let mut rows: Vec<(String, Uuid)> = Vec::new();
    for Listed { product, .. } in goods {
        let words = product.translations.iter().flat_map(|words| [&words.title, &words.description]);
        let codes = product.variants.iter().flat_map(|variant| [&variant.goods.sku, &variant.goods.name]);
        let terms = search_terms::of(words.chain(codes).map(String::as_str));
        rows.extend(terms.into_iter().map(|term| (term, product.id.uuid())));
    }
    // In the order of the index by word, which is the larger one.
    rows.sort_unstable();
    let sql = tx.sql(
        "insert into terms (term, product_id) select value ->> 0, cast(value ->> 1 as uuid) \
         from jsonb_array_elements($1) as rows (value)",
        "insert into terms (term, product_id) select value ->> 0, unhex(value ->> 1, '-') from jsonb_each($1)",
    );
    db::execute!(tx, sql, Json(rows))?;
    Ok(())
}
