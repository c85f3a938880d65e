//! A seller with goods of one kind, for hubs that are tested, measured or proved.

use anyhow::{Context as _, Result, bail};
use proto::catalog::v1::{ImportProductsRequest, ListStockRequest, StockItem, Translation, VariantInput};
use proto::types::v1::{Dimensions, Money};

use crate::Hub;
use crate::shop::{self, SellerEntry, Shop};

/// Price of the first scarf in minor units of the seller's currency; each further one costs a unit more.
const PRICE_MINOR: i64 = 45_000;

/// A seller with its goods.
#[derive(Clone)]
pub struct Market {
    /// The seller.
    pub shop: Shop,
    /// Variants, in the order of their stock.
    pub variants: Vec<String>,
}

impl Market {
    /// Opens the firm, with silk scarves from Thailand of which so many are on the shelf.
    pub async fn open(hub: &Hub, firm: &SellerEntry, stock: &[i64]) -> Result<Self> {
        let shop = shop::open(hub, firm).await?;
        let rows = stock
            .iter()
            .zip(0..)
            .map(|(units, row)| scarf(&shop, &firm.payout_currency, row, *units))
            .collect::<Vec<_>>();
        let imported = shop::list_goods(&shop, rows, |_| {}).await?;
        if let Some((row, field, reason)) = imported.rejected.first() {
            bail!("scarf {row}: {field}: {reason}");
        }
        let variant = |row: i64| imported.variants.get(&row).cloned().context("a scarf that was not listed");
        let variants = stock.iter().zip(0..).map(|(_, row)| variant(row)).collect::<Result<_>>()?;
        Ok(Self { shop, variants })
    }

    /// The shelf of a variant.
    pub async fn shelf(&self, place: usize) -> Result<StockItem> {
        let sku = sku(place);
        let request = ListStockRequest { page_size: 200, ..ListStockRequest::default() };
        let listed = self.shop.session.stock().list_stock(request).await.context("listing stock")?;
        let items = listed.into_inner().stock_items;
        items.into_iter().find(|item| item.sku == sku).with_context(|| format!("no shelf of {sku}"))
    }
}

fn sku(place: impl std::fmt::Display) -> String {
    format!("SCARF-{place}")
}

fn scarf(shop: &Shop, currency: &str, row: i64, units: i64) -> ImportProductsRequest {
    let title = format!("Silk scarf {row}");
    ImportProductsRequest {
        row,
        category: "scarves".to_owned(),
        translations: vec![Translation { language: "en".to_owned(), title, description: String::new() }],
        variant: Some(VariantInput {
            sku: sku(row),
            price: Some(Money { currency: currency.to_owned(), minor_units: PRICE_MINOR + row }),
            hs_code: "621410".to_owned(),
            origin: "TH".to_owned(),
            weight_grams: 140,
            dimensions: Some(Dimensions { length_mm: 260, width_mm: 200, height_mm: 30 }),
            stock_units: 1,
            location_id: shop.location.location_id.clone(),
            initial_stock: units,
            ..VariantInput::default()
        }),
        ..ImportProductsRequest::default()
    }
}
