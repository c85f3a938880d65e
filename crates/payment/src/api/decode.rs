//! Reading requests.

use kernel::text::shortened;
use kernel::{HoldId, OrderId, QuoteId};
use money::Currency;
use proto::convert;
use proto::payment::internal::v1 as internal_wire;
use proto::payment::v1 as wire;
use rpc::{Caller, Violations};
use uuid::Uuid;

use crate::app::authorise::Authorise;
use crate::app::open_wallet::OpenWallet;
use crate::app::pay_qr::PayQr;
use crate::app::report_receipt::ReportReceipt;
use crate::app::resolve_suspense::ResolveSuspense;
use crate::app::top_up::TopUpWallet;

/// Pairs of currencies of one call.
const PAIRS_MAX: usize = 120;
/// The longest reference of a payer's that is kept, in characters.
const ORDER_REFERENCE_CHARACTERS_MAX: usize = 100;
/// How much is kept of one that is longer, in characters.
const ORDER_REFERENCE_BEGINNING: usize = 60;

pub(super) fn open_wallet(
    message: wire::OpenWalletRequest,
    caller: &Caller,
    violations: &mut Violations,
) -> Option<OpenWallet> {
    let currency = violations.code("currency", &message.currency)?;
    Some(OpenWallet { owner: caller.subject.clone(), currency })
}

pub(super) fn top_up(
    message: wire::TopUpWalletRequest,
    caller: &Caller,
    violations: &mut Violations,
) -> Option<TopUpWallet> {
    let wallet_id = violations.id("wallet_id", &message.wallet_id);
    let amount = violations.positive_amount("amount", message.amount.as_ref());
    Some(TopUpWallet { owner: caller.subject.clone(), wallet_id: wallet_id?, amount: amount? })
}

pub(super) fn resolve_suspense(
    message: internal_wire::ResolveSuspenseRequest,
    _: &Caller,
    violations: &mut Violations,
) -> Option<ResolveSuspense> {
    let receipt_id = violations.id("receipt_id", &message.receipt_id);
    let note = violations.text("note", &message.note, 1, 200);
    Some(ResolveSuspense { receipt_id: receipt_id?, note })
}

pub(super) fn authorise(
    message: &internal_wire::AuthoriseRequest,
    violations: &mut Violations,
) -> Option<Authorise> {
    let hold_id = violations.id("hold_id", &message.hold_id);
    let order_id = violations.id("order_id", &message.order_id);
    let order_number = violations.text("order_number", &message.order_number, 1, 40);
    let buyer = violations.text("buyer", &message.buyer, 1, 128);
    let method = violations.text("method", &message.method, 1, 40);
    let amount = violations.positive_amount("amount", message.amount.as_ref());
    let (hold_id, order_id, amount) = (hold_id?, order_id?, amount?);
    Some(Authorise { hold_id, order_id, order_number, buyer, method, amount })
}

/// A hold and the order that it is of.
pub(super) fn hold_of_order(
    hold_id: &str,
    order_id: &str,
    violations: &mut Violations,
) -> Option<(HoldId, OrderId)> {
    let hold_id = violations.id("hold_id", hold_id);
    hold_id.zip(violations.id("order_id", order_id))
}

pub(super) fn report_receipt(
    message: &internal_wire::ReportReceiptRequest,
    violations: &mut Violations,
) -> Option<ReportReceipt> {
    let provider_reference = violations.text("provider_reference", &message.provider_reference, 1, 100);
    let order_reference = order_reference(&message.order_reference);
    let amount = violations.positive_amount("amount", message.amount.as_ref())?;
    Some(ReportReceipt { provider_reference, order_reference, amount })
}

pub(super) fn pay_qr(message: &internal_wire::PayQrRequest, violations: &mut Violations) -> PayQr {
    let payload = violations.text("qr_payload", &message.qr_payload, 1, 600);
    let provider_reference = violations.text("provider_reference", &message.provider_reference, 0, 100);
    PayQr { payload, provider_reference }
}

/// The quote for which rates are locked, and the pairs of currencies.
pub(super) fn lock_rates(
    message: &internal_wire::LockRatesRequest,
    violations: &mut Violations,
) -> Option<(QuoteId, Vec<(Currency, Currency)>)> {
    let quote_id = violations.id("quote_id", &message.quote_id);
    violations.count("pairs", message.pairs.len(), 1..=PAIRS_MAX);
    let mut read = Vec::with_capacity(message.pairs.len().min(PAIRS_MAX));
    for (index, pair) in message.pairs.iter().take(PAIRS_MAX).enumerate() {
        let prefix = format!("pairs[{index}].");
        read.extend(exchange(&prefix, &pair.from_currency, &pair.to_currency, violations));
    }
    Some((quote_id?, read))
}

/// The currencies that a rate is between; `prefix` begins the names of their fields.
pub(super) fn exchange(
    prefix: &str,
    from: &str,
    to: &str,
    violations: &mut Violations,
) -> Option<(Currency, Currency)> {
    let from = violations.code(&format!("{prefix}from_currency"), from);
    from.zip(violations.code(&format!("{prefix}to_currency"), to))
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
