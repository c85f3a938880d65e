//! Pages: none is skipped, none comes twice, and a token leads on for its caller and its filter alone.

use prost::Message as _;
use proto::catalog::v1::{
    CreateLocationRequest, ListLocationsRequest, ListProductsRequest, ListProductsResponse,
    ListSellersRequest, ListStockRequest,
};
use rpc::Role;
use testkit::on_both;
use tonic::Status;

use crate::market::{Market, request_id};
use crate::wares::{product, variant, words};

fn scarves(page_token: &str) -> ListProductsRequest {
    ListProductsRequest {
        text: "silk".to_owned(),
        category: "scarves".to_owned(),
        page_size: 2,
        page_token: page_token.to_owned(),
        ..ListProductsRequest::default()
    }
}

async fn page(market: &Market, request: ListProductsRequest) -> Result<ListProductsResponse, Status> {
    Ok(market.window().list_products(request).await?.into_inner())
}

on_both! {
    async fn pages_of_goods_skip_and_repeat_none_while_others_are_listed(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let mut expected = Vec::new();
        for place in 0..5 {
            expected.insert(0, market.list(&trader, &format!("A-{place}"), 1).await.product_id);
        }
        let (mut seen, mut token) = (Vec::new(), String::new());
        for place in 0.. {
            let listed = page(&market, scarves(&token)).await.unwrap();
            seen.extend(listed.products.into_iter().map(|product| product.product_id));
            token = listed.next_page_token;
            if token.is_empty() {
                break;
            }
            market.list(&trader, &format!("B-{place}"), 1).await;
        }
        assert_eq!(seen, expected);
        market.hub.stop().await;
    }

    async fn a_page_of_long_goods_is_cut_by_its_bytes_and_none_is_left_out(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let mut expected = Vec::new();
        for place in 0..8 {
            let mut product = product(vec![variant(&trader, &format!("L-{place}"), 1)]);
            let others = (b'a'..=b's').map(|letter| format!("en-x-{}", char::from(letter)));
            let languages = std::iter::once("en".to_owned()).chain(others);
            product.translations = languages.map(|language| words(&language, "Silk")).collect();
            for translation in &mut product.translations {
                // Letters of three bytes.
                translation.description = "ไ".repeat(4_000);
            }
            let listed = market.products(&trader.id).create_product(product).await.unwrap().into_inner();
            expected.insert(0, listed.product.unwrap().product_id);
        }
        for text in ["", "silk"] {
            let (mut seen, mut token, mut pages) = (Vec::new(), String::new(), 0);
            loop {
                let request =
                    ListProductsRequest { text: text.to_owned(), page_token: token, ..ListProductsRequest::default() };
                let listed = page(&market, request).await.unwrap();
                assert!(listed.encoded_len() < rpc::MESSAGE_BYTES_MAX, "{} bytes", listed.encoded_len());
                seen.extend(listed.products.into_iter().map(|product| product.product_id));
                (token, pages) = (listed.next_page_token, pages + 1);
                if token.is_empty() {
                    break;
                }
            }
            assert_eq!(seen, expected);
            assert!(pages > 1);
        }
        market.hub.stop().await;
    }

    async fn pages_of_sellers_are_by_name_and_hold_those_of_one_name_too(database: Database) {
        let market = Market::open(&database).await;
        for name in ["Melati", "Anggerik", "Melati", "Melati", "Zaitun", "melati"] {
            market.trader_named(name).await;
        }
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let request = ListSellersRequest { page_size: 2, page_token: token };
            let listed = market.sellers(Role::Buyer, "aisyah").list_sellers(request).await.unwrap().into_inner();
            seen.extend(listed.sellers.into_iter().map(|seller| (seller.display_name, seller.seller_id)));
            token = listed.next_page_token;
            if token.is_empty() {
                break;
            }
            // Behind where the reader stands: it is not seen any more, and pushes nobody over the edge.
            market.trader_named("Aloe").await;
        }
        let names: Vec<&str> = seen.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["Anggerik", "Melati", "Melati", "Melati", "Zaitun", "melati"]);
        seen.dedup();
        assert_eq!(seen.len(), 6);
        market.hub.stop().await;
    }

    async fn pages_of_shelves_and_places_are_oldest_first(database: Database) {
        let market = Market::open(&database).await;
        let (trader, other) = (market.trader().await, market.trader_named("Lanna Silk").await);
        let (mut shelves, mut places) = (Vec::new(), vec![trader.location.clone()]);
        for place in 0..4 {
            shelves.push(market.goods(&trader, &format!("A-{place}"), 1).await.stock_item_id);
            market.goods(&other, &format!("A-{place}"), 1).await;
            let request = CreateLocationRequest {
                request_id: request_id(),
                name: format!("Shed {place}"),
                country: "TH".to_owned(),
                postcode: String::new(),
            };
            let opened = market.stock(&trader.id).create_location(request).await.unwrap().into_inner();
            places.push(opened.location.unwrap().location_id);
        }
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let request = ListStockRequest { page_size: 3, page_token: token };
            let listed = market.stock(&trader.id).list_stock(request).await.unwrap().into_inner();
            seen.extend(listed.stock_items.into_iter().map(|item| item.stock_item_id));
            token = listed.next_page_token;
            if token.is_empty() {
                break;
            }
            // Listed meanwhile: it comes at the end.
            shelves.push(market.goods(&trader, &format!("B-{}", seen.len()), 1).await.stock_item_id);
        }
        assert_eq!(seen, shelves);
        let request = ListLocationsRequest { page_size: 3, page_token: String::new() };
        let first = market.stock(&trader.id).list_locations(request).await.unwrap().into_inner();
        let request = ListLocationsRequest { page_size: 3, page_token: first.next_page_token.clone() };
        let second = market.stock(&trader.id).list_locations(request).await.unwrap().into_inner();
        let seen = first.locations.into_iter().chain(second.locations).map(|place| place.location_id);
        assert_eq!(seen.collect::<Vec<_>>(), places);
        assert_eq!(second.next_page_token, "");
        market.hub.stop().await;
    }

    async fn a_token_of_another_filter_or_caller_is_refused(database: Database) {
        let market = Market::open(&database).await;
        let (trader, other) = (market.trader().await, market.trader_named("Lanna Silk").await);
        for place in 0..3 {
            market.list(&trader, &format!("A-{place}"), 1).await;
            market.list(&other, &format!("A-{place}"), 1).await;
        }
        let token = page(&market, scarves("")).await.unwrap().next_page_token;
        assert_eq!(page(&market, scarves(&token)).await.unwrap().products.len(), 2);
        let price = crate::wares::baht(1);
        for request in [
            ListProductsRequest { text: String::new(), ..scarves(&token) },
            ListProductsRequest { category: String::new(), ..scarves(&token) },
            ListProductsRequest { seller_id: trader.id.clone(), ..scarves(&token) },
            ListProductsRequest { origin: "TH".to_owned(), ..scarves(&token) },
            ListProductsRequest { min_price: Some(price), ..scarves(&token) },
        ] {
            let refused = page(&market, request).await.unwrap_err();
            assert_eq!(rpc::status::fields(&refused), ["page_token"]);
        }
        let refused = market.products(&trader.id).list_products(scarves(&token)).await.unwrap_err();
        assert_eq!(rpc::status::fields(&refused), ["page_token"]);

        let first = ListStockRequest { page_size: 1, page_token: String::new() };
        let token = market.stock(&trader.id).list_stock(first).await.unwrap().into_inner().next_page_token;
        let next = ListStockRequest { page_size: 1, page_token: token.clone() };
        let refused = market.stock(&other.id).list_stock(next).await.unwrap_err();
        assert_eq!(rpc::status::fields(&refused), ["page_token"]);
        let next = ListLocationsRequest { page_size: 1, page_token: token };
        let refused = market.stock(&trader.id).list_locations(next).await.unwrap_err();
        assert_eq!(rpc::status::fields(&refused), ["page_token"]);
        market.hub.stop().await;
    }
}
