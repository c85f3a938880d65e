//! QR payments: payment alone knows whether money came; a code is paid or cancelled, never both.

use chrono::Duration;
use futures::future::{join, join_all};
use proto::convert::datetime;
use proto::payment::events::v1::PaymentReceived;
use proto::payment::internal::v1::{CancelOutcome, PayQrRequest};
use proto::payment::v1::PaymentState;
use rpc::status::fields;
use testkit::on_both;
use tonic::Code;

use crate::sale::{PRICE, Sale};
use crate::till::{BUYER, Till, money, myr, why};

fn by_duitnow(till: &Till) -> Sale {
    till.sale(1).by("duitnow")
}

on_both! {
    async fn a_duitnow_code_names_the_amount_and_the_order(database: Database) {
        let till = Till::open(&database).await;
        let sale = by_duitnow(&till);
        let before = till.hub.now();
        let answer = till.authorise(&sale).await.unwrap();
        let code = emvco::decode(&answer.qr_payload).unwrap();
        assert_eq!((code.scheme, code.dynamic), (emvco::Scheme::DuitNow, true));
        assert_eq!((code.amount.as_deref(), code.currency.as_str()), (Some("166.00"), "458"));
        let reference = sale.number.replace('-', "");
        assert_eq!((code.bill_number, code.reference), (reference.clone(), reference));
        let created_at = datetime("expires_at", answer.expires_at.as_ref()).unwrap() - Duration::minutes(15);
        assert!(before <= created_at && created_at <= till.hub.now());
        // Asked again: the same code.
        assert_eq!(till.authorise(&sale).await.unwrap().qr_payload, answer.qr_payload);
        till.close().await;
    }

    async fn a_promptpay_code_names_the_amount_and_the_order(database: Database) {
        let till = Till::at("th", &database, |setup| setup).await;
        let sale = till.sale(1).by("promptpay").costs(money("THB", 123_450));
        let code = till.code(&sale).await;
        let read = emvco::decode(&code).unwrap();
        assert_eq!((read.scheme, read.amount.as_deref()), (emvco::Scheme::PromptPay, Some("1234.50")));
        assert_eq!(read.currency, "764");
        let reference = sale.number.replace('-', "");
        assert!(matches!(read.account, emvco::Account::Bill { reference1, .. } if reference1 == reference));
        assert!(till.pay(&code, "kb-1").await.matched);
        assert_eq!(till.state(&sale).await, PaymentState::Held);
        till.close().await;
    }

    async fn only_the_hubs_currency_is_paid_by_code(database: Database) {
        let till = Till::open(&database).await;
        let sale = by_duitnow(&till).costs(money("THB", 10_000));
        assert_eq!(why(till.authorise(&sale).await), "METHOD_NOT_OFFERED");
        till.close().await;
    }

    async fn a_paid_code_holds_the_money_and_is_told_once(database: Database) {
        let till = Till::open(&database).await;
        let sale = by_duitnow(&till);
        let code = till.code(&sale).await;
        // The provider reports it many times.
        let reports = join_all((0..6).map(|_| till.pay(&code, "bank-1"))).await;
        assert!(reports.iter().all(|report| report.matched && report.suspense_reason.is_empty()));
        let payment = till.payment(&sale).await;
        assert_eq!((payment.state(), payment.paid_at.is_some()), (PaymentState::Held, true));
        let told: Vec<PaymentReceived> = till.hub.told_of("payment.received.v1").await;
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].hold_id.clone(), told[0].amount.clone()), (sale.hold_id.to_string(), Some(myr(PRICE))));
        assert_eq!(told[0].order_id, sale.order_id.to_string());
        assert_eq!(till.balance("holding", "MYR").await, PRICE);
        assert_eq!(till.balance("provider_clearing", "MYR").await, -PRICE);
        assert_eq!(till.suspended().await, []);
        till.close().await;
    }

    async fn an_expired_code_counts_until_order_cancels_it(database: Database) {
        let till = Till::open(&database).await;
        let (kept, ended) = (by_duitnow(&till), by_duitnow(&till));
        let codes = [till.code(&kept).await, till.code(&ended).await];
        till.hub.advance(Duration::minutes(16));
        assert!(till.pay(&codes[0], "bank-1").await.matched);
        assert_eq!(till.state(&kept).await, PaymentState::Held);
        assert_eq!(till.cancel_payment(&kept).await, CancelOutcome::AlreadyPaid);
        for _ in 0..2 {
            assert_eq!(till.cancel_payment(&ended).await, CancelOutcome::Cancelled);
        }
        assert_eq!(till.pay(&codes[1], "bank-2").await.suspense_reason, "LATE");
        assert_eq!(till.cancel_payment(&ended).await, CancelOutcome::Cancelled);
        assert_eq!(till.state(&ended).await, PaymentState::Voided);
        till.close().await;
    }

    async fn an_unseen_code_that_is_cancelled_is_never_made(database: Database) {
        let till = Till::open(&database).await;
        let sale = by_duitnow(&till);
        assert_eq!(till.cancel_payment(&sale).await, CancelOutcome::Cancelled);
        assert_eq!(why(till.authorise(&sale).await), "HOLD_VOIDED");
        till.close().await;
    }

    async fn a_wallets_hold_is_no_code_to_cancel(database: Database) {
        let till = Till::open(&database).await;
        till.funded(myr(PRICE)).await;
        let sale = till.sale(1);
        till.authorise(&sale).await.unwrap();
        assert_eq!(till.cancel_payment(&sale).await, CancelOutcome::AlreadyPaid);
        assert_eq!(till.in_the_wallet().await, (0, PRICE));
        till.close().await;
    }

    async fn paying_and_cancelling_at_once_end_as_one(database: Database) {
        let till = Till::open(&database).await;
        let (mut paid_count, mut late_count) = (0, 0);
        for round in 0..20 {
            let sale = by_duitnow(&till);
            let code = till.code(&sale).await;
            let reference = format!("bank-{round}");
            // Each gets to go first.
            let (paid, cancelled) = if round % 2 == 0 {
                join(till.pay(&code, &reference), till.cancel_payment(&sale)).await
            } else {
                let (cancelled, paid) = join(till.cancel_payment(&sale), till.pay(&code, &reference)).await;
                (paid, cancelled)
            };
            let state = till.state(&sale).await;
            if paid.matched {
                paid_count += 1;
                assert_eq!((cancelled, state), (CancelOutcome::AlreadyPaid, PaymentState::Held));
            } else {
                late_count += 1;
                assert_eq!(paid.suspense_reason, "LATE");
                assert_eq!((cancelled, state), (CancelOutcome::Cancelled, PaymentState::Voided));
            }
        }
        assert_eq!(till.told("payment.received.v1").await, paid_count);
        assert_eq!(till.suspended().await.len(), late_count);
        assert_eq!(till.balance("provider_clearing", "MYR").await, -20 * PRICE);
        till.close().await;
    }

    async fn a_paid_code_that_is_voided_goes_back_to_its_payer(database: Database) {
        let till = Till::open(&database).await;
        let sale = by_duitnow(&till);
        let code = till.code(&sale).await;
        till.pay(&code, "bank-1").await;
        for _ in 0..2 {
            assert_eq!(till.void(&sale).await, PaymentState::Voided);
        }
        for kind in ["holding", "provider_clearing"] {
            assert_eq!(till.balance(kind, "MYR").await, 0, "{kind}");
        }
        till.close().await;
    }

    async fn money_that_fits_no_order_is_suspended(database: Database) {
        let till = Till::open(&database).await;
        let sale = by_duitnow(&till);
        let code = till.code(&sale).await;
        assert!(till.pay(&code, "bank-1").await.matched);
        for (reference, reason) in [("bank-2", "DOUBLE"), ("bank-3", "LATE")] {
            assert_eq!(till.pay(&code, reference).await.suspense_reason, reason);
            till.void(&sale).await;
        }
        let waiting = till.suspended().await;
        let shown: Vec<_> = waiting.iter().map(|one| (one.reason.as_str(), one.amount.clone())).collect();
        assert_eq!(shown, [("DOUBLE", Some(myr(PRICE))), ("LATE", Some(myr(PRICE)))]);
        assert_eq!(waiting[0].order_reference, sale.number.replace('-', ""));
        assert_eq!(till.balance("suspense", "MYR").await, 2 * PRICE);
        till.close().await;
    }

    async fn a_voided_code_takes_no_money(database: Database) {
        let till = Till::open(&database).await;
        let sale = by_duitnow(&till);
        let code = till.code(&sale).await;
        assert_eq!(till.void(&sale).await, PaymentState::Voided);
        assert_eq!(till.pay(&code, "bank-1").await.suspense_reason, "LATE");
        assert_eq!((till.balance("holding", "MYR").await, till.balance("suspense", "MYR").await), (0, PRICE));
        till.close().await;
    }

    async fn an_order_paid_by_code_is_refunded_by_its_provider(database: Database) {
        let till = Till::open(&database).await;
        let sale = by_duitnow(&till);
        let code = till.code(&sale).await;
        till.pay(&code, "bank-1").await;
        till.confirm(&sale).await;
        till.give_back(&sale, &sale.return_of(0, myr(1_460), money("THB", 10_000))).await;
        assert_eq!(till.balance("provider_clearing", "MYR").await, 1_460 - PRICE);
        till.cancel(&sale).await;
        assert_eq!(till.balance("provider_clearing", "MYR").await, 0);
        assert_eq!(till.list_wallets(BUYER).await, []);
        till.close().await;
    }

    async fn what_is_no_code_is_refused(database: Database) {
        let till = Till::open(&database).await;
        let code = till.code(&by_duitnow(&till)).await;
        let changed = code.replacen("166.00", "166.01", 1);
        for payload in ["", "hello", "000201", changed.as_str()] {
            let request = PayQrRequest { qr_payload: payload.to_owned(), provider_reference: String::new() };
            let refused = till.provider().pay_qr(request).await.unwrap_err();
            assert_eq!((refused.code(), fields(&refused)), (Code::InvalidArgument, vec!["qr_payload".to_owned()]));
        }
        till.close().await;
    }
}
