//! Firms apply, are verified, are suspended.

use kernel::SellerId;
use proto::catalog::events::v1::SellerChanged;
use proto::catalog::internal::v1::ReservationState;
use proto::catalog::v1::{CreateLocationRequest, ListSellersRequest, SellerState, UpdateSellerRequest};
use proto::types::v1::Money;
use rpc::Role;
use testkit::on_both;
use tonic::Code;

use crate::market::{Market, application, refusal, refused, request_id};
use crate::purchase::Purchase;
use crate::wares;

async fn names(market: &Market) -> Vec<String> {
    let listed = market.sellers(Role::Buyer, "aisyah").list_sellers(ListSellersRequest::default()).await;
    listed.unwrap().into_inner().sellers.into_iter().map(|seller| seller.display_name).collect()
}

on_both! {
    async fn a_firm_applies_is_verified_is_suspended_and_comes_back(database: Database) {
        let market = Market::open(&database).await;
        let id = SellerId::new().to_string();
        let applied = market.sellers(Role::Seller, &id).apply_seller(application("Siam Crafts")).await;
        let applied = applied.unwrap().into_inner().seller.unwrap();
        assert_eq!((applied.state(), applied.seller_id.as_str()), (SellerState::Applied, id.as_str()));
        assert_eq!(names(&market).await, Vec::<String>::new());

        assert_eq!(market.verify(&id).await.unwrap().state(), SellerState::Verified);
        assert_eq!(names(&market).await, ["Siam Crafts"]);
        let suspended = market.suspend(&id, "goods were not as shown").await.unwrap();
        assert_eq!(suspended.state(), SellerState::Suspended);
        assert_eq!(suspended.state_reason, "goods were not as shown");
        assert_eq!(names(&market).await, Vec::<String>::new());
        let back = market.verify(&id).await.unwrap();
        assert_eq!((back.state(), back.state_reason.as_str()), (SellerState::Verified, ""));

        let told: Vec<SellerChanged> = market.hub.told_of("catalog.seller_changed.v1").await;
        let told: Vec<SellerState> = told.iter().map(SellerChanged::state).collect();
        assert_eq!(told, [SellerState::Verified, SellerState::Suspended, SellerState::Verified]);
        market.hub.stop().await;
    }

    async fn what_stands_already_is_neither_changed_nor_told_again(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let first = market.suspend(&trader.id, "first").await.unwrap();
        let again = market.suspend(&trader.id, "second").await.unwrap();
        assert_eq!(first, again);
        let first = market.verify(&trader.id).await.unwrap();
        assert_eq!(first, market.verify(&trader.id).await.unwrap());
        assert_eq!(market.told().await["catalog.seller_changed.v1"], 3);
        market.hub.stop().await;
    }

    async fn wrong_steps_of_a_seller_are_refused(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        market.suspend(&trader.id, "goods were not as shown").await.unwrap();
        // To apply anew is no way out of a suspension.
        let again = market.sellers(Role::Seller, &trader.id).apply_seller(application("Anew")).await;
        assert_eq!(refusal(again), refused("ALREADY_APPLIED"));
        let seller = market.seller(Role::Operator, "somchai", &trader.id).await.unwrap();
        assert_eq!((seller.state(), seller.display_name.as_str()), (SellerState::Suspended, "Chiang Mai Silk"));

        let nobody = SellerId::new().to_string();
        let missing = (Code::NotFound, "SELLER_NOT_FOUND".to_owned());
        assert_eq!(refusal(market.verify(&nobody).await), missing);
        assert_eq!(refusal(market.suspend(&nobody, "why not").await), missing);
        let unsaid = market.suspend(&trader.id, " ").await.unwrap_err();
        assert_eq!(rpc::status::fields(&unsaid), ["reason"]);
        market.hub.stop().await;
    }

    async fn who_has_not_applied_has_neither_places_nor_goods(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let nobody = SellerId::new().to_string();
        let place = CreateLocationRequest {
            request_id: request_id(),
            name: "Garage".to_owned(),
            country: "TH".to_owned(),
            postcode: String::new(),
        };
        let place = market.stock(&nobody).create_location(place).await;
        assert_eq!(refusal(place), refused("NOT_A_SELLER"));
        let request = wares::product(vec![wares::variant(&trader, "A-1", 1)]);
        let listed = market.products(&nobody).create_product(request).await;
        assert_eq!(refusal(listed), refused("NOT_A_SELLER"));
        let rows = tokio_stream::iter([wares::row(1, wares::variant(&trader, "A-1", 1))]);
        let mut answers = market.products(&nobody).import_products(rows).await.unwrap().into_inner();
        assert_eq!(refusal(answers.message().await), refused("NOT_A_SELLER"));
        market.hub.stop().await;
    }

    async fn goods_of_an_unverified_or_suspended_seller_are_not_sold(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.applied("Chiang Mai Silk").await;
        let product = market.list(&trader, "A-1", 5).await;
        let silk = &product.variants[0];
        let purchase = Purchase::of(&[(silk, 1)]);
        for _ in ["applied", "suspended"] {
            let quoted = market.offers(&[(silk, 1)]).await.unwrap_err();
            assert_eq!(rpc::status::metadata(&quoted, "variant_id"), Some(silk.variant_id.clone()));
            assert_eq!(refusal(Err::<(), _>(quoted)), refused("SELLER_NOT_VERIFIED"));
            assert_eq!(refusal(market.reserve(&purchase).await), refused("SELLER_NOT_VERIFIED"));
            assert_eq!(market.seen(&product.product_id).await.unwrap_err().code(), Code::NotFound);
            assert_eq!(market.inquire(&purchase).await.unwrap_err().code(), Code::NotFound);
            market.verify(&trader.id).await.unwrap();
            market.offers(&[(silk, 1)]).await.unwrap();
            market.seen(&product.product_id).await.unwrap();
            market.suspend(&trader.id, "goods were not as shown").await.unwrap();
        }
        market.adds_up_to(5, 0, 0).await;
        market.verify(&trader.id).await.unwrap();
        assert_eq!(market.reserve(&purchase).await.unwrap(), ReservationState::Held);
        market.hub.stop().await;
    }

    async fn orders_of_a_seller_suspended_meanwhile_proceed(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 5).await;
        let purchase = Purchase::of(&[(&silk, 2)]);
        market.reserve(&purchase).await.unwrap();
        market.suspend(&trader.id, "goods were not as shown").await.unwrap();
        assert_eq!(market.reserve(&purchase).await.unwrap(), ReservationState::Held);
        market.tell(&purchase.confirmed(&market)).await;
        assert_eq!(market.inquire(&purchase).await.unwrap(), ReservationState::Dispatched);
        market.adds_up_to(3, 0, 2).await;
        market.hub.stop().await;
    }

    async fn a_seller_edits_its_entry_as_it_last_read_it(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let read = market.seller(Role::Seller, &trader.id, &trader.id).await.unwrap();
        let edit = |etag: &str, name: &str| UpdateSellerRequest {
            request_id: request_id(),
            seller_id: trader.id.clone(),
            etag: etag.to_owned(),
            display_name: name.to_owned(),
            tax_registered: false,
        };
        let edited = market.sellers(Role::Seller, &trader.id).update_seller(edit(&read.etag, "Lanna Silk")).await;
        let edited = edited.unwrap().into_inner().seller.unwrap();
        assert_eq!((edited.display_name.as_str(), edited.tax_registered), ("Lanna Silk", false));
        assert_eq!(edited.state(), SellerState::Verified);
        assert_ne!(edited.etag, read.etag);
        let stale = market.sellers(Role::Seller, &trader.id).update_seller(edit(&read.etag, "Late")).await;
        assert_eq!(refusal(stale), refused("STALE_ETAG"));
        let unread = market.sellers(Role::Seller, &trader.id).update_seller(edit("", "Late")).await;
        assert_eq!(rpc::status::fields(&unread.unwrap_err()), ["etag"]);
        assert_eq!(names(&market).await, ["Lanna Silk"]);
        market.hub.stop().await;
    }

    async fn an_application_names_what_is_wrong_with_it(database: Database) {
        let market = Market::open(&database).await;
        let id = SellerId::new().to_string();
        let apply = |request| async { market.sellers(Role::Seller, &id).apply_seller(request).await.unwrap_err() };
        let wrong = proto::catalog::v1::ApplySellerRequest {
            display_name: String::new(),
            country: "Siam".to_owned(),
            registration_number: "x".repeat(61),
            payout_currency: "baht".to_owned(),
            ..application("")
        };
        let fields = rpc::status::fields(&apply(wrong).await);
        assert_eq!(fields, ["display_name", "country", "registration_number", "payout_currency"]);
        // No lane from there leads to this hub.
        let far = proto::catalog::v1::ApplySellerRequest { country: "BR".to_owned(), ..application("Rio") };
        assert_eq!(rpc::status::fields(&apply(far).await), ["country"]);
        market.hub.stop().await;
    }

    async fn nothing_is_sold_in_a_currency_that_no_quote_can_be_made_in(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        for currency in ["KRW", "VND", "KWD"] {
            let id = SellerId::new().to_string();
            let wish = proto::catalog::v1::ApplySellerRequest {
                payout_currency: currency.to_owned(),
                ..application("Chiang Mai Silk")
            };
            let refused = market.sellers(Role::Seller, &id).apply_seller(wish).await.unwrap_err();
            assert_eq!(rpc::status::fields(&refused), ["payout_currency"]);
            assert!(refused.message().contains("CNY, EUR"), "{}", refused.message());
            let mut goods = wares::variant(&trader, "A-9", 5);
            goods.price = Some(Money { currency: currency.to_owned(), minor_units: 5_000 });
            let refused = market.products(&trader.id).create_product(wares::product(vec![goods])).await.unwrap_err();
            assert_eq!(rpc::status::fields(&refused), ["variants[0].price.currency"]);
        }
        market.hub.stop().await;
    }
}
