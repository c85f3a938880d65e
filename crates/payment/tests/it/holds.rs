//! Money held from a wallet: never more than there is, and ended once.

use futures::future::{join, join_all};
use proto::payment::internal::v1::{
    AuthoriseRequest, AuthoriseResponse, CancelPaymentRequest, InquireHoldRequest, VoidRequest,
};
use proto::payment::v1::PaymentState;
use rpc::status::{fields, reason};
use testkit::on_both;
use tonic::{Code, Status};

use crate::sale::PRICE;
use crate::till::{BUYER, Till, minor, money, myr, why};

async fn ask(till: &Till, request: AuthoriseRequest) -> Result<AuthoriseResponse, Status> {
    Ok(till.holds().authorise(request).await?.into_inner())
}

on_both! {
    async fn money_is_held_and_no_longer_available(database: Database) {
        let till = Till::open(&database).await;
        till.funded(myr(20_000)).await;
        let sale = till.sale(1);
        let held = till.authorise(&sale).await.unwrap();
        assert_eq!((held.state(), held.qr_payload.as_str(), held.expires_at), (PaymentState::Held, "", None));
        assert_eq!(till.in_the_wallet().await, (20_000 - PRICE, PRICE));
        let payment = till.payment(&sale).await;
        assert_eq!((payment.amount, payment.method.as_str()), (Some(myr(PRICE)), "wallet"));
        assert!(payment.paid_at.is_some());
        assert_eq!(till.entries().await[0], ("payment".to_owned(), -PRICE));
        till.close().await;
    }

    async fn one_minor_unit_short_holds_nothing(database: Database) {
        let till = Till::open(&database).await;
        let wallet = till.funded(myr(PRICE - 1)).await;
        let sale = till.sale(1);
        assert_eq!(why(till.authorise(&sale).await), "INSUFFICIENT_FUNDS");
        assert_eq!(till.in_the_wallet().await, (PRICE - 1, 0));
        let asked = till.holds().inquire_hold(InquireHoldRequest { hold_id: sale.hold_id.to_string() }).await;
        assert_eq!(asked.unwrap_err().code(), Code::NotFound);
        // With one more the same hold is held, and nothing is left.
        till.top_up(BUYER, &wallet, myr(1)).await;
        assert_eq!(till.authorise(&sale).await.unwrap().state(), PaymentState::Held);
        assert_eq!(till.in_the_wallet().await, (0, PRICE));
        till.close().await;
    }

    async fn only_a_wallet_of_the_currency_pays(database: Database) {
        let till = Till::open(&database).await;
        assert_eq!(why(till.authorise(&till.sale(1)).await), "WALLET_NOT_FOUND");
        till.funded(money("THB", 1_000_000)).await;
        assert_eq!(why(till.authorise(&till.sale(1)).await), "WALLET_NOT_FOUND");
        // Nor does another's.
        let of_another = till.open_wallet("somebody", "MYR").await;
        till.top_up("somebody", &of_another, myr(1_000_000)).await;
        assert_eq!(why(till.authorise(&till.sale(1)).await), "WALLET_NOT_FOUND");
        assert_eq!(till.in_the_wallet().await, (1_000_000, 0));
        till.close().await;
    }

    async fn a_repeated_authorise_answers_the_hold_as_it_stands(database: Database) {
        let till = Till::open(&database).await;
        till.funded(myr(2 * PRICE)).await;
        let (sale, ended) = (till.sale(1), till.sale(1));
        for _ in 0..3 {
            assert_eq!(till.authorise(&sale).await.unwrap().state(), PaymentState::Held);
        }
        assert_eq!(till.in_the_wallet().await, (PRICE, PRICE));
        till.confirm(&sale).await;
        assert_eq!(till.authorise(&sale).await.unwrap().state(), PaymentState::Captured);
        assert_eq!(till.in_the_wallet().await, (PRICE, 0));
        till.authorise(&ended).await.unwrap();
        assert_eq!(till.void(&ended).await, PaymentState::Voided);
        assert_eq!(why(till.authorise(&ended).await), "HOLD_VOIDED");
        assert_eq!(till.in_the_wallet().await, (PRICE, 0));
        till.close().await;
    }

    async fn a_hold_is_of_one_order_and_one_amount(database: Database) {
        let till = Till::open(&database).await;
        till.funded(myr(3 * PRICE)).await;
        let (sale, other) = (till.sale(1), till.sale(1));
        till.authorise(&sale).await.unwrap();
        let second = AuthoriseRequest { hold_id: other.hold_id.to_string(), ..sale.authorise() };
        assert_eq!(why(ask(&till, second).await), "HOLD_EXISTS");
        let more = AuthoriseRequest { amount: Some(myr(PRICE + 1)), ..sale.authorise() };
        assert_eq!(why(ask(&till, more).await), "HOLD_EXISTS");
        let elsewhere = AuthoriseRequest { order_id: other.order_id.to_string(), ..sale.authorise() };
        assert_eq!(why(ask(&till, elsewhere).await), "HOLD_EXISTS");
        for changed in [
            AuthoriseRequest { buyer: "somebody".to_owned(), ..sale.authorise() },
            AuthoriseRequest { method: "duitnow".to_owned(), ..sale.authorise() },
            AuthoriseRequest { order_number: other.number.clone(), ..sale.authorise() },
        ] {
            assert_eq!(why(ask(&till, changed).await), "HOLD_EXISTS");
        }
        // Nor is it ended for another order.
        let void = VoidRequest {
            hold_id: sale.hold_id.to_string(),
            order_id: other.order_id.to_string(),
            reason: "test".to_owned(),
        };
        assert_eq!(why(till.holds().void(void).await), "HOLD_EXISTS");
        let code = till.sale(1).by("duitnow");
        till.code(&code).await;
        let cancel =
            CancelPaymentRequest { hold_id: code.hold_id.to_string(), order_id: other.order_id.to_string() };
        assert_eq!(why(till.holds().cancel_payment(cancel).await), "HOLD_EXISTS");
        assert_eq!(till.state(&code).await, PaymentState::Awaiting);
        assert_eq!(till.in_the_wallet().await, (2 * PRICE, PRICE));
        till.close().await;
    }

    async fn a_void_gives_back_once(database: Database) {
        let till = Till::open(&database).await;
        till.funded(myr(2 * PRICE)).await;
        let (sale, other) = (till.sale(1), till.sale(1));
        till.authorise(&sale).await.unwrap();
        till.authorise(&other).await.unwrap();
        let voided = join_all((0..6).map(|_| till.void(&sale))).await;
        assert!(voided.iter().all(|state| *state == PaymentState::Voided));
        assert_eq!(till.in_the_wallet().await, (PRICE, PRICE));
        // What was voided is no movement of the wallet.
        assert_eq!(till.entries().await.len(), 2);
        assert_eq!(till.state(&other).await, PaymentState::Held);
        till.close().await;
    }

    async fn a_late_authorisation_after_its_void_is_refused(database: Database) {
        let till = Till::open(&database).await;
        till.funded(myr(PRICE)).await;
        let sale = till.sale(1);
        assert_eq!(till.void(&sale).await, PaymentState::Voided);
        assert_eq!(why(till.authorise(&sale).await), "HOLD_VOIDED");
        assert_eq!(till.in_the_wallet().await, (PRICE, 0));
        till.close().await;
    }

    async fn a_void_and_an_authorise_at_once_leave_nothing_held(database: Database) {
        let till = Till::open(&database).await;
        till.funded(myr(PRICE)).await;
        for _ in 0..12 {
            let sale = till.sale(1);
            let (voided, authorised) = join(till.void(&sale), till.authorise(&sale)).await;
            assert_eq!(voided, PaymentState::Voided);
            if let Err(refused) = authorised {
                assert_eq!(reason(&refused).as_deref(), Some("HOLD_VOIDED"));
            }
            assert_eq!(till.state(&sale).await, PaymentState::Voided);
            assert_eq!(till.in_the_wallet().await, (PRICE, 0));
        }
        till.close().await;
    }

    async fn twenty_who_want_what_seven_can_have(database: Database) {
        let till = Till::open(&database).await;
        till.funded(myr(8 * PRICE - 1)).await;
        let sales: Vec<_> = (0..20).map(|_| till.sale(1)).collect();
        let answers = join_all(sales.iter().map(|sale| till.authorise(sale))).await;
        let held = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(held, 7);
        for refused in answers.into_iter().filter_map(Result::err) {
            assert_eq!(reason(&refused).as_deref(), Some("INSUFFICIENT_FUNDS"), "{refused:?}");
        }
        assert_eq!(till.in_the_wallet().await, (PRICE - 1, 7 * PRICE));
        assert_eq!(minor(&till.list_wallets(BUYER).await[0]), (PRICE - 1, 7 * PRICE));
        till.close().await;
    }

    async fn a_hold_is_captured_or_voided_never_both(database: Database) {
        let till = Till::open(&database).await;
        let wallet = till.open_wallet(BUYER, "MYR").await;
        for _ in 0..8 {
            till.top_up(BUYER, &wallet, myr(PRICE)).await;
            let (before, escrow) = (till.in_the_wallet().await.0, till.balance("escrow", "MYR").await);
            let sale = till.sale(1);
            till.authorise(&sale).await.unwrap();
            let (voided, ()) = join(till.void(&sale), till.confirm(&sale)).await;
            assert_eq!(voided, till.state(&sale).await);
            let captured = if voided == PaymentState::Captured { PRICE } else { 0 };
            assert_eq!(till.in_the_wallet().await, (before - captured, 0));
            assert_eq!(till.balance("escrow", "MYR").await, escrow + captured);
        }
        till.close().await;
    }

    async fn bad_requests_name_their_field(database: Database) {
        let till = Till::open(&database).await;
        let good = till.sale(1).authorise();
        for (request, field) in [
            (AuthoriseRequest { hold_id: "hold_x".to_owned(), ..good.clone() }, "hold_id"),
            (AuthoriseRequest { order_id: good.hold_id.clone(), ..good.clone() }, "order_id"),
            (AuthoriseRequest { buyer: String::new(), ..good.clone() }, "buyer"),
            (AuthoriseRequest { order_number: String::new(), ..good.clone() }, "order_number"),
            (AuthoriseRequest { amount: Some(myr(0)), ..good.clone() }, "amount.minor_units"),
            (AuthoriseRequest { amount: Some(myr(-5)), ..good.clone() }, "amount.minor_units"),
            (AuthoriseRequest { amount: None, ..good.clone() }, "amount"),
        ] {
            let refused = ask(&till, request).await.unwrap_err();
            assert_eq!((refused.code(), fields(&refused)), (Code::InvalidArgument, vec![field.to_owned()]));
        }
        let request = AuthoriseRequest { method: "promptpay".to_owned(), ..good };
        assert_eq!(why(ask(&till, request).await), "METHOD_NOT_OFFERED");
        till.close().await;
    }

    async fn a_hold_without_its_pending_movement_does_not_end(database: Database) {
        let till = Till::open(&database).await;
        till.funded(myr(2 * PRICE)).await;
        let (broken, whole) = (till.sale(1), till.sale(1));
        for sale in [&broken, &whole] {
            till.authorise(sale).await.unwrap();
        }
        let pending = broken.order_id.uuid();
        let set = |from: &'static str, to: &'static str| {
            till.hub.db.write(move |tx| {
                Box::pin(async move {
                    let sql = "update transfers set state = $3 where order_id = $1 and state = $2";
                    db::execute!(tx, sql, pending, from, to)
                })
            })
        };
        let changed: Result<u64, db::Error> = set("pending", "voided").await;
        assert_eq!(changed.unwrap(), 1);
        let request = VoidRequest {
            hold_id: broken.hold_id.to_string(),
            order_id: broken.order_id.to_string(),
            reason: "test".to_owned(),
        };
        assert_eq!(till.holds().void(request).await.unwrap_err().code(), Code::Internal);
        join(till.confirm(&broken), till.confirm(&whole)).await;
        let parked = till.parked().await;
        assert_eq!(parked.len(), 1);
        assert!(parked[0].reason.contains("pending movement"), "{}", parked[0].reason);
        assert_eq!((till.state(&broken).await, till.state(&whole).await), (PaymentState::Held, PaymentState::Captured));
        assert_eq!((till.in_the_wallet().await, till.balance("escrow", "MYR").await), ((0, PRICE), PRICE));
        let changed: Result<u64, db::Error> = set("voided", "pending").await;
        assert_eq!(changed.unwrap(), 1);
        assert_eq!(till.void(&broken).await, PaymentState::Voided);
        till.close().await;
    }
}
