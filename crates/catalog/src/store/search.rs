//! Finding goods.

use db::Tx;
use kernel::{ProductId, SellerId};
use money::Money;
use sqlx::types::Json;
use uuid::Uuid;

use super::products;
use crate::domain::product::Product;

/// Words that are counted to find a rare one: the longest, which are the likeliest to be rare.
const COUNTED_MAX: usize = 8;
/// The most bytes of goods that are read at once: what does not fit is left to the next page.
const BYTES_MAX: i64 = 1024 * 1024;

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

/// Goods that were found, and whether there are more.
#[derive(Debug, Clone)]
pub(crate) struct SearchPage {
    pub(crate) products: Vec<Product>,
    pub(crate) more: bool,
}

/// A rare word is looked up by the index of words, so that one which does not occur costs nothing. Where all are common,
/// the newest goods are looked through, and some that have them are found soon.
macro_rules! postgres {
    ($word:literal) => {
        concat!(
            "select product_id, cast(octet_length(cast(translations as text)) as bigint) from products \
             join sellers on sellers.seller_id = products.seller_id \
             where product_id < $1 and ($2 or (sellers.state = 'verified' and not withdrawn)) \
             and ($3 = '00000000-0000-0000-0000-000000000000'::uuid or products.seller_id = $3) \
             and ($4 = '' or category = $4) ",
            $word,
            " and not exists (select 1 from jsonb_array_elements_text($5) as words (word) where not exists ( \
                 select 1 from terms where terms.product_id = products.product_id and starts_with(term, word))) \
             and (($6 = '' and $7 = '') or exists (select 1 from variants \
                 where variants.product_id = products.product_id and offered and ($6 = '' or origin = $6) \
                 and ($7 = '' or (currency = $7 and price_minor between $8 and $9)))) \
             order by product_id desc limit $10"
        )
    };
}
macro_rules! sqlite {
    ($word:literal) => {
        concat!(
            "select product_id, octet_length(translations) from products \
             join sellers on sellers.seller_id = products.seller_id \
             where product_id < $1 and ($2 or (sellers.state = 'verified' and not withdrawn)) \
             and ($3 = zeroblob(16) or products.seller_id = $3) and ($4 = '' or category = $4) ",
            $word,
            " and not exists (select 1 from json_each($5) as words where not exists ( \
                 select 1 from terms where terms.product_id = products.product_id \
                 and term >= words.value and term < words.value || char(1114111))) \
             and (($6 = '' and $7 = '') or exists (select 1 from variants \
                 where variants.product_id = products.product_id and offered and ($6 = '' or origin = $6) \
                 and ($7 = '' or (currency = $7 and price_minor between $8 and $9)))) \
             order by product_id desc limit $10"
        )
    };
}
const POSTGRES: &str = postgres!("and $11 = ''");
const POSTGRES_WORD: &str =
    postgres!("and product_id in (select product_id from terms where starts_with(term, $11))");
const SQLITE: &str = sqlite!("and $11 = ''");
const SQLITE_WORD: &str = sqlite!(
    "and product_id in (select product_id from terms where term >= $11 and term < $11 || char(1114111))"
);

/// Goods, newest first, before the product given: at most `limit`, and no more than [`BYTES_MAX`] of them, but for one.
pub(crate) async fn products(
    tx: &mut Tx,
    filter: &Filter,
    before: Option<Uuid>,
    limit: i64,
) -> Result<SearchPage, db::Error> {
    let price = filter.min_price.or(filter.max_price);
    let word = rarest_term(tx, &filter.words).await?.unwrap_or_default();
    let others: Vec<&str> = filter.words.iter().map(String::as_str).filter(|other| *other != word).collect();
    let sql = if word.is_empty() { tx.sql(POSTGRES, SQLITE) } else { tx.sql(POSTGRES_WORD, SQLITE_WORD) };
    let found = db::fetch_all!(
        tx,
        (Uuid, i64),
        sql,
        before.unwrap_or(Uuid::max()),
        filter.own,
        filter.seller_id.map_or(Uuid::nil(), |id| id.uuid()),
        filter.category.as_str(),
        Json(&others),
        filter.origin.as_str(),
        price.map(|price| price.currency().code()).unwrap_or_default(),
        filter.min_price.map_or(0, |price| price.minor()),
        filter.max_price.map_or(i64::MAX, |price| price.minor()),
        limit,
        word.as_str(),
    )?;
    let ids = within_bytes(&found);
    let more = ids.len() < found.len();
    Ok(SearchPage { products: products::of_ids(tx, &ids).await?, more })
}

/// The rarest of these words, if few goods have it. How words are ordered is the database's; here it need not be exact.
async fn rarest_term(tx: &mut Tx, words: &[String]) -> Result<Option<String>, db::Error> {
    if words.is_empty() {
        return Ok(None);
    }
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.chars().count()));
    words.truncate(COUNTED_MAX);
    let sql = tx.sql(
        "select word, (select count(*) from (select 1 from terms where term >= word and term < word || chr(1114111) \
         limit 1000) as found) from jsonb_array_elements_text($1) as words (word)",
        "select value, (select count(*) from (select 1 from terms where term >= value \
         and term < value || char(1114111) limit 1000)) from json_each($1)",
    );
    let counts = db::fetch_all!(tx, (String, i64), sql, Json(&words))?;
    let rarest = counts.into_iter().min_by_key(|(_, count)| *count);
    Ok(rarest.filter(|(_, count)| *count < 1_000).map(|(word, _)| word))
}

/// As many as fit, one at least.
fn within_bytes(found: &[(Uuid, i64)]) -> Vec<ProductId> {
    let mut bytes = 0_i64;
    let fits = found.iter().enumerate().take_while(|(place, (_, length))| {
        bytes = bytes.saturating_add(*length);
        *place == 0 || bytes <= BYTES_MAX
    });
    fits.map(|(_, (id, _))| ProductId::from(*id)).collect()
}
