//! Finding goods, without a token.

use proto::catalog::v1::{ListProductsRequest, Product, VariantInput, WithdrawProductRequest};
use proto::types::v1::Money;
use testkit::on_both;

use crate::market::{Market, Trader, request_id};
use crate::wares::{baht, product, variant, words};

/// Lists goods under their code.
async fn list(market: &Market, trader: &Trader, category: &str, title: &str, input: VariantInput) -> Product {
    let mut request = product(vec![input]);
    request.category = category.to_owned();
    request.translations = vec![words("ms", title), words("th", "ผ้าไหม ไทย")];
    market.products(&trader.id).create_product(request).await.unwrap().into_inner().product.unwrap()
}

/// The codes of what is found, newest first.
async fn found(market: &Market, filter: ListProductsRequest) -> Vec<String> {
    codes(market.window().list_products(filter).await.unwrap().into_inner().products)
}

fn codes(products: Vec<Product>) -> Vec<String> {
    products.into_iter().map(|mut product| product.variants.remove(0).sku).collect()
}

fn text(text: &str) -> ListProductsRequest {
    ListProductsRequest { text: text.to_owned(), ..ListProductsRequest::default() }
}

fn priced(min: Option<Money>, max: Option<Money>) -> ListProductsRequest {
    ListProductsRequest { min_price: min, max_price: max, ..ListProductsRequest::default() }
}

/// Three products of two sellers.
async fn stalls(market: &Market) -> [Trader; 2] {
    let (silk, tea) = (market.trader_named("Silk").await, market.trader_named("Tea").await);
    list(market, &silk, "scarves", "Selendang sutera, BIRU", variant(&silk, "SC-1", 5)).await;
    let sarong = VariantInput { price: Some(baht(90_000)), ..variant(&silk, "SA-2", 5) };
    list(market, &silk, "sarongs", "Sarung sutera", sarong).await;
    let ringgit = Some(Money { currency: "MYR".to_owned(), minor_units: 2_500 });
    let oolong = VariantInput {
        price: ringgit,
        origin: "CN".to_owned(),
        name: String::new(),
        ..variant(&tea, "TE-3", 5)
    };
    list(market, &tea, "tea", "Teh oolong", oolong).await;
    [silk, tea]
}

on_both! {
    async fn goods_are_found_by_words_of_any_language(database: Database) {
        let market = Market::open(&database).await;
        stalls(&market).await;
        for (words, codes) in [
            ("", ["TE-3", "SA-2", "SC-1"].as_slice()),
            ("sutera", &["SA-2", "SC-1"]),
            ("SELENDANG sutera", &["SC-1"]),
            // The beginning of a word will do, the middle will not.
            ("oolo", &["TE-3"]),
            ("olong", &[]),
            ("ผ้าไหม", &["TE-3", "SA-2", "SC-1"]),
            ("biru", &["SC-1"]),
            ("SA-2", &["SA-2"]),
            ("blue", &["SA-2", "SC-1"]),
            // Every word must be there.
            ("sutera oolong", &[]),
            ("s se sel sele selen selend selenda selendan selendang sutera", &["SC-1"]),
            ("s se sel sele selen selend selenda selendan selendang sutera zebra", &[]),
            (&"zebra1 ".repeat(28), &[]),
            ("a b c d e f g h i j k l m n o p q r s t u v w x y z 0 1 2 3 4 5 6 7 8 9 sutera oolong", &[]),
            ("%", &["TE-3", "SA-2", "SC-1"]),
        ] {
            assert_eq!(found(&market, text(words)).await, codes, "{words}");
        }
        market.hub.stop().await;
    }

    async fn goods_are_found_by_seller_category_origin_and_price(database: Database) {
        let market = Market::open(&database).await;
        let [silk, tea] = stalls(&market).await;
        let all = ListProductsRequest::default;
        let ringgit = |minor_units| Some(Money { currency: "MYR".to_owned(), minor_units });
        for (filter, codes) in [
            (ListProductsRequest { seller_id: silk.id.clone(), ..all() }, ["SA-2", "SC-1"].as_slice()),
            (ListProductsRequest { seller_id: tea.id.clone(), ..all() }, &["TE-3"]),
            (ListProductsRequest { category: "sarongs".to_owned(), ..all() }, &["SA-2"]),
            (ListProductsRequest { category: "books".to_owned(), ..all() }, &[]),
            (ListProductsRequest { origin: "CN".to_owned(), ..all() }, &["TE-3"]),
            (ListProductsRequest { origin: "TH".to_owned(), ..all() }, &["SA-2", "SC-1"]),
            // Both bounds belong to the range, in their currency alone.
            (priced(Some(baht(45_000)), Some(baht(90_000))), &["SA-2", "SC-1"]),
            (priced(Some(baht(45_001)), None), &["SA-2"]),
            (priced(None, Some(baht(89_999))), &["SC-1"]),
            (priced(None, ringgit(2_500)), &["TE-3"]),
            (priced(ringgit(2_501), None), &[]),
            (ListProductsRequest { category: "scarves".to_owned(), origin: "TH".to_owned(), ..text("sutera") }, &["SC-1"]),
            (ListProductsRequest { category: "scarves".to_owned(), ..text("sarung") }, &[]),
        ] {
            assert_eq!(found(&market, filter.clone()).await, codes, "{filter:?}");
        }
        market.hub.stop().await;
    }

    async fn one_variant_must_have_both_the_origin_and_the_price(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let thai = variant(&trader, "A-1", 1);
        let chinese =
            VariantInput { origin: "CN".to_owned(), price: Some(baht(90_000)), ..variant(&trader, "A-2", 1) };
        market.products(&trader.id).create_product(product(vec![thai, chinese])).await.unwrap();
        let dear = |origin: &str| ListProductsRequest {
            origin: origin.to_owned(),
            ..priced(Some(baht(90_000)), None)
        };
        assert_eq!(found(&market, dear("CN")).await, ["A-1"]);
        assert_eq!(found(&market, dear("TH")).await, Vec::<String>::new());
        market.hub.stop().await;
    }

    async fn what_is_not_offered_is_not_found(database: Database) {
        let market = Market::open(&database).await;
        let [silk, tea] = stalls(&market).await;
        market.suspend(&tea.id, "goods were not as shown").await.unwrap();
        let unverified = market.applied("New").await;
        list(&market, &unverified, "scarves", "Sutera baru", variant(&unverified, "N-1", 5)).await;
        let withdrawn = list(&market, &silk, "scarves", "Sutera lama", variant(&silk, "SC-9", 5)).await;
        let request = WithdrawProductRequest {
            request_id: request_id(),
            product_id: withdrawn.product_id,
            etag: withdrawn.etag,
        };
        market.products(&silk.id).withdraw_product(request).await.unwrap();
        assert_eq!(found(&market, text("")).await, ["SA-2", "SC-1"]);

        // A seller finds all of its own when it asks for itself.
        for (trader, own) in
            [(&silk, ["SC-9", "SA-2", "SC-1"].as_slice()), (&unverified, &["N-1"]), (&tea, &["TE-3"])]
        {
            let request = ListProductsRequest { seller_id: trader.id.clone(), ..ListProductsRequest::default() };
            let listed = market.products(&trader.id).list_products(request.clone()).await.unwrap();
            assert_eq!(codes(listed.into_inner().products), own);
            let others = market.products(&silk.id).list_products(ListProductsRequest::default()).await.unwrap();
            assert_eq!(codes(others.into_inner().products), ["SA-2", "SC-1"]);
            assert!(!found(&market, request).await.contains(&"SC-9".to_owned()));
        }
        market.hub.stop().await;
    }

    async fn an_edit_changes_the_words_by_which_goods_are_found(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let read = market.list(&trader, "A-1", 5).await;
        let mut request = crate::wares::change(&read, vec![variant(&trader, "A-1", 5)]);
        request.translations = vec![words("en", "Cotton shawl")];
        market.products(&trader.id).update_product(request).await.unwrap();
        assert_eq!(found(&market, text("silk")).await, Vec::<String>::new());
        assert_eq!(found(&market, text("cotton")).await, ["A-1"]);
        market.hub.stop().await;
    }
}
