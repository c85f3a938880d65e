//! Goods as sellers give them.

use proto::catalog::v1::{
    CreateProductRequest, ImportProductsRequest, Product, Translation, UpdateProductRequest, VariantInput,
};
use proto::types::v1::{Dimensions, Money};

use crate::market::{Trader, request_id};

pub(crate) fn baht(minor_units: i64) -> Money {
    Money { currency: "THB".to_owned(), minor_units }
}

pub(crate) fn words(language: &str, title: &str) -> Translation {
    Translation { language: language.to_owned(), title: title.to_owned(), description: String::new() }
}

/// A silk scarf on a shelf of its own.
pub(crate) fn variant(trader: &Trader, sku: &str, units: i64) -> VariantInput {
    VariantInput {
        sku: sku.to_owned(),
        name: "Blue".to_owned(),
        price: Some(baht(45_000)),
        hs_code: "621410".to_owned(),
        origin: "TH".to_owned(),
        weight_grams: 120,
        dimensions: Some(Dimensions { length_mm: 200, width_mm: 150, height_mm: 30 }),
        stock_item_id: String::new(),
        stock_units: 0,
        location_id: trader.location.clone(),
        initial_stock: units,
        preference: String::new(),
    }
}

/// Taken from a shelf that is there.
pub(crate) fn sharing(trader: &Trader, sku: &str, stock_item_id: &str, stock_units: i64) -> VariantInput {
    VariantInput {
        stock_item_id: stock_item_id.to_owned(),
        stock_units,
        initial_stock: 0,
        ..variant(trader, sku, 0)
    }
}

pub(crate) fn product(variants: Vec<VariantInput>) -> CreateProductRequest {
    CreateProductRequest {
        request_id: request_id(),
        category: "scarves".to_owned(),
        translations: vec![words("en", "Silk scarf"), words("th", "ผ้าพันคอไหม")],
        variants,
    }
}

/// A change of the product that was last read.
pub(crate) fn change(read: &Product, variants: Vec<VariantInput>) -> UpdateProductRequest {
    UpdateProductRequest {
        request_id: request_id(),
        product_id: read.product_id.clone(),
        etag: read.etag.clone(),
        category: read.category.clone(),
        translations: read.translations.clone(),
        variants,
    }
}

/// A row of an import.
pub(crate) fn row(number: i64, variant: VariantInput) -> ImportProductsRequest {
    let product = product(Vec::new());
    ImportProductsRequest {
        row: number,
        category: product.category,
        translations: product.translations,
        variant: Some(variant),
        ..ImportProductsRequest::default()
    }
}
