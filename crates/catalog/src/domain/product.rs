//! What a seller offers.

use chrono::{DateTime, Utc};
use customs::HsCode;
use kernel::{Country, LocationId, ProductId, SellerId, StockItemId, VariantId};
use money::Money;
use serde::{Deserialize, Serialize};
use trade::OriginCertificate;

/// Variants of a product.
pub(crate) const VARIANTS_MAX: usize = 100;
/// Languages of a product.
pub(crate) const TRANSLATIONS_MAX: usize = 20;

/// A product's words in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Translation {
    /// BCP 47.
    pub(crate) language: String,
    pub(crate) title: String,
    pub(crate) description: String,
}

/// A product with its variants.
#[derive(Debug, Clone)]
pub(crate) struct Product {
    pub(crate) id: ProductId,
    pub(crate) seller_id: SellerId,
    pub(crate) category: String,
    pub(crate) translations: Vec<Translation>,
    pub(crate) variants: Vec<Variant>,
    pub(crate) withdrawn: bool,
    pub(crate) version: i64,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

/// One thing that can be bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variant {
    pub(crate) id: VariantId,
    pub(crate) goods: Goods,
    pub(crate) stock_item_id: StockItemId,
    /// Units that could be sold now.
    pub(crate) available: i64,
}

/// What a seller says of a variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Goods {
    pub(crate) sku: String,
    pub(crate) name: String,
    pub(crate) price: Money,
    pub(crate) hs_code: HsCode,
    pub(crate) origin: Country,
    pub(crate) weight_grams: i64,
    pub(crate) length_mm: i64,
    pub(crate) width_mm: i64,
    pub(crate) height_mm: i64,
    /// Stock units that one unit takes.
    pub(crate) stock_units: i64,
    /// A trade preference with proof of origin; empty: none.
    pub(crate) preference: String,
    /// The proof of origin for it.
    pub(crate) certificate: Option<OriginCertificate>,
}

/// A variant as its seller gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewVariant {
    pub(crate) goods: Goods,
    pub(crate) stock: NewStock,
}

/// Where a variant is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NewStock {
    /// A shelf that is there, which variants may share.
    Shared(StockItemId),
    /// A shelf of its own.
    Own { location_id: LocationId, units: i64 },
}

/// What is offered of a product, as a seller gives it.
#[derive(Debug, Clone)]
pub(crate) struct NewProduct {
    pub(crate) category: String,
    pub(crate) translations: Vec<Translation>,
    pub(crate) variants: Vec<NewVariant>,
}
