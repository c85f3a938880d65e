//! What an import makes of the stock of known SKUs.

use chrono::{DateTime, Utc};
use proto::catalog::v1::{ImportOutcome, ImportProductsRequest, ImportProductsResponse, StockMode, Variant};
use testkit::on_both;

use crate::importing::{import, outcomes};
use crate::importing_patches::{bare, header};
use crate::market::{Market, Trader};
use crate::purchase::Purchase;
use crate::wares::{baht, product, row, sharing, variant};

/// A file with a column of stock.
struct File {
    mode: StockMode,
    as_of: DateTime<Utc>,
    source: &'static str,
}

impl File {
    async fn import(
        &self,
        market: &Market,
        trader: &Trader,
        stock: &[(&str, i64)],
    ) -> Vec<ImportProductsResponse> {
        let mut first = header(&["sku", "stock"]);
        let said = first.header.as_mut().unwrap();
        said.set_stock_mode(self.mode);
        said.stock_as_of = Some(proto::convert::timestamp(self.as_of));
        self.source.clone_into(&mut said.source);
        let row = |(place, (sku, units)): (i64, &(&str, i64))| ImportProductsRequest {
            stock: Some(*units),
            ..bare(place, trader, sku)
        };
        let rows = std::iter::once(first).chain((2..).zip(stock).map(row)).collect();
        import(market, trader, rows).await
    }
}

/// Units on a shelf.
async fn on_hand(market: &Market, trader: &Trader, goods: &Variant) -> i64 {
    market.shelf(trader, goods).await.0
}

on_both! {
    async fn without_a_mode_the_stock_of_a_known_sku_is_left_alone(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 10).await;
        market.buy(&[(&silk, 4)]).await;
        let file = File { mode: StockMode::Unspecified, as_of: market.hub.now(), source: "" };
        let answers = file.import(&market, &trader, &[("A-1", 10)]).await;
        assert_eq!(outcomes(&answers), [(2, ImportOutcome::Unchanged)]);
        assert_eq!(answers[0].ignored_fields, ["stock"]);
        // A stream without a header sets none either.
        import(&market, &trader, vec![row(2, variant(&trader, "A-1", 10))]).await;
        market.adds_up_to(6, 0, 4).await;
        market.hub.stop().await;
    }

    async fn a_count_is_of_a_time_and_what_moved_since_is_on_top(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 10).await;
        market.hub.advance(chrono::Duration::hours(1));
        let file = File { mode: StockMode::Set, as_of: market.hub.now(), source: "a" };
        market.hub.advance(chrono::Duration::hours(1));
        market.buy(&[(&silk, 4)]).await;
        let held = Purchase::of(&[(&silk, 2)]);
        market.reserve(&held).await.unwrap();
        // Ten were there then, four were sold since: six, of which two are held.
        assert_eq!(outcomes(&file.import(&market, &trader, &[("A-1", 10)]).await), [(2, ImportOutcome::Unchanged)]);
        assert_eq!(market.shelf(&trader, &silk).await, (6, 2));
        // Eight were there then.
        assert_eq!(outcomes(&file.import(&market, &trader, &[("A-1", 8)]).await), [(2, ImportOutcome::Updated)]);
        assert_eq!(on_hand(&market, &trader, &silk).await, 4);
        assert_eq!(outcomes(&file.import(&market, &trader, &[("A-1", 8)]).await), [(2, ImportOutcome::Unchanged)]);
        // Units that came since are on top as well, and those that come back.
        market.adjust(&trader.id, &silk.stock_item_id, 5).await.unwrap();
        file.import(&market, &trader, &[("A-1", 8)]).await;
        assert_eq!(on_hand(&market, &trader, &silk).await, 9);
        // Never below what orders hold.
        let answers = file.import(&market, &trader, &[("A-1", 0)]).await;
        assert_eq!((answers[0].outcome(), answers[0].field.as_str()), (ImportOutcome::Rejected, "stock"));
        assert_eq!(market.shelf(&trader, &silk).await, (9, 2));
        market.adds_up_to(9, 2, 4).await;
        market.hub.stop().await;
    }

    async fn the_same_file_never_puts_sold_units_back(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 3).await;
        let first = File { mode: StockMode::Set, as_of: market.hub.now(), source: "digest" };
        first.import(&market, &trader, &[("A-1", 10)]).await;
        assert_eq!(on_hand(&market, &trader, &silk).await, 10);
        market.hub.advance(chrono::Duration::hours(1));
        market.buy(&[(&silk, 4)]).await;
        market.hub.advance(chrono::Duration::hours(1));
        // A copy of the file looks newer than it is.
        let copy = File { as_of: market.hub.now(), ..first };
        assert_eq!(outcomes(&copy.import(&market, &trader, &[("A-1", 10)]).await), [(2, ImportOutcome::Unchanged)]);
        assert_eq!(on_hand(&market, &trader, &silk).await, 6);
        // Another file is a count of its own time.
        let other = File { source: "another", ..copy };
        other.import(&market, &trader, &[("A-1", 10)]).await;
        assert_eq!(on_hand(&market, &trader, &silk).await, 10);
        market.adds_up_to(10, 0, 4).await;
        market.hub.stop().await;
    }

    async fn a_row_that_is_rejected_for_its_stock_changes_nothing(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 5).await;
        market.reserve(&Purchase::of(&[(&silk, 3)])).await.unwrap();
        let mut first = header(&["price", "stock"]);
        first.header.as_mut().unwrap().set_stock_mode(StockMode::Set);
        let mut cheap = bare(2, &trader, "A-1");
        cheap.variant.as_mut().unwrap().price = Some(baht(1));
        let rows = |units| vec![first.clone(), ImportProductsRequest { stock: Some(units), ..cheap.clone() }];
        let answers = import(&market, &trader, rows(2)).await;
        assert_eq!((answers[0].outcome(), answers[0].field.as_str()), (ImportOutcome::Rejected, "stock"));
        assert_eq!(market.offers(&[(&silk, 1)]).await.unwrap()[0].unit_price, Some(baht(45_000)));
        assert_eq!(outcomes(&import(&market, &trader, rows(3)).await), [(2, ImportOutcome::Updated)]);
        assert_eq!(market.shelf(&trader, &silk).await, (3, 3));
        market.adds_up_to(3, 3, 0).await;
        market.hub.stop().await;
    }

    async fn an_addition_is_made_once(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 3).await;
        let file = File { mode: StockMode::Add, as_of: market.hub.now(), source: "delivery 7" };
        assert_eq!(outcomes(&file.import(&market, &trader, &[("A-1", 5)]).await), [(2, ImportOutcome::Updated)]);
        let again = file.import(&market, &trader, &[("A-1", 5)]).await;
        assert_eq!((again[0].outcome(), again[0].ignored_fields.as_slice()), (ImportOutcome::Unchanged, &["stock".to_owned()][..]));
        assert_eq!(on_hand(&market, &trader, &silk).await, 8);
        market.reserve(&Purchase::of(&[(&silk, 6)])).await.unwrap();
        let less = File { source: "breakage", ..file };
        let answers = less.import(&market, &trader, &[("A-1", -3)]).await;
        assert_eq!((answers[0].outcome(), answers[0].field.as_str()), (ImportOutcome::Rejected, "stock"));
        assert_eq!(outcomes(&less.import(&market, &trader, &[("A-1", -2)]).await), [(2, ImportOutcome::Updated)]);
        market.adds_up_to(6, 6, 0).await;
        market.hub.stop().await;
    }

    async fn an_older_count_does_not_undo_a_newer_one(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 10).await;
        let [first, second, third] = std::array::from_fn(|_| {
            market.hub.advance(chrono::Duration::hours(1));
            market.hub.now()
        });
        let count = |as_of, source| File { mode: StockMode::Set, as_of, source };
        count(third, "newest").import(&market, &trader, &[("A-1", 20)]).await;
        for source in ["oldest", ""] {
            let answers = count(first, source).import(&market, &trader, &[("A-1", 12)]).await;
            assert_eq!((answers[0].outcome(), answers[0].field.as_str()), (ImportOutcome::Rejected, "stock"));
            let told = |at: DateTime<Utc>| answers[0].reason.contains(&at.format("%Y-%m-%dT%H:%M:%SZ").to_string());
            assert!(told(first) && told(third), "{}", answers[0].reason);
        }
        // Neither is what came before the count added to it: it was counted.
        let came = File { mode: StockMode::Add, as_of: second, source: "delivery" };
        let answers = came.import(&market, &trader, &[("A-1", 5)]).await;
        assert_eq!((answers[0].outcome(), answers[0].field.as_str()), (ImportOutcome::Rejected, "stock"));
        assert_eq!(on_hand(&market, &trader, &silk).await, 20);
        // One that finds nothing to change is a count all the same.
        market.hub.advance(chrono::Duration::hours(1));
        let same = count(market.hub.now(), "same").import(&market, &trader, &[("A-1", 20)]).await;
        assert_eq!(outcomes(&same), [(2, ImportOutcome::Unchanged)]);
        let answers = count(third, "third").import(&market, &trader, &[("A-1", 21)]).await;
        assert_eq!(answers[0].outcome(), ImportOutcome::Rejected);
        market.adds_up_to(20, 0, 0).await;
        market.hub.stop().await;
    }

    async fn a_count_includes_what_came_before_it(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 12).await;
        market.hub.advance(chrono::Duration::hours(1));
        let came = File { mode: StockMode::Add, as_of: market.hub.now(), source: "delivery" };
        market.hub.advance(chrono::Duration::hours(1));
        let counted = File { mode: StockMode::Set, as_of: market.hub.now(), source: "count" };
        market.hub.advance(chrono::Duration::hours(1));
        came.import(&market, &trader, &[("A-1", 5)]).await;
        assert_eq!(on_hand(&market, &trader, &silk).await, 17);
        let answers = counted.import(&market, &trader, &[("A-1", 17)]).await;
        assert_eq!(outcomes(&answers), [(2, ImportOutcome::Unchanged)]);
        // What comes with the count is on top of it, also when it is stated again.
        let with = File { mode: StockMode::Add, as_of: counted.as_of, source: "with the count" };
        with.import(&market, &trader, &[("A-1", 2)]).await;
        counted.import(&market, &trader, &[("A-1", 17)]).await;
        assert_eq!(on_hand(&market, &trader, &silk).await, 19);
        market.adds_up_to(19, 0, 0).await;
        market.hub.stop().await;
    }

    async fn rows_that_count_one_shelf_agree(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 3).await;
        let pair = sharing(&trader, "A-2", &silk.stock_item_id, 2);
        market.products(&trader.id).create_product(product(vec![pair])).await.unwrap();
        let file = |mode, source| File { mode, as_of: market.hub.now(), source };
        let both = [("A-1", 10), ("A-2", 10)];
        let answers = file(StockMode::Set, "").import(&market, &trader, &both).await;
        assert_eq!(outcomes(&answers), [(2, ImportOutcome::Updated), (3, ImportOutcome::Unchanged)]);
        // In whatever transaction the rows come.
        let more = |place| if place == 0 { ("A-1", 11) } else { ("A-2", 12) };
        let differing: Vec<_> = (0..130).map(more).collect();
        let answers = file(StockMode::Set, "").import(&market, &trader, &differing).await;
        assert_eq!(answers[0].outcome(), ImportOutcome::Updated);
        for answer in &answers[1..] {
            assert_eq!((answer.outcome(), answer.field.as_str()), (ImportOutcome::Rejected, "stock"));
            assert!(answer.reason.contains("row 2 states 11"), "{}", answer.reason);
        }
        assert_eq!(on_hand(&market, &trader, &silk).await, 11);
        // Each of them has units of its own to add.
        file(StockMode::Add, "").import(&market, &trader, &[("A-1", 1), ("A-2", 2)]).await;
        assert_eq!(on_hand(&market, &trader, &silk).await, 14);
        market.adds_up_to(14, 0, 0).await;
        market.hub.stop().await;
    }

    async fn a_delivery_keeps_what_it_added(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 3).await;
        let file = File { mode: StockMode::Add, as_of: market.hub.now(), source: "delivery 7" };
        file.import(&market, &trader, &[("A-1", 5)]).await;
        let answers = file.import(&market, &trader, &[("A-1", 6)]).await;
        assert_eq!((answers[0].outcome(), answers[0].field.as_str()), (ImportOutcome::Rejected, "stock"));
        assert!(answers[0].reason.contains("5 were already added from `delivery 7`"), "{}", answers[0].reason);
        assert_eq!(outcomes(&file.import(&market, &trader, &[("A-1", 5)]).await), [(2, ImportOutcome::Unchanged)]);
        assert_eq!(on_hand(&market, &trader, &silk).await, 8);
        // One row of a SKU adds: whether two mean one delivery or two, nobody knows.
        let twice = File { source: "", ..file }.import(&market, &trader, &[("A-1", 1), ("A-1", 1)]).await;
        assert_eq!(outcomes(&twice), [(2, ImportOutcome::Updated), (3, ImportOutcome::Rejected)]);
        assert_eq!(twice[1].field, "sku");
        assert!(twice[1].reason.contains("row 2"), "{}", twice[1].reason);
        market.adds_up_to(9, 0, 0).await;
        market.hub.stop().await;
    }
}
