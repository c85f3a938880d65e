//! A seller streams its goods in.

use proto::catalog::v1::{
    ImportOutcome, ImportProductsRequest, ImportProductsResponse, ListProductsRequest, VariantInput,
};
use testkit::on_both;

use crate::market::{Market, Trader};
use crate::wares::{baht, change, product, row, sharing, variant, words};

pub(crate) async fn import(
    market: &Market,
    trader: &Trader,
    rows: Vec<ImportProductsRequest>,
) -> Vec<ImportProductsResponse> {
    let rows = tokio_stream::iter(rows);
    let mut stream = market.products(&trader.id).import_products(rows).await.unwrap().into_inner();
    let mut answers = Vec::new();
    while let Some(answer) = stream.message().await.unwrap() {
        answers.push(answer);
    }
    answers
}

pub(crate) fn outcomes(answers: &[ImportProductsResponse]) -> Vec<(i64, ImportOutcome)> {
    answers.iter().map(|answer| (answer.row, answer.outcome())).collect()
}

/// How many goods a text finds.
pub(crate) async fn found(market: &Market, text: &str) -> usize {
    let request = ListProductsRequest { text: text.to_owned(), ..ListProductsRequest::default() };
    market.window().list_products(request).await.unwrap().into_inner().products.len()
}

on_both! {
    async fn a_bad_row_is_rejected_and_the_rest_goes_in(database: Database) {
        let market = Market::open(&database).await;
        let (trader, other) = (market.trader().await, market.trader_named("Lanna Silk").await);
        let light = VariantInput { weight_grams: -1, ..variant(&trader, "A-2", 1) };
        let mut foreign = row(6, variant(&trader, "A-6", 1));
        foreign.translations = vec![words("fr", "Foulard")];
        let rows = vec![
            row(1, variant(&trader, "A-1", 7)),
            row(2, light),
            // Its fields are well, but the place is another seller's: only the database knows.
            row(3, variant(&other, "A-3", 1)),
            row(4, variant(&trader, "A-4", 3)),
            ImportProductsRequest { variant: None, ..row(5, variant(&trader, "A-5", 1)) },
            foreign,
        ];
        let answers = import(&market, &trader, rows).await;
        use ImportOutcome::{Created, Rejected};
        let expected = [(1, Created), (2, Rejected), (3, Rejected), (4, Created), (5, Rejected), (6, Rejected)];
        assert_eq!(outcomes(&answers), expected);
        let fields: Vec<&str> = answers.iter().map(|answer| answer.field.as_str()).collect();
        assert_eq!(fields, ["", "weight_grams", "location_id", "", "variants", "translations"]);
        for answer in &answers {
            let rejected = answer.outcome() == Rejected;
            assert_eq!((!answer.reason.is_empty(), answer.product_id.is_empty()), (rejected, rejected));
        }
        assert!(answers[1].reason.contains("1000000"), "{}", answers[1].reason);
        let first = market.seen(&answers[0].product_id).await.unwrap();
        assert_eq!((first.variants[0].variant_id.as_str(), first.variants[0].available), (answers[0].variant_id.as_str(), 7));
        assert_eq!(found(&market, "A").await, 2);
        market.adds_up_to(10, 0, 0).await;
        market.hub.stop().await;
    }

    async fn the_same_again_changes_nothing_and_a_change_is_taken_over(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let rows = || (1..=4).map(|place| row(place, variant(&trader, &format!("A-{place}"), 5))).collect::<Vec<_>>();
        let first = import(&market, &trader, rows()).await;
        let again = import(&market, &trader, rows()).await;
        assert!(again.iter().all(|answer| answer.outcome() == ImportOutcome::Unchanged), "{again:?}");
        let ids = |answers: &[ImportProductsResponse]| -> Vec<(String, String)> {
            answers.iter().map(|answer| (answer.product_id.clone(), answer.variant_id.clone())).collect()
        };
        assert_eq!(ids(&first), ids(&again));
        let before = market.seen(&first[3].product_id).await.unwrap();

        let mut changed = rows();
        changed[0].variant.as_mut().unwrap().price = Some(baht(50_000));
        changed[1].variant.as_mut().unwrap().weight_grams = 130;
        changed[2].translations = vec![words("en", "Cotton shawl")];
        let answers = import(&market, &trader, changed).await;
        use ImportOutcome::{Unchanged, Updated};
        assert_eq!(outcomes(&answers), [(1, Updated), (2, Updated), (3, Updated), (4, Unchanged)]);
        assert_eq!(ids(&first), ids(&answers));
        let price = market.seen(&first[0].product_id).await.unwrap().variants[0].price.clone();
        assert_eq!(price, Some(baht(50_000)));
        assert_eq!(market.seen(&first[1].product_id).await.unwrap().variants[0].weight_grams, 130);
        assert_eq!(market.seen(&first[3].product_id).await.unwrap(), before);
        assert_eq!((found(&market, "cotton").await, found(&market, "silk").await), (1, 3));
        market.adds_up_to(20, 0, 0).await;
        market.hub.stop().await;
    }

    async fn a_long_import_is_answered_row_by_row_in_order(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        // Every tenth is bad.
        let units = |place| if place % 10 == 0 { -1 } else { 1 };
        let rows = (1..=150).map(|place| row(place, variant(&trader, &format!("A-{place}"), units(place))));
        let answers = import(&market, &trader, rows.collect()).await;
        let expected = (1..=150).map(|place| {
            let bad = place % 10 == 0;
            (place, if bad { ImportOutcome::Rejected } else { ImportOutcome::Created })
        });
        assert_eq!(outcomes(&answers), expected.collect::<Vec<_>>());
        market.adds_up_to(135, 0, 0).await;
        market.hub.stop().await;
    }

    async fn a_row_leaves_the_other_variants_of_its_product_to_be_found(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let both = product(vec![variant(&trader, "SC-RED", 1), variant(&trader, "SC-GREEN", 1)]);
        market.products(&trader.id).create_product(both).await.unwrap();
        let dearer = VariantInput { price: Some(baht(50_000)), ..variant(&trader, "SC-RED", 1) };
        import(&market, &trader, vec![row(1, dearer)]).await;
        assert_eq!((found(&market, "red").await, found(&market, "green").await), (1, 1));
        market.hub.stop().await;
    }

    async fn a_row_offers_again_what_an_edit_had_dropped(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let both = product(vec![variant(&trader, "A-1", 1), variant(&trader, "A-2", 1)]);
        let read = market.products(&trader.id).create_product(both).await.unwrap().into_inner().product.unwrap();
        let request = change(&read, vec![variant(&trader, "A-1", 1)]);
        market.products(&trader.id).update_product(request).await.unwrap();
        let answers = import(&market, &trader, vec![row(1, variant(&trader, "A-2", 1))]).await;
        assert_eq!(outcomes(&answers), [(1, ImportOutcome::Updated)]);
        market.offers(&[(&read.variants[1], 1)]).await.unwrap();
        market.hub.stop().await;
    }

    async fn a_row_moves_its_variant_to_another_shelf(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let (first, second) = (market.goods(&trader, "A-1", 1).await, market.goods(&trader, "A-2", 5).await);
        let moved = || vec![row(1, sharing(&trader, "A-1", &second.stock_item_id, 1))];
        assert_eq!(outcomes(&import(&market, &trader, moved()).await), [(1, ImportOutcome::Updated)]);
        assert_eq!(outcomes(&import(&market, &trader, moved()).await), [(1, ImportOutcome::Unchanged)]);
        market.buy(&[(&first, 5)]).await;
        assert_eq!(market.shelf(&trader, &second).await, (0, 0));
        market.adds_up_to(1, 0, 5).await;
        market.hub.stop().await;
    }
}
