//! Holds of stock: all lines or none, and each id once.

use kernel::OrderId;
use proto::catalog::internal::v1::{ReleaseRequest, ReservationState, ReserveRequest};
use proto::catalog::v1::{UpdateProductRequest, Variant, VariantInput};
use proto::types::v1::OriginCertificate;
use testkit::on_both;
use tonic::{Code, Status};

use crate::market::{Market, Trader, refusal, refused, request_id};
use crate::purchase::Purchase;
use crate::wares::{baht, change, product, sharing, variant, words};

/// A shelf that two variants share, the second taking three units of it.
async fn shared(market: &Market, trader: &Trader, units: i64) -> (Variant, Variant) {
    let single = market.goods(trader, "S-1", units).await;
    let request = product(vec![sharing(trader, "S-3", &single.stock_item_id, 3)]);
    let three = market.products(&trader.id).create_product(request).await.unwrap().into_inner();
    (single, three.product.unwrap().variants.remove(0))
}

/// Which variant was short, and how many could be had.
fn short(refused: &Status) -> (Option<String>, Option<String>) {
    (rpc::status::metadata(refused, "variant_id"), rpc::status::metadata(refused, "available"))
}

on_both! {
    async fn all_lines_are_held_or_none(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let (silk, tea) = (market.goods(&trader, "A-1", 5).await, market.goods(&trader, "A-2", 2).await);
        for lines in [[(&silk, 1), (&tea, 3)], [(&tea, 3), (&silk, 1)]] {
            let greedy = Purchase::of(&lines);
            let refusal = market.reserve(&greedy).await.unwrap_err();
            assert_eq!(crate::market::reason(&refusal), "OUT_OF_STOCK");
            assert_eq!(refusal.code(), Code::FailedPrecondition);
            assert_eq!(short(&refusal), (Some(tea.variant_id.clone()), Some("2".to_owned())));
            assert_eq!(market.inquire(&greedy).await.unwrap_err().code(), Code::NotFound);
            market.adds_up_to(7, 0, 0).await;
        }
        let modest = Purchase::of(&[(&silk, 1), (&tea, 2)]);
        assert_eq!(market.reserve(&modest).await.unwrap(), ReservationState::Held);
        assert_eq!(market.inquire(&modest).await.unwrap(), ReservationState::Held);
        assert_eq!((market.shelf(&trader, &silk).await, market.shelf(&trader, &tea).await), ((5, 1), (2, 2)));
        let last = market.reserve(&Purchase::of(&[(&tea, 1)])).await.unwrap_err();
        assert_eq!(short(&last), (Some(tea.variant_id.clone()), Some("0".to_owned())));
        market.adds_up_to(7, 3, 0).await;
        market.hub.stop().await;
    }

    async fn lines_of_one_shelf_count_together(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let (single, three) = shared(&market, &trader, 8).await;
        // 3 + 2 × 3 units of 8, though each line alone would do.
        assert_eq!(refusal(market.offers(&[(&single, 3), (&three, 2)]).await), refused("OUT_OF_STOCK"));
        let greedy = Purchase::of(&[(&single, 3), (&three, 2)]);
        assert_eq!(refusal(market.reserve(&greedy).await), refused("OUT_OF_STOCK"));
        market.adds_up_to(8, 0, 0).await;
        market.offers(&[(&single, 2), (&three, 2)]).await.unwrap();
        let all = Purchase::of(&[(&single, 2), (&three, 2)]);
        assert_eq!(market.reserve(&all).await.unwrap(), ReservationState::Held);
        assert_eq!(market.shelf(&trader, &single).await, (8, 8));
        assert_eq!(market.release(&all).await, ReservationState::Released);
        market.adds_up_to(8, 0, 0).await;
        market.hub.stop().await;
    }

    async fn a_quoted_price_and_title_hold(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let read = market.list(&trader, "A-1", 5).await;
        let quoted = Purchase::quoted(&market.offers(&[(&read.variants[0], 1)]).await.unwrap()[0]);
        let dearer = VariantInput { price: Some(baht(99_900)), name: "Red".to_owned(), ..variant(&trader, "A-1", 5) };
        let mut request = change(&read, vec![dearer]);
        request.translations = vec![words("en", "Silk shawl")];
        market.products(&trader.id).update_product(request).await.unwrap();
        assert_eq!(market.reserve(&quoted).await.unwrap(), ReservationState::Held);
        // Where it is not told what was quoted, the price has to be the one of today.
        let untold = Purchase::of(&[(&read.variants[0], 1)]);
        let refusal = market.reserve(&untold).await.unwrap_err();
        assert_eq!((refusal.code(), crate::market::reason(&refusal).as_str()), (Code::FailedPrecondition, "QUOTE_STALE"));
        assert_eq!(rpc::status::metadata(&refusal, "changed").as_deref(), Some("unit_price"));
        market.adds_up_to(5, 1, 0).await;
        market.hub.stop().await;
    }

    async fn what_is_no_longer_what_was_quoted_is_named_and_not_held(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let mut read = market.list(&trader, "A-1", 50).await;
        type Change = fn(&mut UpdateProductRequest);
        let changes: [(&str, Change); 10] = [
            ("category", |edit| edit.category = "cotton".to_owned()),
            ("hs_code", |edit| edit.variants[0].hs_code = "621420".to_owned()),
            ("origin", |edit| edit.variants[0].origin = "CN".to_owned()),
            ("weight_grams", |edit| edit.variants[0].weight_grams = 12_000),
            ("dimensions", |edit| edit.variants[0].dimensions.as_mut().unwrap().height_mm = 300),
            ("stock_units", |edit| edit.variants[0].stock_units = 2),
            ("preference", |edit| edit.variants[0].preference = "ATIGA".to_owned()),
            ("certificate", |edit| {
                edit.variants[0].certificate = Some(OriginCertificate {
                    number: "D-77".to_owned(),
                    issued_on: "2026-01-01".to_owned(),
                    expires_on: "2026-12-31".to_owned(),
                });
            }),
            ("hs_code,weight_grams", |edit| {
                edit.variants[0].hs_code = "621410".to_owned();
                edit.variants[0].weight_grams = 120;
            }),
            // To a class that the hub does not carry.
            ("category", |edit| edit.category = "tobacco".to_owned()),
        ];
        let mut edit = change(&read, vec![variant(&trader, "A-1", 50)]);
        for (names, make) in changes {
            let quoted = Purchase::quoted(&market.offers(&[(&read.variants[0], 1)]).await.unwrap()[0]);
            edit = UpdateProductRequest { request_id: request_id(), etag: read.etag.clone(), ..edit };
            make(&mut edit);
            let edited = market.products(&trader.id).update_product(edit.clone()).await.unwrap().into_inner();
            read = edited.product.unwrap();
            for _ in 0..2 {
                let refusal = market.reserve(&quoted).await.unwrap_err();
                assert_eq!((refusal.code(), crate::market::reason(&refusal).as_str()), (Code::FailedPrecondition, "QUOTE_STALE"));
                assert_eq!(rpc::status::metadata(&refusal, "changed").as_deref(), Some(names));
                assert_eq!(rpc::status::metadata(&refusal, "variant_id"), Some(read.variants[0].variant_id.clone()));
            }
            assert_eq!(market.inquire(&quoted).await.unwrap_err().code(), Code::NotFound);
        }
        // What may not be sold is not sold, however it is asked for.
        let untold = Purchase::of(&[(&read.variants[0], 1)]);
        assert_eq!(refusal(market.reserve(&untold).await), refused("GOODS_PROHIBITED"));
        market.adds_up_to(50, 0, 0).await;
        market.hub.stop().await;
    }

    async fn a_hold_asked_for_again_answers_how_it_stands(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 5).await;
        let purchase = Purchase::of(&[(&silk, 5)]);
        for _ in 0..3 {
            assert_eq!(market.reserve(&purchase).await.unwrap(), ReservationState::Held);
        }
        market.adds_up_to(5, 5, 0).await;
        market.tell(&purchase.confirmed(&market)).await;
        assert_eq!(market.reserve(&purchase).await.unwrap(), ReservationState::Dispatched);
        // Too late to give back: the goods have left.
        assert_eq!(market.release(&purchase).await, ReservationState::Dispatched);
        market.adds_up_to(0, 0, 5).await;
        market.hub.stop().await;
    }

    async fn a_hold_is_of_one_order_and_its_lines(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let (silk, tea) = (market.goods(&trader, "A-1", 5).await, market.goods(&trader, "A-2", 5).await);
        let purchase = Purchase::of(&[(&silk, 2), (&tea, 1)]);
        market.reserve(&purchase).await.unwrap();
        for lines in [&[(&silk, 2)][..], &[(&silk, 1), (&tea, 1)], &[(&tea, 2), (&silk, 1)]] {
            let lines = Purchase::of(lines).lines;
            let other = Purchase { lines, ..purchase.clone() };
            assert_eq!(refusal(market.reserve(&other).await), refused("RESERVATION_EXISTS"));
        }
        let turned = Purchase { lines: Purchase::of(&[(&tea, 1), (&silk, 2)]).lines, ..purchase.clone() };
        assert_eq!(market.reserve(&turned).await.unwrap(), ReservationState::Held);
        let of_another = Purchase { order_id: OrderId::new(), ..purchase.clone() };
        assert_eq!(refusal(market.reserve(&of_another).await), refused("RESERVATION_EXISTS"));
        let release = ReleaseRequest {
            reservation_id: purchase.reservation_id.to_string(),
            order_id: of_another.order_id.to_string(),
            reason: "declined".to_owned(),
        };
        assert_eq!(refusal(market.reservations().release(release).await), refused("RESERVATION_EXISTS"));
        market.adds_up_to(10, 3, 0).await;
        market.hub.stop().await;
    }

    async fn a_released_hold_is_free_for_others_and_never_held_again(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 5).await;
        let purchase = Purchase::of(&[(&silk, 5)]);
        market.reserve(&purchase).await.unwrap();
        for _ in 0..3 {
            assert_eq!(market.release(&purchase).await, ReservationState::Released);
            market.adds_up_to(5, 0, 0).await;
        }
        assert_eq!(refusal(market.reserve(&purchase).await), refused("RESERVATION_RELEASED"));
        assert_eq!(market.inquire(&purchase).await.unwrap(), ReservationState::Released);
        assert_eq!(market.reserve(&Purchase::of(&[(&silk, 5)])).await.unwrap(), ReservationState::Held);
        market.adds_up_to(5, 5, 0).await;
        market.hub.stop().await;
    }

    async fn releasing_an_unseen_id_leaves_a_tombstone(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 5).await;
        let purchase = Purchase::of(&[(&silk, 1)]);
        assert_eq!(market.inquire(&purchase).await.unwrap_err().code(), Code::NotFound);
        assert_eq!(market.release(&purchase).await, ReservationState::Released);
        assert_eq!(market.inquire(&purchase).await.unwrap(), ReservationState::Released);
        assert_eq!(refusal(market.reserve(&purchase).await), refused("RESERVATION_RELEASED"));
        market.adds_up_to(5, 0, 0).await;
        market.hub.stop().await;
    }

    async fn a_bad_hold_names_its_field(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 5).await;
        let mut worthless = Purchase::of(&[(&silk, 1)]).request();
        worthless.lines[0].unit_price = None;
        let mut unknown = Purchase::of(&[(&silk, 1)]).request();
        unknown.lines[0].variant_id = "silk".to_owned();
        for (field, request) in [
            ("lines", Purchase::of(&[]).request()),
            ("lines[1].quantity", Purchase::of(&[(&silk, 1), (&silk, 0)]).request()),
            ("lines[0].quantity", Purchase::of(&[(&silk, -5)]).request()),
            ("lines[0].unit_price", worthless),
            ("lines[0].variant_id", unknown),
            ("order_id", ReserveRequest { order_id: String::new(), ..Purchase::of(&[(&silk, 1)]).request() }),
            ("reservation_id", ReserveRequest { reservation_id: "x".to_owned(), ..Purchase::of(&[(&silk, 1)]).request() }),
        ] {
            let refused = market.reservations().reserve(request).await.unwrap_err();
            assert_eq!(rpc::status::fields(&refused), [field]);
        }
        let missing = Variant { variant_id: kernel::VariantId::new().to_string(), ..silk };
        let refused = refusal(market.reserve(&Purchase::of(&[(&missing, 1)])).await);
        assert_eq!(refused, (Code::NotFound, "VARIANT_NOT_FOUND".to_owned()));
        assert_eq!(refusal(market.offers(&[(&missing, 1)]).await), refused);
        market.adds_up_to(5, 0, 0).await;
        market.hub.stop().await;
    }
}
