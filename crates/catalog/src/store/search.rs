//! Finding goods.

use db::Tx;
use kernel::SellerId;
use money::Money;
use sqlx::types::Json;
use uuid::Uuid;

use super::products;
use crate::domain::product::Product;

/// What is looked for; what is empty or missing selects all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// Each begins a word of the goods.
    pub(crate) words: Vec<String>,
    pub(crate) seller_id: Option<SellerId>,
    pub(crate) category: String,
    pub(crate) origin: String,
    pub(crate) min_price: Option<Money>,
    pub(crate) max_price: Option<Money>,
    /// The seller looks at its own goods: withdrawn ones and an unverified seller's too.
    pub(crate) own: bool,
}

const POSTGRES: &str = "select product_id, products.seller_id, category, translations, withdrawn, products.version, \
     products.created_at, updated_at from products join sellers on sellers.seller_id = products.seller_id \
     where product_id < $1 and ($2 or (sellers.state = 'verified' and not withdrawn)) \
     and ($3 = '00000000-0000-0000-0000-000000000000'::uuid or products.seller_id = $3) and ($4 = '' or category = $4) \
     and not exists (select 1 from jsonb_array_elements_text($5) as words (word) where not exists ( \
         select 1 from terms where terms.product_id = products.product_id and starts_with(term, word))) \
     and (($6 = '' and $7 = '') or exists (select 1 from variants where variants.product_id = products.product_id \
         and offered and ($6 = '' or origin = $6) and ($7 = '' or (currency = $7 and price_minor between $8 and $9)))) \
     order by product_id desc limit $10";
const SQLITE: &str = "select product_id, products.seller_id, category, translations, withdrawn, products.version, \
     products.created_at, updated_at from products join sellers on sellers.seller_id = products.seller_id \
     where product_id < $1 and ($2 or (sellers.state = 'verified' and not withdrawn)) \
     and ($3 = zeroblob(16) or products.seller_id = $3) and ($4 = '' or category = $4) \
     and not exists (select 1 from json_each($5) as words where not exists ( \
         select 1 from terms where terms.product_id = products.product_id \
         and substr(term, 1, length(words.value)) = words.value)) \
     and (($6 = '' and $7 = '') or exists (select 1 from variants where variants.product_id = products.product_id \
         and offered and ($6 = '' or origin = $6) and ($7 = '' or (currency = $7 and price_minor between $8 and $9)))) \
     order by product_id desc limit $10";

/// Goods, newest first, before the product given.
pub(crate) async fn products(
    tx: &mut Tx,
    filter: &Filter,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Product>, db::Error> {
    let price = filter.min_price.or(filter.max_price);
    let sql = tx.sql(POSTGRES, SQLITE);
    let rows = db::fetch_all!(
        tx,
        products::Row,
        sql,
        before.unwrap_or(Uuid::max()),
        filter.own,
        filter.seller_id.map_or(Uuid::nil(), |id| id.uuid()),
        filter.category.as_str(),
        Json(&filter.words),
        filter.origin.as_str(),
        price.map(|price| price.currency().code()).unwrap_or_default(),
        filter.min_price.map_or(0, |price| price.minor()),
        filter.max_price.map_or(i64::MAX, |price| price.minor()),
        limit,
    )?;
    products::with_variants(tx, rows).await
}
