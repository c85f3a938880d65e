//! What an import makes of the stock of known SKUs.

use chrono::{DateTime, Utc};
use proto::catalog::v1::{ImportOutcome, ImportProductsRequest, ImportProductsResponse, StockMode, Variant};
use testkit::on_both;

use crate::importing::{import, outcomes};
use crate::importing_patches::{bare, header};
use crate::market::{Market, Trader};
use crate::purchase::Purchase;
use crate::wares::{baht, row, variant};

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
}
