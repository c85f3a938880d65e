//! What goes wrong while an order is placed: each its own error, and nothing is held afterwards.

use chrono::Duration;
use proof::market::Market;
use proof::purchase::{self, OrderOptions};
use proto::catalog::internal::v1::SuspendSellerRequest;
use proto::catalog::v1::{ListProductsRequest, UpdateProductRequest, VariantInput};
use proto::order::v1::{CreateQuoteRequest, OrderState, PaymentMethod, QuoteLine};
use proto::types::v1::{Address, Money};
use rpc::status::{metadata, reason};
use tonic::Status;

use crate::town::{Ground, STILL, Town, address, available, place, quote, seller, total, wallet};

fn why<T>(refused: Result<T, Status>) -> String {
    reason(&refused.err().unwrap()).unwrap()
}

/// The seller edits its first product.
async fn edit(seller: &Market, change: impl FnOnce(&mut UpdateProductRequest)) {
    let mut products = seller.shop.session.products();
    let request = ListProductsRequest {
        seller_id: seller.shop.session.subject.clone(),
        ..ListProductsRequest::default()
    };
    let product = products.list_products(request).await.unwrap().into_inner().products.remove(0);
    let variants = product.variants.iter().map(|variant| VariantInput {
        sku: variant.sku.clone(),
        name: variant.name.clone(),
        price: variant.price.clone(),
        hs_code: variant.hs_code.clone(),
        origin: variant.origin.clone(),
        weight_grams: variant.weight_grams,
        dimensions: variant.dimensions,
        stock_item_id: variant.stock_item_id.clone(),
        stock_units: variant.stock_units,
        ..VariantInput::default()
    });
    let mut request = UpdateProductRequest {
        request_id: proof::request_id(),
        product_id: product.product_id.clone(),
        etag: product.etag.clone(),
        category: product.category.clone(),
        variants: variants.collect(),
        translations: product.translations,
    };
    change(&mut request);
    products.update_product(request).await.unwrap();
}

on_every_shape! {
    async fn a_quote_that_expired(ground: Ground) {
        let town = Town::open(&ground, STILL).await;
        let thai = seller(&town.hub, &[5]).await;
        let buyer = town.hub.buyer("aisyah").unwrap();
        let quote = quote(&buyer, &[(thai.variants[0].clone(), 2)]).await;
        purchase::fund(&buyer, &total(&quote)).await.unwrap();
        town.advance(Duration::minutes(31));
        assert_eq!(why(place(&buyer, &quote).await), "QUOTE_EXPIRED");
        assert_eq!((wallet(&buyer).await.1, available(&thai, 0).await), (0, 5));
        town.close().await;
    }

    async fn a_quoted_price_holds_until_the_quote_expires(ground: Ground) {
        let town = Town::open(&ground, STILL).await;
        let thai = seller(&town.hub, &[5]).await;
        let buyer = town.hub.buyer("aisyah").unwrap();
        let quote = quote(&buyer, &[(thai.variants[0].clone(), 2)]).await;
        purchase::fund(&buyer, &total(&quote)).await.unwrap();
        edit(&thai, |request| {
            request.variants[0].price = Some(Money { currency: "THB".to_owned(), minor_units: 99_900 });
            request.translations[0].title = "Silk shawl".to_owned();
        })
        .await;
        let order = place(&buyer, &quote).await.unwrap();
        assert_eq!((order.state(), order.price), (OrderState::Confirmed, quote.price));
        assert_eq!((wallet(&buyer).await.0, available(&thai, 0).await), (0, 3));
        town.close().await;
    }

    async fn goods_that_changed_since_the_quote(ground: Ground) {
        let town = Town::open(&ground, STILL).await;
        let thai = seller(&town.hub, &[5]).await;
        let buyer = town.hub.buyer("aisyah").unwrap();
        let quote = quote(&buyer, &[(thai.variants[0].clone(), 2)]).await;
        purchase::fund(&buyer, &total(&quote)).await.unwrap();
        edit(&thai, |request| {
            request.category = "tobacco".to_owned();
            request.variants[0].weight_grams = 12_000;
        })
        .await;
        let refused = place(&buyer, &quote).await.unwrap_err();
        assert_eq!(metadata(&refused, "changed").as_deref(), Some("category,weight_grams"));
        assert_eq!(metadata(&refused, "variant_id"), Some(thai.variants[0].clone()));
        assert_eq!(why::<()>(Err(refused)), "QUOTE_STALE");
        assert_eq!((wallet(&buyer).await.1, available(&thai, 0).await), (0, 5));
        town.close().await;
    }

    async fn an_address_in_a_dearer_zone_than_was_quoted(ground: Ground) {
        let (_, text) = hub::builtin("my").unwrap();
        let near = "[[carriers.services.zones]]\nfrom = [\"TH\", \"SG\", \"ID\"]\nfirst_price = \"14.00\"";
        let east = near.replace("first_price = \"14.00\"", "postcodes = [\"87\", \"88\"]\nfirst_price = \"35.00\"");
        let text = text.replacen(near, &format!("{east}\nnext_price = \"3.20\"\ndays_min = 6\ndays_max = 12\n\n{near}"), 1);
        let town = Town::open_profile(&text, &ground, STILL, None).await;
        let thai = seller(&town.hub, &[5]).await;
        let buyer = town.hub.buyer("aisyah").unwrap();
        let quote_for = async |postcode: &str| {
            let request = CreateQuoteRequest {
                request_id: proof::request_id(),
                lines: vec![QuoteLine { variant_id: thai.variants[0].clone(), quantity: 1, ..QuoteLine::default() }],
                postcode: postcode.to_owned(),
                carriage_service: "selat-packet".to_owned(),
                ..CreateQuoteRequest::default()
            };
            buyer.quotes().create_quote(request).await.unwrap().into_inner().quote.unwrap()
        };
        let sabah = Address { city: "Kota Kinabalu".to_owned(), postcode: "MY-88 000".to_owned(), ..address() };
        let placing = OrderOptions::new(sabah, PaymentMethod::Wallet);
        let mut cheap = 0;
        for postcode in ["50450", ""] {
            let quote = quote_for(postcode).await;
            purchase::fund(&buyer, &total(&quote)).await.unwrap();
            assert_eq!(why(purchase::place(&buyer, &quote, &placing).await), "ADDRESS_CHANGED");
            cheap = total(&quote).minor_units;
        }
        let quote = quote_for("88000").await;
        assert!(total(&quote).minor_units > cheap);
        purchase::fund(&buyer, &total(&quote)).await.unwrap();
        let order = purchase::place(&buyer, &quote, &placing).await.unwrap();
        assert_eq!((order.state(), available(&thai, 0).await), (OrderState::Confirmed, 4));
        town.close().await;
    }

    async fn a_seller_suspended_in_between(ground: Ground) {
        let town = Town::open(&ground, STILL).await;
        let thai = seller(&town.hub, &[5]).await;
        let buyer = town.hub.buyer("aisyah").unwrap();
        let wishes = [(thai.variants[0].clone(), 2)];
        let quote = quote(&buyer, &wishes).await;
        purchase::fund(&buyer, &total(&quote)).await.unwrap();
        let request = SuspendSellerRequest {
            request_id: proof::request_id(),
            seller_id: thai.shop.session.subject.clone(),
            reason: "papers".to_owned(),
        };
        town.hub.catalog_operator().unwrap().suspend_seller(request).await.unwrap();
        let refused = why(place(&buyer, &quote).await);
        assert!(refused.starts_with("SELLER_"), "{refused}");
        assert_eq!(why(purchase::quote(&buyer, &wishes, "").await), refused);
        assert_eq!(wallet(&buyer).await.1, 0);
        town.close().await;
    }

    async fn a_currency_without_a_rate(ground: Ground) {
        let town = Town::open(&ground, STILL).await;
        let thai = seller(&town.hub, &[5]).await;
        let buyer = town.hub.buyer("aisyah").unwrap();
        let refused = purchase::quote(&buyer, &[(thai.variants[0].clone(), 2)], "KWD").await;
        assert_eq!(why(refused), "RATE_UNAVAILABLE");
        town.close().await;
    }

    async fn a_wallet_short_by_one_minor_unit(ground: Ground) {
        let town = Town::open(&ground, STILL).await;
        let thai = seller(&town.hub, &[5]).await;
        let buyer = town.hub.buyer("aisyah").unwrap();
        let quote = quote(&buyer, &[(thai.variants[0].clone(), 2)]).await;
        let short = Money { minor_units: total(&quote).minor_units - 1, ..total(&quote) };
        purchase::fund(&buyer, &short).await.unwrap();
        assert_eq!(why(place(&buyer, &quote).await), "INSUFFICIENT_FUNDS");
        assert_eq!((wallet(&buyer).await, available(&thai, 0).await), ((short.minor_units, 0), 5));
        // With the missing one it goes.
        purchase::fund(&buyer, &total(&quote)).await.unwrap();
        assert_eq!(place(&buyer, &quote).await.unwrap().state(), OrderState::Confirmed);
        town.close().await;
    }
}
