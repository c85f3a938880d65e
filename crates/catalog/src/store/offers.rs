//! What variants cost and weigh now, with all that decides whether they can be bought.

use db::Tx;
use kernel::VariantId;
use sqlx::types::Json;
use trade::OriginCertificate;
use uuid::Uuid;

use crate::domain::product::Translation;
use crate::domain::quoted::Attributes;

/// A variant with its product, seller, shelf and place.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Offer {
    pub(crate) variant_id: Uuid,
    pub(crate) product_id: Uuid,
    pub(crate) seller_id: Uuid,
    pub(crate) seller_name: String,
    pub(crate) seller_state: String,
    pub(crate) tax_registered: bool,
    pub(crate) payout_currency: String,
    pub(crate) sku: String,
    pub(crate) category: String,
    pub(crate) translations: Json<Vec<Translation>>,
    /// Withdrawn, or no longer one of the product's variants.
    pub(crate) withdrawn: bool,
    pub(crate) price_minor: i64,
    pub(crate) currency: String,
    pub(crate) hs_code: String,
    pub(crate) origin: String,
    pub(crate) from_country: String,
    pub(crate) weight_grams: i64,
    pub(crate) length_mm: i64,
    pub(crate) width_mm: i64,
    pub(crate) height_mm: i64,
    pub(crate) preference: String,
    pub(crate) certificate: Option<Json<OriginCertificate>>,
    pub(crate) stock_item_id: Uuid,
    pub(crate) stock_units: i64,
    pub(crate) stock_free: i64,
}

impl Offer {
    /// What it is for carrier and customs.
    pub(crate) fn attributes(&self) -> Attributes {
        Attributes {
            category: self.category.clone(),
            hs_code: self.hs_code.clone(),
            origin: self.origin.clone(),
            from_country: self.from_country.clone(),
            weight_grams: self.weight_grams,
            size_mm: [self.length_mm, self.width_mm, self.height_mm],
            stock_units: self.stock_units,
            preference: self.preference.clone(),
            certificate: self.certificate.as_ref().map(|certificate| certificate.0.clone()),
            seller_tax_registered: self.tax_registered,
        }
    }
}

// The offers that a clause picks.
db::selection!(
    select,
    "select variant_id, variants.product_id, variants.seller_id, display_name as seller_name, \
     sellers.state as seller_state, tax_registered, payout_currency, variants.sku, category, translations, \
     (withdrawn or not offered) as withdrawn, price_minor, currency, hs_code, origin, \
     locations.country as from_country, weight_grams, length_mm, width_mm, height_mm, preference, certificate, \
     variants.stock_item_id, stock_units, on_hand - reserved as stock_free from variants \
     join products on products.product_id = variants.product_id \
     join sellers on sellers.seller_id = variants.seller_id \
     join stock_items on stock_items.stock_item_id = variants.stock_item_id \
     join locations on locations.location_id = stock_items.location_id "
);

/// The offers of variants, in no order.
pub(crate) async fn of(tx: &mut Tx, variants: &[VariantId]) -> Result<Vec<Offer>, db::Error> {
    let sql = tx.sql(
        select!("where variant_id = any($1)"),
        select!("where variant_id in (select unhex(value, '-') from json_each($1))"),
    );
    db::fetch_all!(tx, Offer, sql, variants.iter().copied().collect::<db::Ids>())
}
