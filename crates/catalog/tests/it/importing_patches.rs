//! A row of a known SKU changes what it says, of the fields that the header names, and nothing else.

use proto::catalog::v1::{
    ImportHeader, ImportOutcome, ImportProductsRequest, ImportProductsResponse, Product, StockMode,
    Translation, VariantInput,
};
use testkit::on_both;
use tonic::Code;

use crate::importing::{found, import, outcomes};
use crate::market::{Market, Trader};
use crate::wares::{baht, change, product, row, variant, words};

pub(crate) fn header(fields: &[&str]) -> ImportProductsRequest {
    let header = ImportHeader {
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        default_category: "general".to_owned(),
        ..ImportHeader::default()
    };
    ImportProductsRequest { header: Some(header), ..ImportProductsRequest::default() }
}

/// A row that says a SKU alone.
pub(crate) fn bare(number: i64, trader: &Trader, sku: &str) -> ImportProductsRequest {
    let variant =
        VariantInput { sku: sku.to_owned(), location_id: trader.location.clone(), ..VariantInput::default() };
    ImportProductsRequest { row: number, variant: Some(variant), ..ImportProductsRequest::default() }
}

/// What a new SKU needs.
const ALL: [&str; 9] =
    ["variant_name", "title", "category", "price", "hs_code", "origin", "weight_grams", "size", "stock"];

/// A row that says all that a new SKU needs.
fn whole(number: i64, trader: &Trader, sku: &str, units: i64) -> ImportProductsRequest {
    ImportProductsRequest { stock: Some(units), ..row(number, variant(trader, sku, 0)) }
}

async fn lamp(market: &Market, trader: &Trader) -> Product {
    let request = proto::catalog::v1::CreateProductRequest {
        translations: vec![
            Translation { description: "For a desk".to_owned(), ..words("en", "Lamp") },
            words("ms", "Lampu"),
        ],
        ..product(vec![variant(trader, "V-RED", 10), variant(trader, "V-BLUE", 10)])
    };
    market.products(&trader.id).create_product(request).await.unwrap().into_inner().product.unwrap()
}

fn refusals(answers: &[ImportProductsResponse]) -> Vec<(&str, &str)> {
    answers.iter().map(|answer| (answer.field.as_str(), answer.reason.as_str())).collect()
}

on_both! {
    async fn a_row_for_one_variant_leaves_all_else_as_it_is(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let before = lamp(&market, &trader).await;
        let mut patch = bare(2, &trader, "V-RED");
        patch.variant.as_mut().unwrap().price = Some(baht(88_00));
        patch.translations = vec![words("en", "Desk lamp")];
        let rows = vec![header(&["sku", "title_en", "price"]), patch.clone()];
        assert_eq!(outcomes(&import(&market, &trader, rows.clone()).await), [(2, ImportOutcome::Updated)]);
        let mut expected = before.clone();
        expected.variants[0].price = Some(baht(88_00));
        expected.translations[0].title = "Desk lamp".to_owned();
        let after = market.seen(&before.product_id).await.unwrap();
        expected.etag.clone_from(&after.etag);
        expected.updated_at = after.updated_at;
        assert_eq!(after, expected);
        assert_eq!((found(&market, "blue").await, found(&market, "lampu").await), (1, 1));
        assert_eq!(outcomes(&import(&market, &trader, rows).await), [(2, ImportOutcome::Unchanged)]);
        // Without a header a row says no more than what stands in it.
        patch.variant.as_mut().unwrap().price = Some(baht(89_00));
        assert_eq!(outcomes(&import(&market, &trader, vec![patch]).await), [(2, ImportOutcome::Updated)]);
        expected.variants[0].price = Some(baht(89_00));
        let after = market.seen(&before.product_id).await.unwrap();
        assert_eq!((&after.variants, &after.translations), (&expected.variants, &expected.translations));
        market.adds_up_to(20, 0, 0).await;
        market.hub.stop().await;
    }

    async fn what_the_header_does_not_name_is_left_alone(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let before = lamp(&market, &trader).await;
        let other = VariantInput { name: "Green".to_owned(), price: Some(baht(1)), ..variant(&trader, "V-RED", 0) };
        let rows = vec![header(&["sku", "price"]), ImportProductsRequest { category: "toys".to_owned(), stock: Some(1), ..row(2, other) }];
        assert_eq!(outcomes(&import(&market, &trader, rows).await), [(2, ImportOutcome::Updated)]);
        let after = market.seen(&before.product_id).await.unwrap();
        assert_eq!(after.variants[0].price, Some(baht(1)));
        assert_eq!((&after.variants[0].name, &after.category), (&before.variants[0].name, &before.category));
        assert_eq!(after.translations, before.translations);
        market.adds_up_to(20, 0, 0).await;
        market.hub.stop().await;
    }

    async fn errors_name_the_fields_of_the_header(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let mut long = whole(2, &trader, "A-1", 1);
        long.translations[0].title = "x".repeat(201);
        let mut flat = whole(3, &trader, "A-2", 1);
        flat.variant.as_mut().unwrap().dimensions.as_mut().unwrap().width_mm = 0;
        let mut free = whole(4, &trader, "A-3", 1);
        free.variant.as_mut().unwrap().price = Some(baht(0));
        let few = whole(5, &trader, "A-4", -1);
        let mut foreign = whole(6, &trader, "A-5", 1);
        foreign.translations = vec![words("fr", "Foulard")];
        let rows = vec![header(&ALL), long, flat, free, few, foreign, bare(7, &trader, "A-6")];
        let answers = import(&market, &trader, rows).await;
        let fields: Vec<&str> = refusals(&answers).iter().map(|(field, _)| *field).collect();
        assert_eq!(fields, ["title_en", "size", "price", "stock", "title", "title"]);
        assert!(answers[5].reason.contains("title, price, hs_code, origin, weight_grams, size, stock"), "{}", answers[5].reason);
        market.adds_up_to(0, 0, 0).await;
        market.hub.stop().await;
    }

    async fn rows_of_a_group_are_variants_of_one_product(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let grouped = |number, sku: &str, name: &str| {
            let mut row = whole(number, &trader, sku, 1);
            row.variant.as_mut().unwrap().name = name.to_owned();
            ImportProductsRequest { group: "lamp".to_owned(), ..row }
        };
        let mut fields = ALL.to_vec();
        fields.push("group");
        let first = import(&market, &trader, vec![header(&fields), grouped(2, "L-1", "Red")]).await;
        // In a later stream too; and what was a product by itself goes over.
        import(&market, &trader, vec![whole(9, &trader, "L-3", 1)]).await;
        let later = import(&market, &trader, vec![header(&fields), grouped(2, "L-2", "Blue"), grouped(3, "L-3", "Green")]).await;
        assert_eq!(outcomes(&later), [(2, ImportOutcome::Created), (3, ImportOutcome::Updated)]);
        assert!(later.iter().all(|answer| answer.product_id == first[0].product_id));
        let seen = market.seen(&first[0].product_id).await.unwrap();
        let names: Vec<&str> = seen.variants.iter().map(|variant| variant.name.as_str()).collect();
        assert_eq!(names.len(), 3, "{names:?}");
        assert!(["Red", "Blue", "Green"].iter().all(|name| names.contains(name)), "{names:?}");
        assert_eq!((found(&market, "green").await, found(&market, "scarf").await), (1, 1));
        let again = import(&market, &trader, vec![header(&fields), grouped(2, "L-3", "Green")]).await;
        assert_eq!(outcomes(&again), [(2, ImportOutcome::Unchanged)]);
        let elsewhere = ImportProductsRequest { group: "desk".to_owned(), ..grouped(2, "L-1", "Red") };
        let answers = import(&market, &trader, vec![header(&fields), elsewhere]).await;
        assert_eq!(answers[0].field, "group");
        market.adds_up_to(2, 0, 0).await;
        market.hub.stop().await;
    }

    async fn a_row_that_says_little_leaves_off_the_market_what_is_off_it(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let read = lamp(&market, &trader).await;
        let request = change(&read, vec![variant(&trader, "V-BLUE", 0)]);
        market.products(&trader.id).update_product(request).await.unwrap();
        let mut patch = bare(2, &trader, "V-RED");
        patch.variant.as_mut().unwrap().price = Some(baht(5));
        import(&market, &trader, vec![header(&["price"]), patch]).await;
        assert_eq!(market.seen(&read.product_id).await.unwrap().variants.len(), 1);
        let answers = import(&market, &trader, vec![header(&ALL), whole(2, &trader, "V-RED", 1)]).await;
        assert_eq!(outcomes(&answers), [(2, ImportOutcome::Updated)]);
        assert_eq!(market.seen(&read.product_id).await.unwrap().variants.len(), 2);
        market.hub.stop().await;
    }

    async fn a_header_is_checked_and_stands_first_and_alone(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let refused = async |rows: Vec<ImportProductsRequest>| {
            let rows = tokio_stream::iter(rows);
            let mut answers = market.products(&trader.id).import_products(rows).await.unwrap().into_inner();
            loop {
                match answers.message().await {
                    Ok(Some(_)) => {}
                    Ok(None) => return Code::Ok,
                    Err(status) => return status.code(),
                }
            }
        };
        assert_eq!(refused(vec![header(&["colour"])]).await, Code::InvalidArgument);
        assert_eq!(refused(vec![header(&[])]).await, Code::InvalidArgument);
        assert_eq!(refused(vec![bare(1, &trader, "A-1"), header(&["price"])]).await, Code::InvalidArgument);
        assert_eq!(refused(vec![header(&["price"]), header(&["price"])]).await, Code::InvalidArgument);
        let both = ImportProductsRequest { row: 1, ..header(&["price"]) };
        assert_eq!(refused(vec![both]).await, Code::InvalidArgument);
        let mut tongue = header(&["title"]);
        tongue.header.as_mut().unwrap().default_language = "no language!".to_owned();
        assert_eq!(refused(vec![tongue]).await, Code::InvalidArgument);
        let mut ahead = header(&["stock"]);
        let later = proto::convert::timestamp(market.hub.now() + chrono::Duration::days(1));
        ahead.header.as_mut().unwrap().stock_as_of = Some(later);
        ahead.header.as_mut().unwrap().set_stock_mode(StockMode::Set);
        assert_eq!(refused(vec![ahead]).await, Code::InvalidArgument);
        market.hub.stop().await;
    }

    async fn languages_are_read_as_everywhere(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let mut first = header(&["title", "title_EN", "title_TH"]);
        first.header.as_mut().unwrap().default_language = "TH".to_owned();
        lamp(&market, &trader).await;
        let mut capital = bare(2, &trader, "V-RED");
        capital.translations = vec![words("EN", "Desk lamp"), words("", "โคมไฟ")];
        assert_eq!(outcomes(&import(&market, &trader, vec![first, capital.clone()]).await), [(2, ImportOutcome::Updated)]);
        assert_eq!((found(&market, "desk").await, found(&market, "โคมไฟ").await), (1, 1));
        // Without a header too.
        capital.translations.truncate(1);
        assert_eq!(outcomes(&import(&market, &trader, vec![capital]).await), [(2, ImportOutcome::Unchanged)]);
        // What is none is repeated only so far.
        let mut long = bare(2, &trader, "V-RED");
        long.translations = vec![words(&format!("\u{202e}{}", "x".repeat(500_000)), "Lamp")];
        let answers = import(&market, &trader, vec![header(&["title"]), long]).await;
        assert_eq!(answers[0].outcome(), ImportOutcome::Rejected);
        let field = &answers[0].field;
        assert!(field.starts_with("title_") && field.len() < 100 && !field.contains('\u{202e}'), "{field}");
        market.hub.stop().await;
    }
}
