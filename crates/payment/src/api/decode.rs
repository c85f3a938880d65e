//! Reading requests.

use kernel::text::shortened;
use kernel::{HoldId, OrderId};
use money::Currency;
use proto::convert;
use proto::payment::internal::v1 as internal_wire;
use proto::payment::v1 as wire;
use rpc::{Caller, Violations};
use tonic::Status;
use uuid::Uuid;

use crate::app::authorise::Authorise;
use crate::app::cancel_payment::CancelPayment;
use crate::app::open_wallet::OpenWallet;
use crate::app::pay_qr::PayQr;
use crate::app::report_receipt::ReportReceipt;
use crate::app::resolve_suspense::ResolveSuspense;
use crate::app::top_up::TopUpWallet;
use crate::app::void::Void;

/// Pairs of currencies of one call.
const PAIRS_MAX: usize = 120;
/// The longest reference of a payer's that is kept, in characters.
const ORDER_REFERENCE_CHARACTERS_MAX: usize = 100;
/// How much is kept of one that is longer, in characters.
const ORDER_REFERENCE_BEGINNING: usize = 60;

pub(super) fn open_wallet(asked: wire::OpenWalletRequest, caller: &Caller) -> Result<OpenWallet, Status> {
    let mut violations = Violations::default();
    let currency = violations.take(convert::currency("currency", &asked.currency));
    let owner = caller.subject.clone();
    violations.end(currency.map(|currency| OpenWallet { owner, currency }))
}

pub(super) fn top_up(asked: wire::TopUpWalletRequest, caller: &Caller) -> Result<TopUpWallet, Status> {
    let mut violations = Violations::default();
    let wallet_id = violations.id("wallet_id", &asked.wallet_id);
    let amount = violations.take(convert::positive_money("amount", asked.amount.as_ref()));
    let owner = caller.subject.clone();
    let read = || Some(TopUpWallet { owner, wallet_id: wallet_id?, amount: amount? });
    violations.end(read())
}

pub(super) fn resolve_suspense(
    asked: internal_wire::ResolveSuspenseRequest,
    _: &Caller,
) -> Result<ResolveSuspense, Status> {
    let mut violations = Violations::default();
    let receipt_id = violations.id("receipt_id", &asked.receipt_id);
    let note = violations.text("note", &asked.note, 1, 200);
    violations.end(receipt_id.map(|receipt_id| ResolveSuspense { receipt_id, note }))
}

pub(super) fn authorise(asked: &internal_wire::AuthoriseRequest) -> Result<Authorise, Status> {
    let mut violations = Violations::default();
    let hold_id = violations.id("hold_id", &asked.hold_id);
    let order_id = violations.id("order_id", &asked.order_id);
    let order_number = violations.text("order_number", &asked.order_number, 1, 40);
    let buyer = violations.text("buyer", &asked.buyer, 1, 128);
    let method = violations.text("method", &asked.method, 1, 40);
    let amount = violations.take(convert::positive_money("amount", asked.amount.as_ref()));
    let read = || {
        let (hold_id, order_id, amount) = (hold_id?, order_id?, amount?);
        Some(Authorise { hold_id, order_id, order_number, buyer, method, amount })
    };
    violations.end(read())
}

pub(super) fn void(asked: &internal_wire::VoidRequest) -> Result<Void, Status> {
    let (hold_id, order_id) = hold_of_order(&asked.hold_id, &asked.order_id)?;
    Ok(Void { hold_id, order_id })
}

pub(super) fn cancel_payment(asked: &internal_wire::CancelPaymentRequest) -> Result<CancelPayment, Status> {
    let (hold_id, order_id) = hold_of_order(&asked.hold_id, &asked.order_id)?;
    Ok(CancelPayment { hold_id, order_id })
}

fn hold_of_order(hold_id: &str, order_id: &str) -> Result<(HoldId, OrderId), Status> {
    let mut violations = Violations::default();
    let hold_id = violations.id("hold_id", hold_id);
    let order_id = violations.id("order_id", order_id);
    violations.end(hold_id.zip(order_id))
}

pub(super) fn report_receipt(asked: &internal_wire::ReportReceiptRequest) -> Result<ReportReceipt, Status> {
    let mut violations = Violations::default();
    let provider_reference = violations.text("provider_reference", &asked.provider_reference, 1, 100);
    let order_reference = order_reference(&asked.order_reference);
    let amount = violations.take(convert::positive_money("amount", asked.amount.as_ref()));
    violations.end(amount.map(|amount| ReportReceipt { provider_reference, order_reference, amount }))
}

pub(super) fn pay_qr(asked: &internal_wire::PayQrRequest) -> Result<PayQr, Status> {
    let mut violations = Violations::default();
    let payload = violations.text("qr_payload", &asked.qr_payload, 1, 600);
    let provider_reference = violations.text("provider_reference", &asked.provider_reference, 0, 100);
    violations.check()?;
    Ok(PayQr { payload, provider_reference })
}

/// The pairs of currencies whose rates are wanted.
pub(super) fn pairs(pairs: &[internal_wire::CurrencyPair]) -> Result<Vec<(Currency, Currency)>, Status> {
    let mut violations = Violations::default();
    if pairs.is_empty() || pairs.len() > PAIRS_MAX {
        violations.add("pairs", format!("has {}; 1 to {PAIRS_MAX} are allowed", pairs.len()));
    }
    let mut read = Vec::with_capacity(pairs.len());
    for (index, pair) in pairs.iter().take(PAIRS_MAX).enumerate() {
        let field = |name: &str| format!("pairs[{index}].{name}");
        let from = violations.take(convert::currency(&field("from_currency"), &pair.from_currency));
        let to = violations.take(convert::currency(&field("to_currency"), &pair.to_currency));
        read.extend(from.zip(to));
    }
    violations.end(Some(read))
}

/// The currencies that a rate is between.
pub(super) fn exchange(from: &str, to: &str) -> Result<(Currency, Currency), Status> {
    let mut violations = Violations::default();
    let from = violations.take(convert::currency("from_currency", from));
    let to = violations.take(convert::currency("to_currency", to));
    violations.end(from.zip(to))
}

/// What the payer gave, which may be anything: the money has come, and is kept with it. What cannot be kept as it is ends
/// with a digest of it, so that two that begin alike stay two.
fn order_reference(given: &str) -> String {
    match convert::text("order_reference", given, 0, ORDER_REFERENCE_CHARACTERS_MAX) {
        Ok(reference) => reference.to_owned(),
        Err(_) => {
            let digest = Uuid::new_v5(&Uuid::NAMESPACE_OID, given.as_bytes()).simple();
            format!("{} {digest}", shortened(given, ORDER_REFERENCE_BEGINNING))
        }
    }
}
