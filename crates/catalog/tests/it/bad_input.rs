//! What cannot be read is refused by the name of its field.

use kernel::{LocationId, StockItemId};
use proto::catalog::internal::v1::DecideSellerChangeRequest;
use proto::catalog::v1::{
    AdjustStockRequest, CreateLocationRequest, CreateProductRequest, ListProductsRequest, UpdateSellerRequest,
};
use proto::types::v1::{Money, OriginCertificate};
use testkit::on_both;
use tonic::Code;

use crate::market::{Market, adjustment, request_id};
use crate::wares::{product, sharing, variant, words};

/// A field, and how to spoil it.
type Wrong = (&'static str, fn(&mut CreateProductRequest));

fn money(currency: &str, minor_units: i64) -> Option<Money> {
    Some(Money { currency: currency.to_owned(), minor_units })
}

fn certificate(number: &str, issued_on: &str, expires_on: &str) -> Option<OriginCertificate> {
    Some(OriginCertificate {
        number: number.to_owned(),
        issued_on: issued_on.to_owned(),
        expires_on: expires_on.to_owned(),
    })
}

const WRONG: &[Wrong] = &[
    ("request_id", |asked| asked.request_id = "tuesday".to_owned()),
    ("category", |asked| asked.category = "Silk scarves".to_owned()),
    ("translations", |asked| asked.translations.clear()),
    ("translations", |asked| asked.translations = vec![words("fr", "Foulard de soie")]),
    ("translations[1].title", |asked| asked.translations[1].title = " ".to_owned()),
    ("translations[1].language", |asked| asked.translations[1].language = "en".to_owned()),
    ("translations[1].language", |asked| asked.translations[1].language = "EN".to_owned()),
    ("translations[1].language", |asked| asked.translations[1].language = "not a tag!".to_owned()),
    ("translations[1].title", |asked| asked.translations[1].title = "!!!".to_owned()),
    ("translations[1].title", |asked| asked.translations[1].title = "\u{200b}\u{2060}".to_owned()),
    ("translations[1].title", |asked| asked.translations[1].title = "Silk\u{202e}klis".to_owned()),
    ("translations[1].title", |asked| asked.translations[1].title = "Silk\nscarf".to_owned()),
    ("translations[1].description", |asked| asked.translations[1].description = "a\u{fffe}".to_owned()),
    ("translations[1].description", |asked| asked.translations[1].description = "\0\n".to_owned()),
    ("variants", |asked| asked.variants.clear()),
    ("variants[0].sku", |asked| asked.variants[0].sku.clear()),
    ("variants[0].sku", |asked| asked.variants[0].sku = "--".to_owned()),
    ("variants[0].name", |asked| asked.variants[0].name = "\u{feff}M".to_owned()),
    ("variants[0].preference", |asked| asked.variants[0].preference = "ATI\u{7}GA".to_owned()),
    ("variants[1].sku", |asked| asked.variants.push(asked.variants[0].clone())),
    ("variants[0].price", |asked| asked.variants[0].price = None),
    ("variants[0].price.currency", |asked| asked.variants[0].price = money("BHT", 1)),
    ("variants[0].price.minor_units", |asked| asked.variants[0].price = money("THB", 0)),
    ("variants[0].hs_code", |asked| asked.variants[0].hs_code = "6214".to_owned()),
    ("variants[0].hs_code", |asked| asked.variants[0].hs_code = "62141O".to_owned()),
    ("variants[0].hs_code", |asked| asked.variants[0].hs_code = "610955".to_owned()),
    ("variants[0].hs_code", |asked| asked.variants[0].hs_code = "6214100000000".to_owned()),
    ("variants[0].origin", |asked| asked.variants[0].origin = "Siam".to_owned()),
    ("variants[0].weight_grams", |asked| asked.variants[0].weight_grams = 0),
    ("variants[0].weight_grams", |asked| asked.variants[0].weight_grams = 1_000_001),
    ("variants[0].dimensions.length_mm", |asked| {
        asked.variants[0].dimensions.as_mut().unwrap().length_mm = 0
    }),
    ("variants[0].certificate.number", |asked| {
        asked.variants[0].certificate = certificate(" ", "2026-01-01", "2026-12-31")
    }),
    ("variants[0].certificate.issued_on", |asked| {
        asked.variants[0].certificate = certificate("D-1", "", "2026-12-31")
    }),
    ("variants[0].certificate.expires_on", |asked| {
        asked.variants[0].certificate = certificate("D-1", "2026-01-01", "2025-12-31")
    }),
    ("variants[0].certificate.issued_on", |asked| {
        asked.variants[0].certificate = certificate("D-1", "0000-01-01", "2026-12-31")
    }),
    ("variants[0].certificate.expires_on", |asked| {
        asked.variants[0].certificate = certificate("D-1", "2026-01-01", "+262026-01-01")
    }),
    ("variants[0].stock_units", |asked| asked.variants[0].stock_units = -1),
    ("variants[0].initial_stock", |asked| asked.variants[0].initial_stock = -1),
    ("variants[0].location_id", |asked| asked.variants[0].location_id = "here".to_owned()),
    ("variants[0].location_id", |asked| asked.variants[0].location_id = LocationId::new().to_string()),
    ("variants[0].stock_item_id", |asked| asked.variants[0].stock_item_id = StockItemId::new().to_string()),
];

on_both! {
    async fn bad_goods_name_their_field(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        for (place, (field, spoil)) in WRONG.iter().enumerate() {
            let mut request = product(vec![variant(&trader, "A-1", 5)]);
            spoil(&mut request);
            let refused = market.products(&trader.id).create_product(request).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument, "{place}: {refused:?}");
            assert_eq!(rpc::status::fields(&refused), [*field], "{place}");
        }
        assert_eq!(market.audit().await.stock_items, 0);
        market.hub.stop().await;
    }

    async fn an_error_echoes_little_of_what_was_sent(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let long = "\u{202e}9".repeat(50_000);
        let mut request = product(vec![variant(&trader, "A-1", 5)]);
        request.category.clone_from(&long);
        request.translations[0].language.clone_from(&long);
        request.variants[0].hs_code.clone_from(&long);
        request.variants[0].origin.clone_from(&long);
        request.variants[0].location_id.clone_from(&long);
        let refused = market.products(&trader.id).create_product(request).await.unwrap_err();
        assert!(rpc::status::fields(&refused).len() >= 5, "{refused:?}");
        assert!(refused.message().len() + refused.details().len() < 6_000, "{refused:?}");
        assert!(!refused.message().contains('\u{202e}'), "{refused:?}");
        market.hub.stop().await;
    }

    async fn codes_of_goods_are_taken_as_countries_write_them(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        for (code, kept) in [("6214.10.00.000", "62141000000"), ("6214 10", "621410"), ("621410001234", "621410001234")] {
            let mut request = product(vec![variant(&trader, code, 5)]);
            request.variants[0].hs_code = code.to_owned();
            let listed = market.products(&trader.id).create_product(request).await.unwrap().into_inner();
            assert_eq!(listed.product.unwrap().variants[0].hs_code, kept);
        }
        market.hub.stop().await;
    }

    async fn all_wrong_fields_are_told_at_once(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let mut request = product(vec![variant(&trader, "A-1", -5), variant(&trader, "A-2", 5)]);
        request.category.clear();
        request.variants[0].origin.clear();
        request.variants[1].weight_grams = -1;
        let refused = market.products(&trader.id).create_product(request).await.unwrap_err();
        let wrong =
            ["category", "variants[0].origin", "variants[0].initial_stock", "variants[1].weight_grams"];
        assert_eq!(rpc::status::fields(&refused), wrong);
        market.hub.stop().await;
    }

    async fn a_wrong_request_id_is_told_with_the_other_fields(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let adjust = AdjustStockRequest { request_id: "tuesday".to_owned(), ..AdjustStockRequest::default() };
        let refused = market.stock(&trader.id).adjust_stock(adjust).await.unwrap_err();
        assert_eq!(rpc::status::fields(&refused), ["request_id", "stock_item_id", "delta", "reason"]);
        let update = UpdateSellerRequest { seller_id: trader.id.clone(), country: "Siam".to_owned(), ..UpdateSellerRequest::default() };
        let refused = market.update(&trader.id, update).await.unwrap_err();
        assert_eq!(rpc::status::fields(&refused), ["request_id", "etag", "display_name", "country"]);
        let decide = DecideSellerChangeRequest::default();
        let refused = market.operator().decide_seller_change(decide).await.unwrap_err();
        assert_eq!(rpc::status::fields(&refused), ["request_id", "seller_id", "etag", "reason"]);
        // Who may not ask is told so, and nothing of what was asked.
        let refused = market.stock("somchai").adjust_stock(AdjustStockRequest::default()).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
        let list = ListProductsRequest {
            seller_id: "me".to_owned(),
            page_size: -1,
            page_token: "next".to_owned(),
            ..ListProductsRequest::default()
        };
        let refused = market.window().list_products(list).await.unwrap_err();
        assert_eq!(rpc::status::fields(&refused), ["seller_id", "page_size", "page_token"]);
        market.hub.stop().await;
    }

    async fn another_sellers_place_or_shelf_is_none(database: Database) {
        let market = Market::open(&database).await;
        let (trader, other) = (market.trader().await, market.trader_named("Lanna Silk").await);
        let theirs = market.goods(&other, "A-1", 5).await;
        for (field, input) in [
            ("variants[0].location_id", variant(&other, "B-1", 5)),
            ("variants[0].stock_item_id", sharing(&trader, "B-1", &theirs.stock_item_id, 1)),
        ] {
            let refused = market.products(&trader.id).create_product(product(vec![input])).await.unwrap_err();
            assert_eq!(rpc::status::fields(&refused), [field]);
        }
        market.adds_up_to(5, 0, 0).await;
        market.hub.stop().await;
    }

    async fn bad_filters_places_and_adjustments_name_their_field(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let all = ListProductsRequest::default;
        for (field, request) in [
            ("text", ListProductsRequest { text: "x".repeat(201), ..all() }),
            ("text", ListProductsRequest { text: "silk\u{202e}".to_owned(), ..all() }),
            ("min_price.minor_units", ListProductsRequest { min_price: money("THB", -1), ..all() }),
            ("max_price.minor_units", ListProductsRequest { max_price: money("THB", -1), ..all() }),
            (
                "max_price.minor_units",
                ListProductsRequest { min_price: money("THB", 9), max_price: money("THB", 8), ..all() },
            ),
            ("seller_id", ListProductsRequest { seller_id: "me".to_owned(), ..all() }),
            ("category", ListProductsRequest { category: "\0".to_owned(), ..all() }),
            ("origin", ListProductsRequest { origin: "\0".to_owned(), ..all() }),
            ("min_price.currency", ListProductsRequest { min_price: money("BHT", 1), ..all() }),
            (
                "max_price.currency",
                ListProductsRequest { min_price: money("THB", 1), max_price: money("MYR", 9), ..all() },
            ),
            ("page_size", ListProductsRequest { page_size: 201, ..all() }),
            ("page_token", ListProductsRequest { page_token: "next".to_owned(), ..all() }),
        ] {
            let refused = market.window().list_products(request).await.unwrap_err();
            assert_eq!(rpc::status::fields(&refused), [field]);
        }
        for (field, name, country, postcode) in [
            ("name", "", "TH", ""),
            ("name", "...", "TH", ""),
            ("country", "Rio", "BR", ""),
            ("country", "Rio", "?", ""),
            ("postcode", "Rio", "TH", "๑๐๑๑๐"),
        ] {
            let request = CreateLocationRequest {
                request_id: request_id(),
                name: name.to_owned(),
                country: country.to_owned(),
                postcode: postcode.to_owned(),
            };
            let refused = market.stock(&trader.id).create_location(request).await.unwrap_err();
            assert_eq!(rpc::status::fields(&refused), [field]);
        }
        let silk = market.goods(&trader, "A-1", 5).await;
        let mut unsaid = adjustment(&silk.stock_item_id, 1);
        unsaid.reason.clear();
        for (field, request) in [
            ("delta", adjustment(&silk.stock_item_id, 0)),
            ("delta", adjustment(&silk.stock_item_id, i64::MIN)),
            ("stock_item_id", adjustment(&silk.variant_id, 1)),
            ("reason", unsaid),
        ] {
            let refused = market.stock(&trader.id).adjust_stock(request).await.unwrap_err();
            assert_eq!(rpc::status::fields(&refused), [field]);
        }
        market.hub.stop().await;
    }
}
