//! What quotes take: those that nobody ordered are forgotten, and an address is given only so many.

use chrono::Duration;
use proto::order::v1::quote_service_client::QuoteServiceClient;
use rpc::status::retry_after;
use testkit::{eventually, on_both};
use tonic::Code;
use tonic::transport::Endpoint;

use crate::shop::{BUYER, Shop, quote_request, reason};

/// Quotes, and the answers that told of them.
async fn kept(shop: &Shop) -> (i64, i64) {
    let kept: Result<(i64, i64), db::Error> = shop
        .hub
        .db
        .read(|tx| {
            Box::pin(async move {
                let (quotes,) = db::fetch_one!(tx, (i64,), "select count(*) from quotes")?;
                let answers = "select count(*) from requests where rpc = 'CreateQuote'";
                Ok((quotes, db::fetch_one!(tx, (i64,), answers)?.0))
            })
        })
        .await;
    kept.unwrap()
}

on_both! {
    async fn a_quote_that_nobody_ordered_is_forgotten_and_an_ordered_one_stays(database: Database) {
        let shop = Shop::open(&database).await;
        let order = shop.order().await;
        for _ in 0..3 {
            shop.quote().await;
        }
        assert_eq!(kept(&shop).await, (4, 4));
        // Expired, and not for a day.
        shop.hub.advance(Duration::hours(12));
        shop.quote().await;
        shop.hub.advance(Duration::days(2));
        eventually("they are forgotten", || async { (kept(&shop).await == (1, 0)).then_some(()) }).await;
        assert_eq!(shop.get(&order.order_id).await.order_id, order.order_id);
        shop.hub.stop().await;
    }

    async fn an_address_has_so_many_quotes_without_a_token(database: Database) {
        let shop = Shop::with(&database, "guest_quotes_per_hour = 2").await;
        let address = shop.hub.hub.public_addr();
        let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
        let mut guest = QuoteServiceClient::new(channel);
        for _ in 0..2 {
            guest.create_quote(quote_request(&[(&shop.silk, 1)], "")).await.unwrap();
        }
        let refused = guest.create_quote(quote_request(&[(&shop.silk, 1)], "")).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused)), (Code::ResourceExhausted, "TOO_MANY_QUOTES".to_owned()));
        assert!(retry_after(&refused).is_some());
        // Who has signed in is counted by another bound.
        shop.quote().await;
        shop.hub.stop().await;
    }

    async fn what_is_refused_for_its_form_or_was_answered_before_does_not_count(database: Database) {
        let shop = Shop::with(&database, "buyer_quotes_per_hour = 2").await;
        for _ in 0..3 {
            let refused = shop.quote_of(&[(&shop.silk, 0)], "").await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
        }
        let (mut quotes, request) = (shop.quotes(BUYER), quote_request(&[(&shop.silk, 1)], ""));
        let first = quotes.create_quote(request.clone()).await.unwrap().into_inner();
        for _ in 0..3 {
            assert_eq!(quotes.create_quote(request.clone()).await.unwrap().into_inner(), first);
        }
        shop.quote().await;
        let refused = shop.quote_of(&[(&shop.silk, 1)], "").await.unwrap_err();
        assert_eq!(reason(&refused), "TOO_MANY_QUOTES");
        shop.hub.stop().await;
    }

    async fn a_long_quote_counts_as_several_and_so_do_those_of_one_who_has_signed_in(database: Database) {
        let shop = Shop::with(&database, "buyer_quotes_per_hour = 4").await;
        let unknown: Vec<String> = (0..21).map(|_| kernel::VariantId::new().to_string()).collect();
        let lines = |many: usize| -> Vec<(&str, i64)> { unknown[..many].iter().map(|id| (id.as_str(), 1)).collect() };
        // Whatever becomes of it: 21 lines are worth three quotes, and ten are worth one.
        let long = shop.quote_of(&lines(21), "").await.unwrap_err();
        assert_ne!(reason(&long), "TOO_MANY_QUOTES");
        let short = shop.quote_of(&lines(10), "").await.unwrap_err();
        assert_ne!(reason(&short), "TOO_MANY_QUOTES");
        let refused = shop.quote_of(&[(&shop.silk, 1)], "").await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused)), (Code::ResourceExhausted, "TOO_MANY_QUOTES".to_owned()));
        shop.hub.stop().await;
    }
}
