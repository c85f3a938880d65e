//! Firms apply, are verified, are suspended.

use kernel::SellerId;
use proto::catalog::events::v1::{SellerChanged, SellerState as Told};
use proto::catalog::internal::v1::{ReservationState, VerifySellerRequest};
use proto::catalog::v1::{
    CreateLocationRequest, ListSellersRequest, Seller, SellerState, UpdateSellerRequest,
    WithdrawProductRequest,
};
use proto::types::v1::Money;
use rpc::Role;
use testkit::on_both;
use tonic::Code;

use crate::market::{Market, application, refusal, refused, request_id};
use crate::purchase::Purchase;
use crate::wares;

fn edit(read: &Seller, name: &str, tax_registered: bool) -> UpdateSellerRequest {
    UpdateSellerRequest {
        request_id: request_id(),
        seller_id: read.seller_id.clone(),
        etag: read.etag.clone(),
        display_name: name.to_owned(),
        tax_registered,
        ..UpdateSellerRequest::default()
    }
}

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
        let told: Vec<Told> = told.iter().map(SellerChanged::state).collect();
        assert_eq!(told, [Told::Verified, Told::Suspended, Told::Verified]);
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

    async fn a_seller_edits_its_application_as_it_last_read_it(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.applied("Chiang Mai Silk").await;
        let read = market.seller(Role::Seller, &trader.id, &trader.id).await.unwrap();
        let wanted = UpdateSellerRequest { country: "SG".to_owned(), registration_number: "UEN-1".to_owned(), ..edit(&read, "Lanna Silk", false) };
        let edited = market.update(&trader.id, wanted).await.unwrap();
        assert_eq!((edited.display_name.as_str(), edited.tax_registered), ("Lanna Silk", false));
        assert_eq!((edited.country.as_str(), edited.registration_number.as_str()), ("SG", "UEN-1"));
        assert_eq!((edited.state(), edited.change.clone()), (SellerState::Applied, None));
        assert_ne!(edited.etag, read.etag);
        assert_eq!(refusal(market.update(&trader.id, edit(&read, "Late", false)).await), refused("STALE_ETAG"));
        let unread = UpdateSellerRequest { etag: String::new(), ..edit(&read, "Late", false) };
        assert_eq!(rpc::status::fields(&market.update(&trader.id, unread).await.unwrap_err()), ["etag"]);
        let far = UpdateSellerRequest { country: "BR".to_owned(), ..edit(&edited, "Rio", false) };
        assert_eq!(rpc::status::fields(&market.update(&trader.id, far).await.unwrap_err()), ["country"]);
        // What the operator read is what he verifies.
        let stale = VerifySellerRequest { request_id: request_id(), seller_id: trader.id.clone(), etag: read.etag };
        assert_eq!(refusal(market.operator().verify_seller(stale).await), refused("STALE_ETAG"));
        let read = VerifySellerRequest { request_id: request_id(), seller_id: trader.id.clone(), etag: edited.etag };
        market.operator().verify_seller(read).await.unwrap();
        assert_eq!(names(&market).await, ["Lanna Silk"]);
        market.hub.stop().await;
    }

    async fn what_was_verified_stays_in_force_until_the_operator_decides(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 5).await;
        let read = market.seller(Role::Seller, &trader.id, &trader.id).await.unwrap();
        let wanted = UpdateSellerRequest { country: "SG".to_owned(), registration_number: "UEN-1".to_owned(), ..edit(&read, "Lanna Silk", false) };
        let waiting = market.update(&trader.id, wanted.clone()).await.unwrap();
        // In force is what was verified, for buyers, for taxes, and for what was quoted.
        let in_force = |seller: &Seller| (seller.display_name.clone(), seller.country.clone(), seller.registration_number.clone(), seller.tax_registered);
        assert_eq!(in_force(&waiting), in_force(&read));
        let change = waiting.change.clone().unwrap();
        assert_eq!((change.display_name.as_str(), change.country.as_str(), change.tax_registered), ("Lanna Silk", "SG", false));
        assert_eq!((change.registration_number.as_str(), change.refusal.as_str()), ("UEN-1", ""));
        assert_eq!(names(&market).await, ["Chiang Mai Silk"]);
        assert_eq!(market.seller(Role::Buyer, "aisyah", &trader.id).await.unwrap().change, None);
        let offer = market.offers(&[(&silk, 1)]).await.unwrap().remove(0);
        assert_eq!((offer.seller_name.as_str(), offer.seller_tax_registered), ("Chiang Mai Silk", true));
        assert_eq!(market.reserve(&Purchase::quoted(&offer)).await.unwrap(), ReservationState::Held);
        // The operator sees it, and decides on what he saw.
        assert_eq!(market.changes().await, std::slice::from_ref(&waiting));
        let late = market.decide(&read, None).await;
        assert_eq!(refusal(late), refused("STALE_ETAG"));
        let refusing = market.decide(&waiting, Some("the paper is not signed")).await.unwrap();
        assert_eq!((in_force(&refusing), market.changes().await), (in_force(&read), Vec::new()));
        assert_eq!(refusing.change.as_ref().unwrap().refusal, "the paper is not signed");
        assert_eq!(refusal(market.decide(&refusing, None).await), refused("NO_CHANGE"));
        // Asked for again and accepted it is in force, and what was quoted before is no longer so.
        let again = UpdateSellerRequest { request_id: request_id(), etag: refusing.etag, ..wanted };
        let waiting = market.update(&trader.id, again).await.unwrap();
        let accepted = market.decide(&waiting, None).await.unwrap();
        assert_eq!(in_force(&accepted), ("Lanna Silk".to_owned(), "SG".to_owned(), "UEN-1".to_owned(), false));
        assert_eq!((accepted.change.clone(), accepted.state()), (None, SellerState::Verified));
        let stale = market.reserve(&Purchase::quoted(&offer)).await.unwrap_err();
        assert_eq!(rpc::status::metadata(&stale, "changed").as_deref(), Some("seller_tax_registered"));
        assert_eq!(refusal(Err::<(), _>(stale)), refused("QUOTE_STALE"));
        // As it is in force: a change that waits is taken back.
        let waiting = market.update(&trader.id, edit(&accepted, "Lanna Silks", true)).await.unwrap();
        assert!(waiting.change.is_some());
        let back = market.update(&trader.id, edit(&waiting, "Lanna Silk", false)).await.unwrap();
        assert_eq!((back.change, market.changes().await), (None, Vec::new()));
        market.hub.stop().await;
    }

    async fn a_suspended_seller_changes_nothing(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let product = market.list(&trader, "A-1", 5).await;
        market.suspend(&trader.id, "goods were not as shown").await.unwrap();
        let read = market.seller(Role::Seller, &trader.id, &trader.id).await.unwrap();
        let suspended = refused("SELLER_SUSPENDED");
        assert_eq!(refusal(market.update(&trader.id, edit(&read, "Anew", false)).await), suspended);
        let mut products = market.products(&trader.id);
        let listing = wares::product(vec![wares::variant(&trader, "A-2", 1)]);
        assert_eq!(refusal(products.create_product(listing).await), suspended);
        let dearer = wares::change(&product, vec![wares::variant(&trader, "A-1", 5)]);
        assert_eq!(refusal(products.update_product(dearer).await), suspended);
        let withdrawal = WithdrawProductRequest {
            request_id: request_id(),
            product_id: product.product_id.clone(),
            etag: product.etag.clone(),
        };
        assert_eq!(refusal(products.withdraw_product(withdrawal).await), suspended);
        let rows = tokio_stream::iter([wares::row(1, wares::variant(&trader, "A-3", 1))]);
        let mut answers = products.import_products(rows).await.unwrap().into_inner();
        assert_eq!(refusal(answers.message().await), suspended);
        let place = CreateLocationRequest {
            request_id: request_id(),
            name: "Garage".to_owned(),
            country: "TH".to_owned(),
            postcode: String::new(),
        };
        assert_eq!(refusal(market.stock(&trader.id).create_location(place).await), suspended);
        assert_eq!(refusal(market.adjust(&trader.id, &product.variants[0].stock_item_id, 1).await), suspended);
        market.adds_up_to(5, 0, 0).await;
        // It comes back as it was.
        market.verify(&trader.id).await.unwrap();
        assert_eq!(market.seen(&product.product_id).await.unwrap(), product);
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
