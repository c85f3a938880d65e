//! Many at once: the last unit, one request sent often, clients that hang up.

use std::collections::HashSet;
use std::time::Duration;

use proof::purchase;
use proto::order::v1::{ListOrdersRequest, OrderState, PaymentMethod, PlaceOrderRequest, Quote};
use proto::types::v1::Money;
use rpc::status::{metadata, reason};
use tonic::Code;

use crate::town::{Ground, STILL, Town, address, available, becomes, place, quote, seller, total, wallet};

const ROUNDS: usize = 200;

fn request(quote: &Quote) -> PlaceOrderRequest {
    PlaceOrderRequest {
        request_id: proof::request_id(),
        quote_id: quote.quote_id.clone(),
        address: Some(address()),
        payment_method: PaymentMethod::Wallet.into(),
        ..PlaceOrderRequest::default()
    }
}

on_every_shape! {
    async fn the_last_unit_is_sold_once(ground: Ground) {
        let town = Town::open(&ground, STILL).await;
        let thai = seller(&town.hub, &[1; ROUNDS]).await;
        let buyers = ["aisyah", "mei"].map(|name| town.hub.buyer(name).unwrap());
        for buyer in &buyers {
            purchase::fund(buyer, &Money { currency: "MYR".to_owned(), minor_units: 100_000_000 }).await.unwrap();
        }
        for variant in &thai.variants {
            let wishes = [(variant.clone(), 1)];
            let (first, second) = tokio::join!(quote(&buyers[0], &wishes), quote(&buyers[1], &wishes));
            let (first, second) = tokio::join!(place(&buyers[0], &first), place(&buyers[1], &second));
            let (won, lost) = match (first, second) {
                (Ok(won), Err(lost)) | (Err(lost), Ok(won)) => (won, lost),
                (Ok(_), Ok(_)) => panic!("one unit was sold twice"),
                (Err(first), Err(second)) => panic!("nobody got it: {first}; {second}"),
            };
            assert_eq!(won.state(), OrderState::Confirmed);
            assert_eq!(reason(&lost).as_deref(), Some("OUT_OF_STOCK"));
            assert!(metadata(&lost, "variant_id").is_some_and(|id| id == *variant), "{lost:?}");
        }
        town.check().await;
        for buyer in &buyers {
            becomes(0, || async { wallet(buyer).await.1 }).await;
        }
        town.close().await;
    }

    async fn one_request_sent_twenty_times_is_one_order(ground: Ground) {
        let town = Town::open(&ground, STILL).await;
        let thai = seller(&town.hub, &[50]).await;
        let (buyer, other) = (town.hub.buyer("aisyah").unwrap(), town.hub.buyer("mei").unwrap());
        let wishes = [(thai.variants[0].clone(), 2)];
        let quoted = quote(&buyer, &wishes).await;
        let price = total(&quoted);
        purchase::fund(&buyer, &Money { minor_units: price.minor_units * 30, ..price.clone() }).await.unwrap();
        let request = request(&quoted);
        let sent = (0..20).map(|_| {
            let (mut orders, request) = (buyer.orders(), request.clone());
            async move { orders.place_order(request).await.unwrap().into_inner().order.unwrap() }
        });
        let answers = futures::future::join_all(sent).await;
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        town.check().await;
        becomes((price.minor_units * 29, 0), || wallet(&buyer)).await;
        // The same id for something else.
        let mut body = request.clone();
        body.client_reference = "another".to_owned();
        let refused = buyer.orders().place_order(body).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_deref()), (Code::FailedPrecondition, Some("REQUEST_ID_REUSED")));
        // The same id by another buyer is another request.
        let others = quote(&other, &wishes).await;
        purchase::fund(&other, &total(&others)).await.unwrap();
        let by_other = PlaceOrderRequest { quote_id: others.quote_id.clone(), ..request };
        let order = other.orders().place_order(by_other).await.unwrap().into_inner().order.unwrap();
        assert_ne!(order.order_id, answers[0].order_id);
        assert_eq!(available(&thai, 0).await, 46);
        town.close().await;
    }

    async fn two_lines_of_one_shelf_count_together(ground: Ground) {
        let town = Town::open(&ground, STILL).await;
        let thai = seller(&town.hub, &[5]).await;
        let buyer = town.hub.buyer("aisyah").unwrap();
        let both = share_the_shelf(&thai).await;
        let refused = purchase::quote(&buyer, &[(thai.variants[0].clone(), 2), (both.clone(), 2)], "").await;
        // A pair takes two units: 2 + 2 × 2 are more than 5.
        assert_eq!(reason(&refused.unwrap_err()).as_deref(), Some("OUT_OF_STOCK"));
        let quote = quote(&buyer, &[(thai.variants[0].clone(), 1), (both, 2)]).await;
        purchase::fund(&buyer, &total(&quote)).await.unwrap();
        assert_eq!(place(&buyer, &quote).await.unwrap().state(), OrderState::Confirmed);
        assert_eq!(available(&thai, 0).await, 0);
        town.close().await;
    }

    async fn a_client_that_hangs_up_leaves_nothing_half_done(ground: Ground) {
        let town = Town::open(&ground, STILL).await;
        let thai = seller(&town.hub, &[100]).await;
        let buyer = town.hub.buyer("aisyah").unwrap();
        purchase::fund(&buyer, &Money { currency: "MYR".to_owned(), minor_units: 10_000_000 }).await.unwrap();
        let mut orders = HashSet::new();
        for round in 0..40 {
            let quote = quote(&buyer, &[(thai.variants[0].clone(), 1)]).await;
            let request = request(&quote);
            let patience = Duration::from_micros(300 * round);
            let _ = tokio::time::timeout(patience, buyer.orders().place_order(request.clone())).await;
            // The same request, once more, with patience.
            let answer = buyer.orders().place_order(request).await.unwrap().into_inner();
            orders.insert(answer.order.unwrap().order_id);
        }
        assert_eq!((orders.len(), available(&thai, 0).await), (40, 60));
        let listed = buyer.orders().list_orders(ListOrdersRequest { page_size: 200, ..Default::default() }).await;
        assert_eq!(listed.unwrap().into_inner().orders.len(), 40);
        town.close().await;
    }
}

/// A second variant of the seller's, a pair, from the first one's shelf.
async fn share_the_shelf(seller: &proof::market::Market) -> String {
    use proto::catalog::v1::{CreateProductRequest, ListStockRequest, Translation, VariantInput};
    let session = &seller.shop.session;
    let listed = session.stock().list_stock(ListStockRequest::default()).await.unwrap().into_inner();
    let request = CreateProductRequest {
        request_id: proof::request_id(),
        category: "scarves".to_owned(),
        translations: vec![Translation {
            language: "en".to_owned(),
            title: "A pair of silk scarves".to_owned(),
            description: String::new(),
        }],
        variants: vec![VariantInput {
            sku: "SILK-PAIR".to_owned(),
            price: Some(Money { currency: "THB".to_owned(), minor_units: 80_000 }),
            hs_code: "621410".to_owned(),
            origin: "TH".to_owned(),
            weight_grams: 280,
            dimensions: Some(proto::types::v1::Dimensions { length_mm: 260, width_mm: 200, height_mm: 60 }),
            stock_item_id: listed.stock_items[0].stock_item_id.clone(),
            stock_units: 2,
            ..VariantInput::default()
        }],
    };
    let created = session.products().create_product(request).await.unwrap().into_inner().product.unwrap();
    created.variants[0].variant_id.clone()
}
