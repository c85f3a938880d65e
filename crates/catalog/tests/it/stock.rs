//! Places and shelves.

use proto::catalog::v1::{CreateLocationRequest, ListLocationsRequest};
use testkit::on_both;

use crate::market::{Market, refusal, refused, request_id};
use crate::purchase::Purchase;

on_both! {
    async fn a_seller_opens_places_that_it_ships_from(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let request = CreateLocationRequest {
            request_id: request_id(),
            name: "Penang store".to_owned(),
            country: "MY".to_owned(),
            postcode: "10050".to_owned(),
        };
        let opened = market.stock(&trader.id).create_location(request).await.unwrap().into_inner();
        let opened = opened.location.unwrap();
        assert_eq!((opened.seller_id.as_str(), opened.country.as_str()), (trader.id.as_str(), "MY"));
        let listed = market.stock(&trader.id).list_locations(ListLocationsRequest::default()).await.unwrap();
        let listed = listed.into_inner().locations;
        assert_eq!((listed.len(), &listed[1]), (2, &opened));
        // What lies there ships from there.
        let there = crate::market::Trader { id: trader.id.clone(), location: opened.location_id };
        let silk = market.goods(&there, "A-1", 1).await;
        assert_eq!(market.offers(&[(&silk, 1)]).await.unwrap()[0].from_country, "MY");
        market.hub.stop().await;
    }

    async fn stock_is_corrected_never_below_what_orders_hold(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 5).await;
        let item = &silk.stock_item_id;
        let more = market.adjust(&trader.id, item, 3).await.unwrap();
        assert_eq!((more.on_hand, more.reserved, more.sku.as_str()), (8, 0, "A-1"));
        let held = Purchase::of(&[(&silk, 6)]);
        market.reserve(&held).await.unwrap();
        assert_eq!(refusal(market.adjust(&trader.id, item, -3).await), refused("STOCK_OUT_OF_BOUNDS"));
        let less = market.adjust(&trader.id, item, -2).await.unwrap();
        assert_eq!((less.on_hand, less.reserved), (6, 6));
        assert_eq!(refusal(market.adjust(&trader.id, item, -1).await), refused("STOCK_OUT_OF_BOUNDS"));
        market.adds_up_to(6, 6, 0).await;
        market.release(&held).await;
        assert_eq!(market.adjust(&trader.id, item, -6).await.unwrap().on_hand, 0);
        assert_eq!(refusal(market.adjust(&trader.id, item, -1).await), refused("STOCK_OUT_OF_BOUNDS"));
        market.adds_up_to(0, 0, 0).await;
        market.hub.stop().await;
    }

    async fn a_shelf_has_an_upper_bound(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 5).await;
        let most = 1_000_000_000;
        let beyond = market.adjust(&trader.id, &silk.stock_item_id, most - 4).await;
        assert_eq!(refusal(beyond), refused("STOCK_OUT_OF_BOUNDS"));
        let full = market.adjust(&trader.id, &silk.stock_item_id, most - 5).await.unwrap();
        assert_eq!(full.on_hand, most);
        market.hub.stop().await;
    }
}
