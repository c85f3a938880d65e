//! Money that fits no order: it waits in suspense for an operator, and goes back once.

use futures::future::join_all;
use proto::payment::internal::v1::{
    ListSuspenseRequest, ReportReceiptRequest, ResolveSuspenseRequest, ResolveSuspenseResponse,
};
use proto::payment::v1::PaymentState;
use proto::types::v1::Money;
use rpc::status::{fields, reason};
use testkit::on_both;
use tonic::{Code, Status};

use crate::sale::{PRICE, Sale};
use crate::till::{Till, money, myr, request_id, why};

impl Till {
    /// Why a receipt went to suspense; empty: it paid an order.
    async fn report(&self, provider_reference: &str, order_reference: &str, amount: Money) -> String {
        let request = ReportReceiptRequest {
            provider_reference: provider_reference.to_owned(),
            order_reference: order_reference.to_owned(),
            amount: Some(amount),
        };
        let answer = self.provider().report_receipt(request).await.unwrap().into_inner();
        assert_eq!(answer.matched, answer.suspense_reason.is_empty());
        answer.suspense_reason
    }

    async fn resolve(&self, request: ResolveSuspenseRequest) -> Result<ResolveSuspenseResponse, Status> {
        Ok(self.ledger().resolve_suspense(request).await?.into_inner())
    }

    /// One of each reason, and the sale that was paid in the end.
    async fn misfits(&self) -> Sale {
        let (sale, late) = (self.sale(1).by("duitnow"), self.sale(1).by("duitnow"));
        self.code(&sale).await;
        self.code(&late).await;
        assert_eq!(self.report("b-1", &sale.number, myr(PRICE - 1)).await, "AMOUNT");
        assert_eq!(self.report("b-2", &sale.number, money("THB", PRICE)).await, "AMOUNT");
        assert_eq!(self.report("b-3", "MY-NOBODY", myr(PRICE)).await, "UNKNOWN_REFERENCE");
        self.cancel_payment(&late).await;
        assert_eq!(self.report("b-4", &late.number, myr(PRICE)).await, "LATE");
        assert_eq!(self.state(&sale).await, PaymentState::Awaiting);
        // As a payer may type it.
        assert_eq!(self.report("b-5", &sale.number.to_lowercase(), myr(PRICE)).await, "");
        assert_eq!(self.report("b-6", &sale.number, myr(PRICE)).await, "DOUBLE");
        sale
    }
}

fn resolution(receipt_id: &str) -> ResolveSuspenseRequest {
    ResolveSuspenseRequest {
        request_id: request_id(),
        receipt_id: receipt_id.to_owned(),
        note: "given back to its payer".to_owned(),
    }
}

on_both! {
    async fn what_fits_no_code_waits_with_its_reason(database: Database) {
        let till = Till::open(&database).await;
        let sale = till.misfits().await;
        let waiting = till.suspended().await;
        let reasons: Vec<(&str, &str)> = waiting
            .iter()
            .map(|receipt| (receipt.provider_reference.as_str(), receipt.reason.as_str()))
            .collect();
        let expected = [("b-1", "AMOUNT"), ("b-2", "AMOUNT"), ("b-3", "UNKNOWN_REFERENCE"), ("b-4", "LATE"), ("b-6", "DOUBLE")];
        assert_eq!(reasons, expected);
        assert_eq!(waiting[0].amount, Some(myr(PRICE - 1)));
        assert_eq!(waiting[2].order_reference, "MY-NOBODY");
        assert_eq!(till.state(&sale).await, PaymentState::Held);
        assert_eq!(till.told("payment.received.v1").await, 1);
        // All money that came is somewhere, and only the order's is held.
        assert_eq!(till.balance("provider_clearing", "MYR").await, -(5 * PRICE - 1));
        assert_eq!(till.balance("suspense", "MYR").await, 4 * PRICE - 1);
        assert_eq!(till.balance("suspense", "THB").await, PRICE);
        assert_eq!(till.balance("holding", "MYR").await, PRICE);
        till.close().await;
    }

    async fn a_receipt_counts_once_by_its_providers_id(database: Database) {
        let till = Till::open(&database).await;
        let told = join_all((0..8).map(|_| till.report("b-1", "MY-NOBODY", myr(700)))).await;
        assert!(told.iter().all(|reason| reason == "UNKNOWN_REFERENCE"));
        assert_eq!((till.suspended().await.len(), till.balance("suspense", "MYR").await), (1, 700));
        till.close().await;
    }

    async fn a_reference_of_other_money_is_suspended_once(database: Database) {
        let till = Till::open(&database).await;
        let (first, second) = (till.sale(1).by("duitnow"), till.sale(1).by("duitnow"));
        till.code(&first).await;
        till.code(&second).await;
        assert_eq!(till.report("b-1", &first.number, myr(PRICE)).await, "");
        // The same bank id for another order, for another amount, and for both: other money each time.
        let others = [(&second, myr(PRICE - 7)), (&second, myr(PRICE)), (&first, money("THB", PRICE))];
        for (sale, amount) in &others {
            let told = join_all((0..4).map(|_| till.report("b-1", &sale.number, amount.clone()))).await;
            assert!(told.iter().all(|reason| reason == "REFERENCE_REUSED"), "{told:?}");
        }
        assert_eq!(till.report("b-1", &first.number.to_lowercase(), myr(PRICE)).await, "");
        assert_eq!((till.state(&first).await, till.state(&second).await), (PaymentState::Held, PaymentState::Awaiting));
        let waiting = till.suspended().await;
        let told = waiting.iter().map(|receipt| (receipt.provider_reference.as_str(), receipt.amount.clone()));
        assert_eq!(told.collect::<Vec<_>>(), others.map(|(_, amount)| ("b-1", Some(amount))));
        assert!(waiting.iter().all(|receipt| receipt.reason == "REFERENCE_REUSED"));
        assert_eq!(till.balance("suspense", "MYR").await, 2 * PRICE - 7);
        assert_eq!((till.balance("holding", "MYR").await, till.balance("suspense", "THB").await), (PRICE, PRICE));
        // Given back, it is not taken again.
        till.resolve(resolution(&waiting[0].receipt_id)).await.unwrap();
        assert_eq!(till.report("b-1", &second.number, myr(PRICE - 7)).await, "REFERENCE_REUSED");
        assert_eq!(till.suspended().await.len(), 2);
        // The order can still be paid.
        assert_eq!(till.report("b-2", &second.number, myr(PRICE)).await, "");
        till.close().await;
    }

    async fn references_that_only_look_alike_are_other_money(database: Database) {
        let till = Till::open(&database).await;
        let (long, sale) = ("A".repeat(120), till.sale(1).by("duitnow"));
        till.code(&sale).await;
        assert_eq!(till.report("b-1", &sale.number, myr(PRICE)).await, "");
        let mut count = 0;
        for (place, references) in [
            ["PAYMENT FOR INVOICE 2026 A", "PAYMENT FOR INVOICE 2026 B"],
            ["สมชาย", "ลูกค้า"],
            ["", "!!!"],
            ["???", "!!!"],
            [&format!("{long} a"), &format!("{long} b")],
            ["MY\u{1}X", "MY\u{2}X"],
        ].into_iter().enumerate() {
            let bank = format!("c-{place}");
            for told in 0..2 {
                let reasons = [till.report(&bank, references[0], myr(500)).await, till.report(&bank, references[1], myr(500)).await];
                assert_eq!(reasons, ["UNKNOWN_REFERENCE", "REFERENCE_REUSED"], "{references:?}, {told}");
            }
            count += 2;
        }
        // A name behind the number of an order that is paid is another text, too.
        assert_eq!(till.report("b-1", &format!("{} ลูกค้า", sale.number), myr(PRICE)).await, "REFERENCE_REUSED");
        assert_eq!(till.balance("suspense", "MYR").await, 500 * count + PRICE);
        till.close().await;
    }

    async fn payments_of_one_code_at_once_pay_it_once(database: Database) {
        let till = Till::open(&database).await;
        let sale = till.sale(1).by("duitnow");
        let code = till.code(&sale).await;
        let references: Vec<String> = (0..10).map(|count| format!("b-{count}")).collect();
        let paid = join_all(references.iter().map(|reference| till.pay(&code, reference))).await;
        assert_eq!(paid.iter().filter(|paid| paid.matched).count(), 1);
        assert_eq!(paid.iter().filter(|paid| paid.suspense_reason == "DOUBLE").count(), 9);
        assert_eq!(till.balance("holding", "MYR").await, PRICE);
        assert_eq!(till.balance("suspense", "MYR").await, 9 * PRICE);
        assert_eq!(till.told("payment.received.v1").await, 1);
        till.close().await;
    }

    async fn money_for_an_order_paid_by_wallet_waits_too(database: Database) {
        let till = Till::open(&database).await;
        till.funded(myr(PRICE)).await;
        let sale = till.sale(1);
        till.authorise(&sale).await.unwrap();
        assert_eq!(till.report("b-1", &sale.number, myr(PRICE)).await, "DOUBLE");
        assert_eq!((till.in_the_wallet().await, till.balance("suspense", "MYR").await), ((0, PRICE), PRICE));
        till.close().await;
    }

    async fn a_suspended_receipt_is_given_back_once(database: Database) {
        let till = Till::open(&database).await;
        till.misfits().await;
        for receipt in till.suspended().await {
            let request = resolution(&receipt.receipt_id);
            let first = till.resolve(request.clone()).await.unwrap();
            assert!(first.transfer_id.starts_with("transfer_"));
            // The same request again is answered again; a new one is refused.
            assert_eq!(till.resolve(request).await.unwrap(), first);
            assert_eq!(why(till.resolve(resolution(&receipt.receipt_id)).await), "ALREADY_RESOLVED");
            till.books_hold().await;
        }
        assert_eq!(till.suspended().await, []);
        for currency in ["MYR", "THB"] {
            assert_eq!(till.balance("suspense", currency).await, 0);
        }
        assert_eq!(till.balance("provider_clearing", "MYR").await, -PRICE);
        assert_eq!(till.balance("provider_clearing", "THB").await, 0);
        till.close().await;
    }

    async fn two_operators_at_once_give_back_once(database: Database) {
        let till = Till::open(&database).await;
        till.report("b-1", "MY-NOBODY", myr(700)).await;
        let receipt_id = till.suspended().await[0].receipt_id.clone();
        let answers = join_all((0..6).map(|_| till.resolve(resolution(&receipt_id)))).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for refused in answers.into_iter().filter_map(Result::err) {
            assert_eq!(reason(&refused).as_deref(), Some("ALREADY_RESOLVED"));
        }
        assert_eq!(till.balance("provider_clearing", "MYR").await, 0);
        till.close().await;
    }

    async fn only_a_suspended_receipt_can_be_given_back(database: Database) {
        let till = Till::open(&database).await;
        let missing = kernel::ReceiptId::new().to_string();
        let refused = till.resolve(resolution(&missing)).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_deref()), (Code::NotFound, Some("RECEIPT_NOT_FOUND")));
        let refused = till.resolve(ResolveSuspenseRequest { note: String::new(), ..resolution(&missing) }).await;
        assert_eq!(fields(&refused.unwrap_err()), ["note"]);
        for (provider_reference, amount, field) in
            [("", myr(5), "provider_reference"), ("b-1", myr(0), "amount.minor_units"), ("b-1", myr(-5), "amount.minor_units")]
        {
            let request = ReportReceiptRequest {
                provider_reference: provider_reference.to_owned(),
                order_reference: "MY-1".to_owned(),
                amount: Some(amount),
            };
            assert_eq!(fields(&till.provider().report_receipt(request).await.unwrap_err()), [field]);
        }
        assert_eq!(till.suspended().await, []);
        till.close().await;
    }

    async fn money_under_any_reference_is_kept(database: Database) {
        let till = Till::open(&database).await;
        let long = "9".repeat(500_000);
        for (place, given) in ["", " ", "!!!", "\u{202e}MY-1", "MY-1\u{0}", "\u{fffe}", &long].iter().enumerate() {
            let provider_reference = format!("b-{place}");
            assert_eq!(till.report(&provider_reference, given, myr(5)).await, "UNKNOWN_REFERENCE", "{place}");
            assert_eq!(till.report(&provider_reference, given, myr(5)).await, "UNKNOWN_REFERENCE", "{place}");
        }
        let waiting = till.suspended().await;
        assert_eq!(waiting.len(), 7);
        assert!(waiting.iter().all(|receipt| receipt.order_reference.len() < 1_000));
        assert!(waiting.iter().all(|receipt| !receipt.order_reference.contains(['\u{202e}', '\u{0}', '\u{fffe}'])));
        till.close().await;
    }

    async fn pages_of_suspense_neither_skip_nor_repeat(database: Database) {
        let till = Till::open(&database).await;
        for count in 1..=5 {
            till.report(&format!("b-{count}"), "MY-NOBODY", myr(count)).await;
        }
        let (mut request, mut seen) = (ListSuspenseRequest { page_size: 2, ..Default::default() }, Vec::new());
        loop {
            let page = till.ledger().list_suspense(request.clone()).await.unwrap().into_inner();
            seen.extend(page.receipts.into_iter().map(|receipt| receipt.amount.unwrap().minor_units));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(seen, [1, 2, 3, 4, 5]);
        till.close().await;
    }
}
