//! Many at once for the same goods.

use futures::future::{join, join_all};
use proto::catalog::internal::v1::ReservationState;
use testkit::on_both;
use tonic::Status;

use crate::market::{Market, reason};
use crate::purchase::Purchase;
use crate::wares::{product, variant};

on_both! {
    async fn of_twenty_who_race_for_seven_units_seven_get_one(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 7).await;
        let racers: Vec<Purchase> = (0..20).map(|_| Purchase::of(&[(&silk, 1)])).collect();
        let answers = join_all(racers.iter().map(|racer| market.reserve(racer))).await;
        let (held, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        assert_eq!((held.len(), refused.len()), (7, 13));
        for refused in refused {
            assert_eq!(reason(&refused.unwrap_err()), "OUT_OF_STOCK");
        }
        market.adds_up_to(7, 7, 0).await;
        assert_eq!(market.shelf(&trader, &silk).await, (7, 7));
        market.hub.stop().await;
    }

    async fn orders_that_want_the_same_shelves_in_another_order_never_block_each_other(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let (silk, tea) = (market.goods(&trader, "A-1", 9).await, market.goods(&trader, "A-2", 6).await);
        let racers: Vec<Purchase> = (0..16)
            .map(|place| {
                let lines = if place % 2 == 0 { [(&silk, 1), (&tea, 1)] } else { [(&tea, 1), (&silk, 1)] };
                Purchase::of(&lines)
            })
            .collect();
        let answers = join_all(racers.iter().map(|racer| market.reserve(racer))).await;
        let refused: Vec<Status> = answers.into_iter().filter_map(Result::err).collect();
        assert_eq!(refused.iter().map(reason).collect::<Vec<_>>(), ["OUT_OF_STOCK"; 10]);
        // There was silk for all who got tea: tea is what was short.
        for refused in &refused {
            assert_eq!(rpc::status::metadata(refused, "variant_id"), Some(tea.variant_id.clone()));
            assert_eq!(rpc::status::metadata(refused, "available").as_deref(), Some("0"));
        }
        // Who got no tea holds no silk.
        assert_eq!((market.shelf(&trader, &silk).await, market.shelf(&trader, &tea).await), ((9, 6), (6, 6)));
        market.adds_up_to(15, 12, 0).await;
        market.hub.stop().await;
    }

    async fn a_hold_that_is_asked_for_many_times_at_once_is_held_once(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 7).await;
        let purchase = Purchase::of(&[(&silk, 2)]);
        for answer in join_all((0..8).map(|_| market.reserve(&purchase))).await {
            assert_eq!(answer.unwrap(), ReservationState::Held);
        }
        market.adds_up_to(7, 2, 0).await;
        market.hub.stop().await;
    }

    async fn a_release_that_races_its_hold_always_wins(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 7).await;
        for _ in 0..12 {
            let purchase = Purchase::of(&[(&silk, 2)]);
            let (held, released) = join(market.reserve(&purchase), market.release(&purchase)).await;
            assert_eq!(released, ReservationState::Released);
            if let Err(late) = held {
                assert_eq!(reason(&late), "RESERVATION_RELEASED");
            }
            assert_eq!(market.inquire(&purchase).await.unwrap(), ReservationState::Released);
        }
        market.adds_up_to(7, 0, 0).await;
        market.hub.stop().await;
    }

    async fn of_products_listed_at_once_with_one_sku_one_gets_it(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let list = |_| {
            let request = product(vec![variant(&trader, "A-1", 5)]);
            async { market.products(&trader.id).create_product(request).await }
        };
        let (listed, refused): (Vec<_>, Vec<_>) = join_all((0..6).map(list)).await.into_iter().partition(Result::is_ok);
        assert_eq!(listed.len(), 1);
        for refused in refused {
            let reason = reason(&refused.unwrap_err());
            assert!(["SKU_TAKEN", "CONFLICT"].contains(&reason.as_str()), "{reason}");
        }
        market.adds_up_to(5, 0, 0).await;
        let listed = listed.into_iter().filter_map(Result::ok).next().unwrap().into_inner().product.unwrap();
        assert_eq!(market.seen(&listed.product_id).await.unwrap(), listed);
        market.hub.stop().await;
    }

    async fn a_seller_who_counts_while_buyers_reserve_takes_nothing_from_them(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 8).await;
        let racers: Vec<Purchase> = (0..8).map(|_| Purchase::of(&[(&silk, 1)])).collect();
        let reserving = join_all(racers.iter().map(|racer| market.reserve(racer)));
        let counting = join_all((0..8).map(|_| market.adjust(&trader.id, &silk.stock_item_id, -1)));
        let (held, taken) = join(reserving, counting).await;
        let held = held.into_iter().filter(Result::is_ok).count();
        let taken = taken.into_iter().filter(Result::is_ok).count();
        assert_eq!(held + taken, 8);
        let (on_hand, reserved) = (i64::try_from(8 - taken).unwrap(), i64::try_from(held).unwrap());
        market.adds_up_to(on_hand, reserved, 0).await;
        market.hub.stop().await;
    }
}
