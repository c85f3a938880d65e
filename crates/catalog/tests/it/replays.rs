//! A mutation asked for again under its `request_id` takes effect once and gets its first answer.

use futures::future::join_all;
use proto::catalog::v1::{AdjustStockRequest, ApplySellerRequest};
use rpc::Role;
use testkit::on_both;

use crate::market::{Market, adjustment, application, refusal, refused};
use crate::wares::{product, variant};

on_both! {
    async fn the_same_again_gets_the_first_answer(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let request = product(vec![variant(&trader, "A-1", 5)]);
        let first = market.products(&trader.id).create_product(request.clone()).await.unwrap().into_inner();
        let again = market.products(&trader.id).create_product(request.clone()).await.unwrap().into_inner();
        assert_eq!(first, again);
        let mut other = request;
        other.category = "shawls".to_owned();
        let other = market.products(&trader.id).create_product(other).await;
        assert_eq!(refusal(other), refused("REQUEST_ID_REUSED"));

        let silk = first.product.unwrap().variants.remove(0);
        let request = adjustment(&silk.stock_item_id, 2);
        for _ in 0..3 {
            let answer = market.stock(&trader.id).adjust_stock(request.clone()).await.unwrap().into_inner();
            assert_eq!(answer.stock_item.unwrap().on_hand, 7);
        }
        let other = AdjustStockRequest { delta: 3, ..request.clone() };
        let other = market.stock(&trader.id).adjust_stock(other).await;
        assert_eq!(refusal(other), refused("REQUEST_ID_REUSED"));
        market.adds_up_to(7, 0, 0).await;
        // An answer outlives the process.
        let market = Market { hub: market.hub.restart().await };
        market.adjust(&trader.id, &silk.stock_item_id, -1).await.unwrap();
        let answer = market.stock(&trader.id).adjust_stock(request).await.unwrap().into_inner();
        assert_eq!(answer.stock_item.unwrap().on_hand, 7);
        market.adds_up_to(6, 0, 0).await;
        market.hub.stop().await;
    }

    async fn the_same_many_times_at_once_takes_effect_once(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 5).await;
        let request = adjustment(&silk.stock_item_id, 2);
        let adjust = |_| {
            let request = request.clone();
            async { market.stock(&trader.id).adjust_stock(request).await.unwrap().into_inner() }
        };
        for answer in join_all((0..6).map(adjust)).await {
            assert_eq!(answer.stock_item.unwrap().on_hand, 7);
        }
        market.adds_up_to(7, 0, 0).await;
        market.hub.stop().await;
    }

    async fn a_refusal_is_kept_too(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 5).await;
        let request = adjustment(&silk.stock_item_id, -6);
        for _ in 0..2 {
            let answer = market.stock(&trader.id).adjust_stock(request.clone()).await;
            assert_eq!(refusal(answer), refused("STOCK_OUT_OF_BOUNDS"));
            market.adjust(&trader.id, &silk.stock_item_id, 5).await.unwrap();
        }
        market.adds_up_to(15, 0, 0).await;
        market.hub.stop().await;
    }

    async fn an_id_is_its_callers_own(database: Database) {
        let market = Market::open(&database).await;
        let request = application("Lanna Silk");
        for _ in 0..2 {
            let id = kernel::SellerId::new().to_string();
            let mut sellers = market.sellers(Role::Seller, &id);
            let applied = sellers.apply_seller(request.clone()).await.unwrap().into_inner().seller.unwrap();
            assert_eq!(applied.seller_id, id);
            let other = ApplySellerRequest { tax_registered: false, ..request.clone() };
            assert_eq!(refusal(sellers.apply_seller(other).await), refused("REQUEST_ID_REUSED"));
        }
        market.hub.stop().await;
    }
}
