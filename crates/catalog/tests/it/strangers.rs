//! Who may see and do what.

use proto::catalog::v1::product_service_client::ProductServiceClient;
use proto::catalog::v1::stock_service_client::StockServiceClient;
use proto::catalog::v1::{
    ListLocationsRequest, ListStockRequest, Product, SellerState, UpdateSellerRequest, WithdrawProductRequest,
};
use rpc::Role;
use testkit::{on_both, open_doors};
use tonic::{Code, Status};

use crate::market::{Market, Trader, adjustment, refusal, request_id};
use crate::wares::{change, product, row, variant};

fn code<T>(answer: Result<T, Status>) -> Code {
    answer.err().map_or(Code::Ok, |status| status.code())
}

/// Somebody tries every change of what a seller has.
async fn meddle(market: &Market, role: Role, subject: &str, owner: &Trader, read: &Product) -> Vec<Code> {
    let line = market.hub.public(role, subject);
    let (mut products, mut stock) = (ProductServiceClient::new(line.clone()), StockServiceClient::new(line));
    let withdrawal = WithdrawProductRequest {
        request_id: request_id(),
        product_id: read.product_id.clone(),
        etag: read.etag.clone(),
    };
    let entry = UpdateSellerRequest {
        request_id: request_id(),
        seller_id: owner.id.clone(),
        etag: "2".to_owned(),
        display_name: "Ours now".to_owned(),
        ..UpdateSellerRequest::default()
    };
    vec![
        code(products.update_product(change(read, vec![variant(owner, "A-1", 5)])).await),
        code(products.withdraw_product(withdrawal).await),
        code(stock.adjust_stock(adjustment(&read.variants[0].stock_item_id, 1)).await),
        code(market.sellers(role, subject).update_seller(entry).await),
    ]
}

on_both! {
    async fn no_door_is_open_that_the_policies_close(database: Database) {
        let market = Market::open(&database).await;
        assert_eq!(open_doors(&market.hub, catalog::SPEC.policies).await, Vec::<String>::new());
        market.hub.stop().await;
    }

    async fn nobody_but_its_seller_touches_what_a_seller_has(database: Database) {
        let market = Market::open(&database).await;
        let (owner, other) = (market.trader().await, market.trader_named("Lanna Silk").await);
        let read = market.list(&owner, "A-1", 5).await;
        for (role, subject, expected) in [
            (Role::Seller, other.id.as_str(), Code::NotFound),
            (Role::Buyer, "aisyah", Code::PermissionDenied),
            // The name of a seller is no role.
            (Role::Buyer, owner.id.as_str(), Code::PermissionDenied),
            (Role::Operator, "somchai", Code::PermissionDenied),
            // A service's token is good inside alone.
            (Role::Service, "order", Code::Unauthenticated),
        ] {
            assert_eq!(meddle(&market, role, subject, &owner, &read).await, [expected; 4], "{role} {subject}");
        }
        assert_eq!(market.seen(&read.product_id).await.unwrap(), read);
        let seller = market.seller(Role::Seller, &owner.id, &owner.id).await.unwrap();
        assert_eq!(seller.display_name, "Chiang Mai Silk");
        market.adds_up_to(5, 0, 0).await;
        assert_eq!(meddle(&market, Role::Seller, &owner.id, &owner, &read).await[0], Code::Ok);
        market.hub.stop().await;
    }

    async fn a_seller_lists_its_own_shelves_and_places(database: Database) {
        let market = Market::open(&database).await;
        let (owner, other) = (market.trader().await, market.trader_named("Lanna Silk").await);
        market.list(&owner, "A-1", 5).await;
        let shelves = market.stock(&other.id).list_stock(ListStockRequest::default()).await.unwrap();
        assert_eq!(shelves.into_inner().stock_items.len(), 0);
        let places = market.stock(&other.id).list_locations(ListLocationsRequest::default()).await.unwrap();
        let places: Vec<String> =
            places.into_inner().locations.into_iter().map(|place| place.location_id).collect();
        assert_eq!(places, [other.location]);
        market.hub.stop().await;
    }

    async fn only_a_seller_and_operators_see_its_papers(database: Database) {
        let market = Market::open(&database).await;
        let owner = market.applied("Chiang Mai Silk").await;
        let others = [(Role::Buyer, "aisyah"), (Role::Buyer, owner.id.as_str()), (Role::Carrier, "selat")];
        let entitled = [(Role::Seller, owner.id.as_str()), (Role::Operator, "somchai")];
        for state in [SellerState::Applied, SellerState::Verified, SellerState::Suspended] {
            if state == SellerState::Verified {
                market.verify(&owner.id).await.unwrap();
            }
            if state == SellerState::Suspended {
                market.suspend(&owner.id, "goods were not as shown").await.unwrap();
            }
            for (role, subject) in entitled {
                let seen = market.seller(role, subject, &owner.id).await.unwrap();
                assert_eq!((seen.state(), seen.registration_number.as_str()), (state, "0105561000123"));
                assert_eq!(seen.state_reason.is_empty(), state != SellerState::Suspended);
            }
            for (role, subject) in others {
                match market.seller(role, subject, &owner.id).await {
                    Ok(seen) => assert_eq!((state, seen.registration_number.as_str()), (SellerState::Verified, "")),
                    Err(status) => {
                        assert_ne!(state, SellerState::Verified);
                        assert_eq!(status.code(), Code::NotFound);
                    }
                }
            }
        }
        market.hub.stop().await;
    }

    async fn a_sellers_token_must_name_a_seller(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let denied = (Code::PermissionDenied, "SUBJECT_IS_NO_SELLER".to_owned());
        let request = product(vec![variant(&trader, "A-1", 1)]);
        assert_eq!(refusal(market.products("somchai").create_product(request).await), denied);
        let rows = tokio_stream::iter([row(1, variant(&trader, "A-1", 1))]);
        assert_eq!(refusal(market.products("somchai").import_products(rows).await.map(|_| ())), denied);
        market.hub.stop().await;
    }
}
