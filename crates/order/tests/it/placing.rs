//! Placing an order: one request is one order, one quote is one order, and a refusal leaves nothing held.

use std::collections::{BTreeMap, HashMap};

use chrono::Duration;
use futures::future::join_all;
use kernel::QuoteId;
use proto::order::events::v1::{OrderCancelled, OrderConfirmed};
use proto::order::v1::{
    GetOrderRequest, ListOrdersRequest, OrderState, PaymentMethod, PlaceOrderRequest, Quote,
    QuotedConsignment,
};
use testkit::on_both;
use tonic::Code;

use crate::shop::{BUYER, Shop, place_request, quote_request, read_as, reason, request_id};
use crate::world::Failure;

on_both! {
    async fn a_wallet_pays_at_once(database: Database) {
        let shop = Shop::open(&database).await;
        let quote = shop.quote().await;
        let before = shop.hub.hub.statistics()["order"];
        let mut request = place_request(&quote, PaymentMethod::Wallet);
        request.client_reference = "cart-7".to_owned();
        let order = shop.orders(BUYER).place_order(request.clone()).await.unwrap().into_inner().order.unwrap();
        let after = shop.hub.hub.statistics()["order"];
        // The budget of a purchase, as far as it is spent here; workers and the relay write a little beside it.
        assert!(after.commits - before.commits <= 6, "{before:?} {after:?}");
        assert!(after.statements - before.statements <= 20, "{before:?} {after:?}");
        assert_eq!((order.state(), order.version), (OrderState::Confirmed, 2));
        assert_eq!(order.price, quote.price);
        assert_eq!((order.buyer.as_str(), order.address.clone()), (BUYER, request.address.clone()));
        assert_eq!(order.attributes, request.attributes);
        assert!(order.number.starts_with("MY-") && order.number.len() == 10);
        assert_eq!(shop.world.held(), (1, 1));
        let total = quote.price.as_ref().unwrap().total.as_ref().unwrap().minor_units;
        assert_eq!(shop.world.the_hold().1.amount, total);
        let told: Vec<OrderConfirmed> = shop.hub.told_of("order.confirmed.v1").await;
        assert_eq!(told.len(), 1);
        // The event has messages of its own, which are those of the API to whoever reads them.
        assert_eq!(told[0].consignments.iter().map(read_as).collect::<Vec<QuotedConsignment>>(), quote.consignments);
        assert_eq!(told[0].hold_id, shop.world.the_hold().0);
        // By number too, however it is written; and by reference.
        for name in [order.order_id.clone(), order.number.clone(), order.number.to_lowercase()] {
            assert_eq!(shop.get(&name).await, order);
        }
        let list = ListOrdersRequest { client_reference: "cart-7".to_owned(), ..ListOrdersRequest::default() };
        let listed = shop.orders(BUYER).list_orders(list).await.unwrap().into_inner();
        assert_eq!(listed.orders, [order]);
        assert_eq!(shop.audit().await, Vec::<String>::new());
        shop.hub.stop().await;
    }

    async fn what_its_terms_leave_to_the_quote_is_read_from_there(database: Database) {
        let shop = Shop::open(&database).await;
        let request = place_request(&shop.quote().await, PaymentMethod::Wallet);
        let order = shop.orders(BUYER).place_order(request).await.unwrap().into_inner().order.unwrap();
        let left_out: Result<u64, db::Error> = shop.hub.db.write(|tx| Box::pin(async move {
            let sql = tx.sql(
                "update orders set terms = terms - 'consignments'",
                "update orders set terms = json_remove(terms, '$.consignments')",
            );
            db::execute!(tx, sql)
        })).await;
        assert_eq!(left_out.unwrap(), 1);
        assert_eq!(shop.get(&order.order_id).await, order);
        shop.hub.stop().await;
    }

    async fn twenty_of_one_request_are_one_order(database: Database) {
        let shop = Shop::open(&database).await;
        let request = place_request(&shop.quote().await, PaymentMethod::Wallet);
        let calls = (0..20).map(|_| {
            let (mut orders, request) = (shop.orders(BUYER), request.clone());
            async move { orders.place_order(request).await.unwrap().into_inner() }
        });
        let answers = join_all(calls).await;
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        assert_eq!(shop.world.held(), (1, 1));
        assert_eq!(shop.told("order.confirmed.v1").await, 1);
        let listed = shop.orders(BUYER).list_orders(ListOrdersRequest::default()).await.unwrap().into_inner();
        assert_eq!(listed.orders.len(), 1);
        let mut other = request;
        other.attributes.clear();
        let refused = shop.orders(BUYER).place_order(other).await.unwrap_err();
        assert_eq!(reason(&refused), "REQUEST_ID_REUSED");
        shop.hub.stop().await;
    }

    async fn twenty_who_want_one_quote_make_one_order(database: Database) {
        let shop = Shop::open(&database).await;
        let quote = shop.quote().await;
        let calls = (0..20).map(|_| {
            let (mut orders, request) = (shop.orders(BUYER), place_request(&quote, PaymentMethod::Wallet));
            async move { orders.place_order(request).await }
        });
        let answers = join_all(calls).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for refused in answers.into_iter().filter_map(Result::err) {
            assert_eq!(reason(&refused), "QUOTE_ALREADY_ORDERED");
        }
        assert_eq!(shop.world.held(), (1, 1));
        let refused = shop.orders("mallory").place_order(place_request(&quote, PaymentMethod::Wallet)).await;
        assert_eq!(reason(&refused.unwrap_err()), "QUOTE_NOT_FOUND");
        shop.hub.stop().await;
    }

    /// Orders, quotes and outcomes that come at once share transactions; nobody notices.
    async fn many_at_once_are_as_if_one_by_one(database: Database) {
        let shop = Shop::open(&database).await;
        let quotes: Vec<Quote> = join_all((0..24).map(|_| shop.quote())).await;
        let method = |place: usize| if place % 5 == 4 { PaymentMethod::Duitnow } else { PaymentMethod::Wallet };
        let mut requests: Vec<PlaceOrderRequest> = Vec::new();
        for (place, quote) in quotes.iter().enumerate() {
            let mut request = place_request(quote, method(place));
            // Two of the first four have one reference.
            request.client_reference = if place < 4 { format!("cart-{}", place % 2) } else { String::new() };
            requests.push(request.clone());
            match place % 3 {
                0 => requests.push(request),
                1 => requests.push(PlaceOrderRequest { request_id: request_id(), ..request }),
                _ => requests.push(PlaceOrderRequest {
                    request_id: request_id(),
                    quote_id: QuoteId::new().to_string(),
                    ..request
                }),
            }
        }
        let calls = requests.iter().map(|request| {
            let (mut orders, request) = (shop.orders(BUYER), request.clone());
            async move { orders.place_order(request).await }
        });
        let answers = join_all(calls).await;
        let mut placed: HashMap<&str, String> = HashMap::new();
        let mut refusals: BTreeMap<String, usize> = BTreeMap::new();
        for (request, answer) in requests.iter().zip(&answers) {
            match answer {
                Ok(answer) => {
                    let order = answer.get_ref().order.as_ref().unwrap();
                    let awaits = request.payment_method() == PaymentMethod::Duitnow;
                    let state = if awaits { OrderState::AwaitingPayment } else { OrderState::Confirmed };
                    assert_eq!((order.state(), order.version), (state, 2));
                    let before = placed.insert(&request.quote_id, order.order_id.clone());
                    assert!(before.is_none_or(|before| before == order.order_id));
                    assert_eq!(shop.get(&order.order_id).await, *order);
                }
                Err(refused) => *refusals.entry(reason(refused)).or_default() += 1,
            }
        }
        // Of two with one reference, one is refused, whichever it is.
        assert_eq!(placed.len(), 22, "{refusals:?}");
        assert_eq!(refusals["QUOTE_NOT_FOUND"], 8);
        assert!((7..=8).contains(&refusals["QUOTE_ALREADY_ORDERED"]), "{refusals:?}");
        assert!((2..=4).contains(&refusals["CLIENT_REFERENCE_TAKEN"]), "{refusals:?}");
        assert_eq!(refusals.len(), 3, "{refusals:?}");
        // Money that waits for a QR code to be paid is not held.
        assert_eq!(shop.world.held(), (22, 18));
        assert_eq!(shop.audit().await, Vec::<String>::new());
        // The same again is answered the same.
        for (request, answer) in requests.iter().zip(&answers) {
            let again = shop.orders(BUYER).place_order(request.clone()).await;
            match (again, answer) {
                (Ok(again), Ok(answer)) => assert_eq!(again.get_ref(), answer.get_ref()),
                (Err(again), Err(answer)) => assert_eq!(reason(&again), reason(answer)),
                (again, answer) => panic!("{again:?}, and before {answer:?}"),
            }
        }
        shop.hub.stop().await;
    }

    async fn a_refusal_leaves_nothing_held(database: Database) {
        let shop = Shop::open(&database).await;
        for (rpc, refusal) in [("Reserve", "OUT_OF_STOCK"), ("Reserve", "QUOTE_STALE"), ("Authorise", "INSUFFICIENT_FUNDS")] {
            let quote = shop.quote().await;
            let request = place_request(&quote, PaymentMethod::Wallet);
            shop.world.fail(rpc, [Failure::Refuse(refusal)]);
            for _ in 0..2 {
                let refused = shop.orders(BUYER).place_order(request.clone()).await.unwrap_err();
                assert_eq!((refused.code(), reason(&refused)), (Code::FailedPrecondition, refusal.to_owned()));
            }
            assert!(shop.world.nothing_is_held());
            let listed = shop.orders(BUYER).list_orders(ListOrdersRequest::default()).await.unwrap().into_inner();
            let order = listed.orders.first().unwrap();
            assert_eq!((order.state(), order.cancel_reason.as_str()), (OrderState::Cancelled, refusal));
            assert_eq!(shop.saga(&order.order_id).await.step, "cancelled");
            // The quote is free again.
            let again = place_request(&quote, PaymentMethod::Wallet);
            let order = shop.orders(BUYER).place_order(again).await.unwrap().into_inner().order.unwrap();
            assert_eq!(order.state(), OrderState::Confirmed);
            shop.world.state().reservations.clear();
            shop.world.state().holds.clear();
        }
        let told: Vec<OrderCancelled> = shop.hub.told_of("order.cancelled.v1").await;
        assert_eq!(told.len(), 3);
        assert!(told.iter().all(|event| !event.was_confirmed));
        assert_eq!(shop.audit().await, Vec::<String>::new());
        shop.hub.stop().await;
    }

    async fn an_address_in_another_zone_is_another_quote(database: Database) {
        let shop = Shop::zoned(&database).await;
        for (quoted, ordered, same) in [
            ("50450", "50450", true),
            ("50450", "10-100", true),
            ("", "50450", true),
            ("88000", "MY-88 999", true),
            ("50450", "88000", false),
            ("50450", "my 88-000", false),
            ("", "88000", false),
            ("88000", "50450", false),
        ] {
            let mut request = quote_request(&[(&shop.silk, 1)], "");
            request.postcode = quoted.to_owned();
            let quote = shop.quotes(BUYER).create_quote(request).await.unwrap().into_inner().quote.unwrap();
            assert_eq!(quote.postcode, quoted);
            let mut request = place_request(&quote, PaymentMethod::Wallet);
            request.address.as_mut().unwrap().postcode = ordered.to_owned();
            let placed = shop.orders(BUYER).place_order(request.clone()).await;
            if same {
                assert_eq!(placed.unwrap().into_inner().order.unwrap().state(), OrderState::Confirmed);
                continue;
            }
            let refused = placed.unwrap_err();
            assert_eq!((refused.code(), reason(&refused)), (Code::FailedPrecondition, "ADDRESS_CHANGED".to_owned()), "{quoted} {ordered}");
            let consignment = rpc::status::metadata(&refused, "consignment_id");
            assert_eq!(consignment.as_deref(), Some(quote.consignments[0].consignment_id.as_str()));
            // Nothing was ordered: to its own zone the quote still goes.
            let listed = shop.world.count("Reserve");
            request.request_id = request_id();
            request.address.as_mut().unwrap().postcode = if quoted.is_empty() { "50450" } else { quoted }.to_owned();
            shop.orders(BUYER).place_order(request).await.unwrap();
            assert_eq!(shop.world.count("Reserve"), listed + 1);
        }
        shop.hub.stop().await;
    }

    async fn a_postcode_that_could_be_read_otherwise_is_refused(database: Database) {
        let shop = Shop::zoned(&database).await;
        let quote = shop.quote().await;
        for postcode in ["\u{0e58}\u{0e58}000", "\u{ff18}\u{ff18}000", "8800O", "KK88000", "880000", "!!!"] {
            let mut request = place_request(&quote, PaymentMethod::Wallet);
            request.address.as_mut().unwrap().postcode = postcode.to_owned();
            let refused = shop.orders(BUYER).place_order(request).await.unwrap_err();
            assert_eq!(rpc::status::fields(&refused), ["address.postcode"], "{postcode}");
            let mut request = quote_request(&[(&shop.silk, 1)], "");
            request.postcode = postcode.to_owned();
            let refused = shop.quotes(BUYER).create_quote(request).await.unwrap_err();
            assert_eq!(rpc::status::fields(&refused), ["postcode"], "{postcode}");
        }
        shop.hub.stop().await;
    }

    async fn a_quote_has_its_time(database: Database) {
        let shop = Shop::open(&database).await;
        let quote = shop.quote().await;
        shop.hub.advance(Duration::minutes(31));
        let request = place_request(&quote, PaymentMethod::Wallet);
        for _ in 0..2 {
            let refused = shop.orders(BUYER).place_order(request.clone()).await.unwrap_err();
            assert_eq!(reason(&refused), "QUOTE_EXPIRED");
        }
        assert_eq!(shop.world.count("Reserve"), 0);
        shop.hub.stop().await;
    }

    async fn a_reference_is_used_once_for_ever(database: Database) {
        let shop = Shop::open(&database).await;
        let request = |quote, method| {
            let mut request = place_request(quote, method);
            request.client_reference = "cart-7".to_owned();
            request
        };
        shop.world.fail("Reserve", [Failure::Refuse("OUT_OF_STOCK")]);
        let first = shop.quote().await;
        shop.orders(BUYER).place_order(request(&first, PaymentMethod::Wallet)).await.unwrap_err();
        let refused = shop.orders(BUYER).place_order(request(&first, PaymentMethod::Wallet)).await.unwrap_err();
        assert_eq!(reason(&refused), "CLIENT_REFERENCE_TAKEN");
        let refused = shop.orders(BUYER).place_order(request(&first, PaymentMethod::Promptpay)).await.unwrap_err();
        assert_eq!(reason(&refused), "METHOD_NOT_OFFERED");
        shop.hub.stop().await;
    }

    async fn what_is_wrong_with_an_order_is_named(database: Database) {
        let shop = Shop::open(&database).await;
        let mut request = place_request(&shop.quote().await, PaymentMethod::Unspecified);
        request.quote_id = "7".to_owned();
        request.client_reference = "x".repeat(101);
        let address = request.address.as_mut().unwrap();
        address.country = "TH".to_owned();
        address.city.clear();
        let refused = shop.orders(BUYER).place_order(request.clone()).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(
            rpc::status::fields(&refused),
            ["quote_id", "address.city", "address.country", "payment_method", "client_reference"]
        );
        // What was wrong is not kept: the same id may come again.
        let mut right = place_request(&shop.quote().await, PaymentMethod::Wallet);
        right.request_id = request.request_id;
        shop.orders(BUYER).place_order(right).await.unwrap();
        let mut missing = place_request(&shop.quote().await, PaymentMethod::Wallet);
        missing.quote_id = QuoteId::new().to_string();
        missing.request_id = request_id();
        assert_eq!(reason(&shop.orders(BUYER).place_order(missing).await.unwrap_err()), "QUOTE_NOT_FOUND");
        let nothing = GetOrderRequest { order_id: "MY-7K3Q-2Z".to_owned() };
        assert_eq!(shop.orders(BUYER).get_order(nothing).await.unwrap_err().code(), Code::InvalidArgument);
        shop.hub.stop().await;
    }

    async fn pages_have_each_order_once(database: Database) {
        let shop = Shop::open(&database).await;
        let mut placed = Vec::new();
        for _ in 0..5 {
            placed.push(shop.order().await.order_id);
        }
        placed.reverse();
        let (mut seen, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = ListOrdersRequest { page_size: 2, page_token, ..ListOrdersRequest::default() };
            let page = shop.orders(BUYER).list_orders(request).await.unwrap().into_inner();
            seen.extend(page.orders.into_iter().map(|order| order.order_id));
            // What comes meanwhile is newer than all pages that follow.
            shop.order().await;
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(seen, placed);
        let cancelled = ListOrdersRequest { state: OrderState::Cancelled.into(), ..ListOrdersRequest::default() };
        assert!(shop.orders(BUYER).list_orders(cancelled).await.unwrap().into_inner().orders.is_empty());
        shop.hub.stop().await;
    }
}
