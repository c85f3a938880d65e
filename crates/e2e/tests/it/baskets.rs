//! Baskets of many small equal lines: what is rounded over the whole is spread over them evenly, and none falls below zero.

use proof::Session;
use proof::purchase::{self, RequestedLine};
use proof::shop::{self, SellerEntry};
use proto::catalog::v1::{ImportProductsRequest, Translation, VariantInput};
use proto::order::v1::Quote;
use proto::types::v1::{Dimensions, Money, PriceParts};

use crate::town::{Ground, STILL, Town, total};

/// Seller's country, its currency, the price of one in minor units, lines.
const BASKETS: [(&str, &str, i64, i64); 9] = [
    ("TH", "THB", 50, 8),
    ("TH", "THB", 800, 4),
    ("TH", "THB", 999, 5),
    ("TH", "THB", 2_500, 7),
    ("TH", "MYR", 500, 8),
    ("MY", "MYR", 500, 8),
    ("TH", "THB", 19_900, 60),
    ("TH", "THB", 1, 500),
    ("CN", "CNY", 333, 500),
];

/// Goods, carriage, insurance, duty, tax, fees.
fn parts(price: &PriceParts) -> [i64; 6] {
    [&price.goods, &price.carriage, &price.insurance, &price.duty, &price.tax, &price.fees]
        .map(|part| part.as_ref().unwrap().minor_units)
}

fn adds_up(quote: &Quote) {
    assert_eq!(parts(quote.price.as_ref().unwrap()).iter().sum::<i64>(), total(quote).minor_units);
    for consignment in &quote.consignments {
        let lines: Vec<[i64; 6]> =
            consignment.lines.iter().map(|line| parts(line.price.as_ref().unwrap())).collect();
        assert!(lines.iter().flatten().all(|part| *part >= 0), "{lines:?}");
        let sum = lines.iter().fold([0; 6], |sum, line| std::array::from_fn(|part| sum[part] + line[part]));
        assert_eq!(sum, parts(consignment.price.as_ref().unwrap()));
    }
}

/// One unit each of so many goods.
async fn basket(town: &Town, place: usize) -> Vec<RequestedLine> {
    let (country, currency, price, lines) = BASKETS[place];
    let firm = SellerEntry {
        country: country.to_owned(),
        payout_currency: currency.to_owned(),
        ..SellerEntry::thai(&format!("firm-{place}"))
    };
    let shop = shop::open(&town.hub, &firm).await.unwrap();
    let location_id = shop.location.location_id.clone();
    let rows = (0..lines).map(move |row| ImportProductsRequest {
        row,
        category: "scarves".to_owned(),
        translations: vec![Translation {
            language: "en".to_owned(),
            title: format!("Scarf {row}"),
            description: String::new(),
        }],
        variant: Some(VariantInput {
            sku: format!("S-{row}"),
            price: Some(Money { currency: currency.to_owned(), minor_units: price }),
            hs_code: "621410".to_owned(),
            origin: country.to_owned(),
            weight_grams: 140,
            dimensions: Some(Dimensions { length_mm: 260, width_mm: 200, height_mm: 30 }),
            location_id: location_id.clone(),
            initial_stock: 1_000,
            ..VariantInput::default()
        }),
        ..ImportProductsRequest::default()
    });
    let imported = shop::list_goods(&shop, rows, |_| {}).await.unwrap();
    assert!(imported.rejected.is_empty(), "{:?}", imported.rejected);
    imported.variants.into_values().map(|variant| (variant, 1)).collect()
}

/// Equal lines bear equal parts, to a minor unit of the buyer's currency, however many of it one of the hub's is worth.
fn is_even(quote: &Quote) {
    for consignment in &quote.consignments {
        let lines = consignment.lines.iter().map(|line| parts(line.price.as_ref().unwrap()));
        let lines: Vec<[i64; 6]> = lines.collect();
        for part in 0..6 {
            let (least, most) = lines
                .iter()
                .map(|line| line[part])
                .fold((i64::MAX, 0), |(least, most), part| (least.min(part), most.max(part)));
            assert!(most - least <= 1, "part {part}, {}: {least} to {most}", quote.currency);
        }
    }
}

async fn quoted(buyer: &Session, wishes: &[RequestedLine], currency: &str) {
    let quote = purchase::quote(buyer, wishes, currency).await.unwrap_or_else(|refused| {
        panic!("{} lines in `{currency}`: {refused:?}", wishes.len());
    });
    adds_up(&quote);
    if !matches!(currency, "" | "MYR") {
        is_even(&quote);
    }
}

mod a_basket_of_small_lines_is_quoted {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        let ground = Ground::embedded(testkit::Database::sqlite());
        let town = Town::open(&ground, STILL).await;
        let buyer = town.hub.buyer("aisyah").unwrap();
        for place in 0..BASKETS.len() {
            let wishes = basket(&town, place).await;
            for currency in ["", "THB", "USD", "JPY", "IDR"] {
                quoted(&buyer, &wishes, currency).await;
            }
        }
        town.close().await;
        ground.remove().await;
    }
}
