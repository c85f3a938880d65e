//! Money that came in by QR: it pays the order that waits for exactly it, or goes to suspense.

use db::{Command, Tx};
use events::Outbox;
use kernel::ReceiptId;
use money::Money;

use super::{App, Error};
use crate::domain::hold::{Hold, State};
use crate::domain::ledger::{Account, Transfer};
use crate::domain::qr;
use crate::facts;
use crate::store::receipts::{self, Receipt};
use crate::store::{holds, transfers};

/// Takes a receipt in, once by its provider's id; why it is in suspense, empty when it paid an order.
#[derive(Debug)]
pub(crate) struct ReportReceipt {
    pub(crate) provider_reference: String,
    pub(crate) order_reference: String,
    pub(crate) amount: Money,
}

/// The way by which money came that names no code of ours.
const UNKNOWN_METHOD: &str = "unknown";
/// Why money is in suspense that came under an id of other money.
const REFERENCE_REUSED: &str = "REFERENCE_REUSED";

impl Command for ReportReceipt {
    type App = App;
    type Output = String;
    type Error = Error;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<String, Error> {
        let receipt = Receipt {
            id: ReceiptId::new(),
            provider_reference: self.provider_reference.clone(),
            reported_reference: None,
            order_reference: self.order_reference.clone(),
            amount: self.amount,
            method: UNKNOWN_METHOD.to_owned(),
            suspense_reason: String::new(),
            received_at: app.clock.now(),
        };
        if !receipts::put(tx, &receipt).await? {
            let before = receipts::by_provider_reference(tx, &receipt.provider_reference).await?;
            let before = before.ok_or(Error::Database(db::Error::RowNotFound))?;
            return if is_same_money(&before, &receipt) {
                Ok(before.suspense_reason)
            } else {
                take_reused(tx, &before, receipt).await
            };
        }
        let hold = holds::by_reference(tx, &qr::reference(&receipt.order_reference)).await?;
        let reason = match &hold {
            Some(hold) => pay(tx, hold, &receipt, app.outbox).await?,
            None => "UNKNOWN_REFERENCE",
        };
        settle(tx, &receipt, hold, reason).await?;
        Ok(reason.to_owned())
    }
}

/// Whether a receipt tells once more of what another told.
fn is_same_money(one: &Receipt, other: &Receipt) -> bool {
    one.amount == other.amount && qr::spelling(&one.order_reference) == qr::spelling(&other.order_reference)
}

/// Money that came under an id which the provider had used for other money. It pays nothing, as nobody can say which of
/// the two is meant, and is recorded once: the same told again changes nothing.
async fn take_reused(tx: &mut Tx, before: &Receipt, told: Receipt) -> Result<String, Error> {
    let content = format!("{} {}", qr::spelling(&told.order_reference), told.amount);
    let receipt = Receipt {
        provider_reference: ReceiptId::derive(before.id.uuid(), &content).to_string(),
        reported_reference: Some(told.provider_reference.clone()),
        ..told
    };
    if receipts::put(tx, &receipt).await? {
        tracing::warn!(
            receipt.id = %receipt.id,
            receipt.before = %before.id,
            "a provider used the id of a receipt for other money: it is in suspense"
        );
        let hold = holds::by_reference(tx, &qr::reference(&receipt.order_reference)).await?;
        settle(tx, &receipt, hold, REFERENCE_REUSED).await?;
    }
    Ok(REFERENCE_REUSED.to_owned())
}

/// Notes what became of a receipt; what pays nothing goes to suspense.
async fn settle(tx: &mut Tx, receipt: &Receipt, hold: Option<Hold>, reason: &str) -> Result<(), Error> {
    let method =
        hold.filter(|hold| !hold.is_wallet()).map_or_else(|| UNKNOWN_METHOD.to_owned(), |hold| hold.method);
    if !reason.is_empty() {
        let (debit, credit) = (Account::provider(&method), Account::suspense(receipt.id));
        let suspended = Transfer::posted("suspense", debit, credit, receipt.amount, receipt.received_at);
        transfers::put(tx, &[suspended]).await?;
    }
    Ok(receipts::judge(tx, receipt.id, &method, reason).await?)
}

/// Why it does not pay the hold; empty when it does.
async fn pay(tx: &mut Tx, hold: &Hold, receipt: &Receipt, outbox: Outbox) -> Result<&'static str, Error> {
    match hold.state {
        State::Voided => return Ok("LATE"),
        State::Held | State::Captured => return Ok("DOUBLE"),
        State::Awaiting if hold.amount != receipt.amount => return Ok("AMOUNT"),
        State::Awaiting => {}
    }
    let now = receipt.received_at;
    let Some(version) = holds::advance(tx, hold.id, State::Awaiting, State::Held, Some(now)).await? else {
        // Cancelled or paid in this very moment.
        let after = holds::find(tx, hold.id).await?.map_or(State::Voided, |hold| hold.state);
        return Ok(if after == State::Voided { "LATE" } else { "DOUBLE" });
    };
    let (debit, credit) = (Account::provider(&hold.method), Account::holding(hold.id));
    let paid = Transfer::posted("payment", debit, credit, hold.amount, now).of_order(hold.order_id);
    transfers::put(tx, &[paid]).await?;
    outbox.put(tx, &facts::payment_received(hold, version, now)).await?;
    Ok("")
}
