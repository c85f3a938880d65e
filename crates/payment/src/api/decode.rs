//! Reading requests.

use kernel::text::shortened;
use kernel::{Kind, ReceiptId};
use money::{Currency, Money};
use proto::convert::{self, Invalid};
use proto::payment::internal::v1 as internal_wire;
use proto::payment::v1 as wire;
use rpc::Caller;
use tonic::Status;
use uuid::Uuid;

use crate::app::authorise::Authorise;
use crate::app::open_wallet::OpenWallet;
use crate::app::pay_qr::PayQr;
use crate::app::report_receipt::ReportReceipt;
use crate::app::resolve_suspense::ResolveSuspense;
use crate::app::top_up::TopUpWallet;

/// The longest reference of a payer's that is kept, in characters.
const ORDER_REFERENCE_CHARACTERS_MAX: usize = 100;
/// How much is kept of one that is longer, in characters.
const ORDER_REFERENCE_BEGINNING: usize = 60;

pub(super) fn open_wallet(asked: wire::OpenWalletRequest, caller: &Caller) -> Result<OpenWallet, Status> {
    Ok(OpenWallet { owner: caller.subject.clone(), currency: currency("currency", &asked.currency)? })
}

pub(super) fn top_up(asked: wire::TopUpWalletRequest, caller: &Caller) -> Result<TopUpWallet, Status> {
    Ok(TopUpWallet {
        owner: caller.subject.clone(),
        wallet_id: id("wallet_id", &asked.wallet_id)?,
        amount: amount(asked.amount.as_ref())?,
    })
}

pub(super) fn resolve_suspense(
    asked: internal_wire::ResolveSuspenseRequest,
    _: &Caller,
) -> Result<ResolveSuspense, Status> {
    let receipt_id: ReceiptId = id("receipt_id", &asked.receipt_id)?;
    Ok(ResolveSuspense { receipt_id, note: text("note", &asked.note, 1, 200)? })
}

pub(super) fn authorise(asked: &internal_wire::AuthoriseRequest) -> Result<Authorise, Status> {
    Ok(Authorise {
        hold_id: id("hold_id", &asked.hold_id)?,
        order_id: id("order_id", &asked.order_id)?,
        order_number: text("order_number", &asked.order_number, 1, 40)?,
        buyer: text("buyer", &asked.buyer, 1, 128)?,
        method: text("method", &asked.method, 1, 40)?,
        amount: amount(asked.amount.as_ref())?,
    })
}

pub(super) fn report_receipt(asked: &internal_wire::ReportReceiptRequest) -> Result<ReportReceipt, Status> {
    Ok(ReportReceipt {
        provider_reference: text("provider_reference", &asked.provider_reference, 1, 100)?,
        order_reference: order_reference(&asked.order_reference),
        amount: amount(asked.amount.as_ref())?,
    })
}

pub(super) fn pay_qr(asked: &internal_wire::PayQrRequest) -> Result<PayQr, Status> {
    Ok(PayQr {
        payload: text("qr_payload", &asked.qr_payload, 1, 600)?,
        provider_reference: text("provider_reference", &asked.provider_reference, 0, 100)?,
    })
}

/// What the payer gave, which may be anything: the money has come, and is kept with it. What cannot be kept as it is ends
/// with a digest of it, so that two that begin alike stay two.
fn order_reference(given: &str) -> String {
    text("order_reference", given, 0, ORDER_REFERENCE_CHARACTERS_MAX).unwrap_or_else(|_| {
        let digest = Uuid::new_v5(&Uuid::NAMESPACE_OID, given.as_bytes()).simple();
        format!("{} {digest}", shortened(given, ORDER_REFERENCE_BEGINNING))
    })
}

fn invalid(error: &Invalid) -> Status {
    rpc::status::invalid(&[(&error.field, &error.problem)])
}

pub(super) fn id<K: Kind>(field: &str, text: &str) -> Result<kernel::Id<K>, Status> {
    text.parse().map_err(|error: kernel::IdError| rpc::status::invalid(&[(field, &error.to_string())]))
}

pub(super) fn currency(field: &str, code: &str) -> Result<Currency, Status> {
    convert::currency(field, code).map_err(|error| invalid(&error))
}

fn amount(message: Option<&proto::types::v1::Money>) -> Result<Money, Status> {
    convert::positive_money("amount", message).map_err(|error| invalid(&error))
}

fn text(field: &str, text: &str, least: usize, most: usize) -> Result<String, Status> {
    convert::text(field, text, least, most).map(str::to_owned).map_err(|error| invalid(&error))
}
