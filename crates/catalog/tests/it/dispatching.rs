//! What order tells moves goods off the shelves and back, each event once though it comes twice.

use kernel::ReturnId;
use proto::catalog::events::v1::{ReturnedUnits, StockDispatched, StockReturned};
use proto::catalog::internal::v1::ReservationState;
use testkit::on_both;

use crate::market::Market;
use crate::purchase::Purchase;
use crate::wares::{product, sharing};

/// A thousand more returns as the one there is.
async fn return_a_thousand_more(db: &db::Db) {
    let returned: Result<(), db::Error> = db
        .write(|tx| {
            Box::pin(async move {
                let sql = "insert into returned_goods (return_id, reservation_id, lines) \
                     with recursive n (i) as (select 1 union all select i + 1 from n where i < 1000) \
                     select return_id || i, reservation_id, lines from returned_goods, n";
                assert_eq!(db::execute!(tx, sql)?, 1_000);
                Ok(())
            })
        })
        .await;
    returned.unwrap();
}

on_both! {
    async fn a_confirmed_order_leaves_the_shelf_once(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let (silk, tea) = (market.goods(&trader, "A-1", 7).await, market.goods(&trader, "A-2", 3).await);
        let purchase = Purchase::of(&[(&silk, 2), (&tea, 1)]);
        market.reserve(&purchase).await.unwrap();
        assert_eq!(market.shelf(&trader, &silk).await, (7, 2));
        let confirmed = purchase.confirmed(&market);
        for _ in 0..2 {
            market.tell(&confirmed).await;
            assert_eq!((market.shelf(&trader, &silk).await, market.shelf(&trader, &tea).await), ((5, 0), (2, 0)));
        }
        assert_eq!(market.inquire(&purchase).await.unwrap(), ReservationState::Dispatched);
        market.adds_up_to(7, 0, 3).await;
        let told: Vec<StockDispatched> = market.hub.told_of("catalog.stock_dispatched.v1").await;
        let expected = StockDispatched {
            reservation_id: purchase.reservation_id.to_string(),
            order_id: purchase.order_id.to_string(),
        };
        assert_eq!(told, [expected]);
        market.hub.stop().await;
    }

    async fn an_order_cancelled_after_it_was_confirmed_comes_back_once(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 7).await;
        let purchase = market.buy(&[(&silk, 2)]).await;
        market.adds_up_to(5, 0, 2).await;
        let cancelled = purchase.cancelled(&market, 2, true);
        for _ in 0..2 {
            market.tell(&cancelled).await;
            market.adds_up_to(7, 0, 0).await;
        }
        // Its hold is not free to be held again, nor to be given back again.
        assert_eq!(market.reserve(&purchase).await.unwrap(), ReservationState::Dispatched);
        assert_eq!(market.release(&purchase).await, ReservationState::Dispatched);
        assert_eq!(market.shelf(&trader, &silk).await, (7, 0));
        let told: Vec<StockReturned> = market.hub.told_of("catalog.stock_returned.v1").await;
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].units, [ReturnedUnits { variant_id: silk.variant_id.clone(), quantity: 2 }]);
        market.hub.stop().await;
    }

    async fn an_order_cancelled_before_it_was_confirmed_changes_nothing(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 7).await;
        let purchase = Purchase::of(&[(&silk, 2)]);
        market.reserve(&purchase).await.unwrap();
        market.release(&purchase).await;
        market.tell(&purchase.cancelled(&market, 1, false)).await;
        market.adds_up_to(7, 0, 0).await;
        assert!(!market.told().await.contains_key("catalog.stock_returned.v1"));
        market.hub.stop().await;
    }

    async fn returned_goods_are_put_back_once_when_they_can_be_sold_again(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 10).await;
        let six = product(vec![sharing(&trader, "A-3", &silk.stock_item_id, 3)]);
        let six = market.products(&trader.id).create_product(six).await.unwrap().into_inner();
        let three = six.product.unwrap().variants.remove(0);
        let purchase = market.buy(&[(&silk, 2), (&three, 2)]).await;
        market.adds_up_to(2, 0, 8).await;
        // Worn: it stays away.
        market.tell(&purchase.came_back(&market, 2, &[(&silk, 1)], false)).await;
        market.adds_up_to(2, 0, 8).await;
        let back = purchase.came_back(&market, 3, &[(&three, 1), (&silk, 1)], true);
        for _ in 0..2 {
            market.tell(&back).await;
            market.adds_up_to(6, 0, 4).await;
        }
        let told: Vec<StockReturned> = market.hub.told_of("catalog.stock_returned.v1").await;
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].units.iter().map(|units| units.quantity).collect::<Vec<_>>(), [1, 1]);
        market.hub.stop().await;
    }

    async fn however_many_returns_it_took_all_units_count(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 1_500).await;
        let purchase = market.buy(&[(&silk, 1_003)]).await;
        market.tell(&purchase.came_back(&market, 2, &[(&silk, 1)], true)).await;
        return_a_thousand_more(&database.connect().await).await;
        // Two are left, and two come back.
        market.tell(&purchase.came_back(&market, 3, &[(&silk, 2)], true)).await;
        let told: Vec<StockReturned> = market.hub.told_of("catalog.stock_returned.v1").await;
        assert_eq!(told.len(), 2);
        market.tell(&purchase.came_back(&market, 4, &[(&silk, 1)], true)).await;
        assert!(market.parked().await[0].contains("has not dispatched what"));
        assert_eq!(market.shelf(&trader, &silk).await.0, 1_500 - 1_003 + 3);
        market.hub.stop().await;
    }

    async fn a_return_told_again_with_other_goods_is_parked(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 7).await;
        let purchase = market.buy(&[(&silk, 3)]).await;
        let id = ReturnId::new();
        for (version, quantity) in [(2, 1), (3, 1), (4, 2)] {
            let mut back = purchase.return_of(id, &[(&silk, quantity)]);
            back.restock = true;
            market.tell(&purchase.event(&market, version, &back)).await;
        }
        market.adds_up_to(5, 0, 2).await;
        assert_eq!(market.parked().await.len(), 1);
        market.hub.stop().await;
    }

    async fn what_came_back_before_is_not_put_back_again_by_a_cancellation(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let (silk, tea) = (market.goods(&trader, "A-1", 7).await, market.goods(&trader, "A-2", 7).await);
        let purchase = market.buy(&[(&silk, 3), (&tea, 1)]).await;
        market.tell(&purchase.came_back(&market, 2, &[(&silk, 1), (&tea, 1)], true)).await;
        market.adds_up_to(12, 0, 2).await;
        market.tell(&purchase.cancelled(&market, 3, true)).await;
        market.adds_up_to(14, 0, 0).await;
        assert_eq!((market.shelf(&trader, &silk).await, market.shelf(&trader, &tea).await), ((7, 0), (7, 0)));
        market.hub.stop().await;
    }

    async fn what_happened_is_kept_over_a_restart(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 7).await;
        let (held, dead) = (Purchase::of(&[(&silk, 1)]), Purchase::of(&[(&silk, 1)]));
        market.reserve(&held).await.unwrap();
        market.release(&dead).await;
        let bought = market.buy(&[(&silk, 2)]).await;
        let market = Market { hub: market.hub.restart().await };
        market.adds_up_to(5, 1, 2).await;
        market.tell(&bought.confirmed(&market)).await;
        assert_eq!(market.reserve(&held).await.unwrap(), ReservationState::Held);
        assert!(market.reserve(&dead).await.is_err());
        market.adds_up_to(5, 1, 2).await;
        market.hub.stop().await;
    }
}
