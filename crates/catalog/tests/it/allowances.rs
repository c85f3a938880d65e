//! How much the goods of a seller may take: less before it is verified.

use proto::catalog::v1::{ImportOutcome, ImportProductsResponse};
use testkit::on_both;
use tonic::Code;

use crate::market::{Market, Trader, refusal};
use crate::wares::{change, product, row, variant, words};

const SECTION: &str = "products_max = 4\ntext_characters_max = 100000\nunverified_products_max = 2\nunverified_text_characters_max = 2000";

async fn import(market: &Market, trader: &Trader, skus: &[&str]) -> Vec<ImportProductsResponse> {
    let rows: Vec<_> =
        skus.iter().zip(1..).map(|(sku, number)| row(number, variant(trader, sku, 1))).collect();
    let mut answers =
        market.products(&trader.id).import_products(tokio_stream::iter(rows)).await.unwrap().into_inner();
    let mut read = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        read.push(answer);
    }
    read
}

fn outcomes(answers: &[ImportProductsResponse]) -> Vec<ImportOutcome> {
    answers.iter().map(ImportProductsResponse::outcome).collect()
}

on_both! {
    async fn a_seller_has_so_many_goods_and_more_once_it_is_verified(database: Database) {
        use ImportOutcome::{Created, Rejected, Unchanged};
        let market = Market::with(&database, SECTION).await;
        let trader = market.applied("Melati").await;
        let enough = (Code::ResourceExhausted, "SELLER_HAS_ENOUGH".to_owned());
        let create = |sku: &'static str| {
            let request = product(vec![variant(&trader, sku, 1)]);
            let mut products = market.products(&trader.id);
            async move { products.create_product(request).await }
        };
        assert_eq!(outcomes(&import(&market, &trader, &["A", "B", "C", "A"]).await), [Created, Created, Rejected, Unchanged]);
        assert_eq!(refusal(create("C").await), enough);
        market.verify(&trader.id).await.unwrap();
        create("C").await.unwrap();
        let answers = import(&market, &trader, &["D", "E"]).await;
        assert_eq!(outcomes(&answers), [Created, Rejected]);
        assert!(answers[1].reason.contains("4 products"), "{answers:?}");
        market.hub.stop().await;
    }

    async fn the_texts_of_all_goods_are_bounded_and_may_become_shorter(database: Database) {
        let market = Market::with(&database, SECTION).await;
        let trader = market.applied("Melati").await;
        let request = product(vec![variant(&trader, "A", 1)]);
        let listed = market.products(&trader.id).create_product(request).await.unwrap().into_inner().product.unwrap();
        let long = |letters: usize| {
            let mut request = change(&listed, vec![variant(&trader, "A", 1)]);
            request.translations = vec![words("en", "Silk")];
            request.translations[0].description = "x".repeat(letters);
            request
        };
        let refused = market.products(&trader.id).update_product(long(2_000)).await;
        assert_eq!(refusal(refused), (Code::ResourceExhausted, "SELLER_HAS_ENOUGH".to_owned()));
        // Nothing of it stands: the same version is edited.
        market.products(&trader.id).update_product(long(1_500)).await.unwrap();
        market.hub.stop().await;
    }

    async fn the_variants_of_all_goods_are_bounded_and_those_off_the_market_count(database: Database) {
        use ImportOutcome::Rejected;
        let market = Market::with(&database, SECTION).await;
        let trader = market.applied("Melati").await;
        let enough = (Code::ResourceExhausted, "SELLER_HAS_ENOUGH".to_owned());
        let variants = |numbers: std::ops::Range<usize>| -> Vec<_> {
            numbers.map(|number| variant(&trader, &format!("S{number}"), 1)).collect()
        };
        let mut products = market.products(&trader.id);
        let listed = products.create_product(product(variants(0..15))).await.unwrap().into_inner().product.unwrap();
        // Ten for each of two products.
        assert_eq!(refusal(products.create_product(product(variants(15..21))).await), enough);
        assert_eq!(refusal(products.update_product(change(&listed, variants(15..21))).await), enough);
        // It has five then, and twenty are kept.
        let edited = products.update_product(change(&listed, variants(15..20))).await.unwrap().into_inner();
        assert_eq!(edited.product.unwrap().variants.len(), 5);
        let answers = import(&market, &trader, &["S20", "S19"]).await;
        assert_eq!(answers[0].outcome(), Rejected);
        assert!(answers[0].reason.contains("20 variants"), "{answers:?}");
        assert_ne!(answers[1].outcome(), Rejected);
        market.hub.stop().await;
    }
}
