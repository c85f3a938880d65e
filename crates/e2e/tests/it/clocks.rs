//! The hub's clock jumps over expiries.

use chrono::Duration;
use proof::journey;
use proof::purchase::{self, OrderOptions};
use proto::order::v1::{OrderState, PaymentMethod};
use proto::payment::internal::v1::{ListSuspenseRequest, PayQrRequest};
use testkit::eventually;

use crate::town::{AT_ONCE, Ground, PATIENCE, STILL, Town, address, available, buy, quote, seller};

on_every_shape! {
    async fn escrow_is_released_without_the_buyers_word(ground: Ground) {
        let town = Town::open(&ground, AT_ONCE).await;
        let thai = seller(&town.hub, &[10]).await;
        let buyer = town.hub.buyer("aisyah").unwrap();
        let order = buy(&buyer, &[(thai.variants[0].clone(), 1)]).await;
        let delivered =
            journey::watch(&buyer, &order.order_id, PATIENCE, |_| {}, journey::is_delivered).await.unwrap();
        assert_eq!(delivered.state(), OrderState::Delivered);
        town.advance(Duration::days(8));
        let over = journey::watch(&buyer, &order.order_id, PATIENCE, |_| {}, journey::is_over).await.unwrap();
        assert_eq!(over.state(), OrderState::Completed);
        town.close().await;
    }

    async fn a_qr_code_that_nobody_pays_expires(ground: Ground) {
        let town = Town::open(&ground, STILL).await;
        let thai = seller(&town.hub, &[10]).await;
        let buyer = town.hub.buyer("aisyah").unwrap();
        let quote = quote(&buyer, &[(thai.variants[0].clone(), 4)]).await;
        let placing = OrderOptions::new(address(), PaymentMethod::Duitnow);
        let order = purchase::place(&buyer, &quote, &placing).await.unwrap();
        assert_eq!(available(&thai, 0).await, 6);
        town.advance(Duration::minutes(16));
        let over = journey::watch(&buyer, &order.order_id, PATIENCE, |_| {}, journey::is_over).await.unwrap();
        assert_eq!((over.state(), over.cancel_reason.as_str()), (OrderState::Cancelled, "PAYMENT_EXPIRED"));
        assert_eq!(available(&thai, 0).await, 10);
        // Who pays it now has the money put aside for him.
        let qr_payload = order.payment.unwrap().qr_payload;
        let request = PayQrRequest { qr_payload, provider_reference: "late".to_owned() };
        let paid = town.hub.provider().unwrap().pay_qr(request).await.unwrap().into_inner();
        assert!(!paid.matched);
        let request = ListSuspenseRequest::default();
        let suspended = town.hub.ledger().unwrap().list_suspense(request).await.unwrap().into_inner();
        assert_eq!(suspended.receipts.len(), 1);
        town.close().await;
    }

    async fn a_qr_code_paid_while_it_expires_ends_as_one_of_both(ground: Ground) {
        let town = Town::open(&ground, STILL).await;
        let thai = seller(&town.hub, &[100]).await;
        let buyer = town.hub.buyer("aisyah").unwrap();
        for _ in 0..10 {
            let quote = quote(&buyer, &[(thai.variants[0].clone(), 1)]).await;
            let placing = OrderOptions::new(address(), PaymentMethod::Duitnow);
            let order = purchase::place(&buyer, &quote, &placing).await.unwrap();
            let qr_payload = order.payment.clone().unwrap().qr_payload;
            town.advance(Duration::minutes(16));
            let request = PayQrRequest { qr_payload, provider_reference: String::new() };
            let paid = town.hub.provider().unwrap().pay_qr(request).await.unwrap().into_inner();
            let settled = eventually("it is one or the other", || async {
                let order = journey::order(&buyer, &order.order_id).await.unwrap();
                matches!(order.state(), OrderState::Confirmed | OrderState::Cancelled).then_some(order.state())
            });
            let confirmed = settled.await == OrderState::Confirmed;
            assert_eq!(paid.matched, confirmed);
        }
        town.close().await;
    }
}
