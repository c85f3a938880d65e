//! Money that came in by QR: it pays the order that waits for exactly it, or goes to suspense.

use ::events::Outbox;
use db::{Command, Tx};
use kernel::ReceiptId;
use money::Money;

use super::{App, Error};
use crate::domain::hold::{Hold, HoldState};
use crate::domain::ledger::{LedgerAccount, Transfer};
use crate::domain::qr;
use crate::domain::receipt::{Receipt, SuspenseReason, UNKNOWN_METHOD};
use crate::events;
use crate::store::{holds, receipts, transfers};

/// Takes a receipt in, once by its provider's id; why it is in suspense, `None` when it paid an order.
#[derive(Debug)]
pub(crate) struct ReportReceipt {
    pub(crate) provider_reference: String,
    pub(crate) order_reference: String,
    pub(crate) amount: Money,
}

impl Command<App> for ReportReceipt {
    type Output = Option<SuspenseReason>;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Option<SuspenseReason>, Error> {
        let receipt = Receipt {
            id: ReceiptId::new(),
            provider_reference: self.provider_reference.clone(),
            reported_reference: None,
            order_reference: self.order_reference.clone(),
            amount: self.amount,
            method: UNKNOWN_METHOD.to_owned(),
            suspense: None,
            received_at: app.clock.now(),
        };
        if !receipts::put(tx, &receipt).await? {
            let before = receipts::by_provider_reference(tx, &receipt.provider_reference).await?;
            let before = before.ok_or(Error::Invariant("a receipt exists that was not found"))?;
            return match before.is_same_money(&receipt) {
                true => Ok(before.suspense),
                false => take_reused(tx, &before, receipt).await.map(Some),
            };
        }
        let hold = holds::by_reference(tx, &qr::reference(&receipt.order_reference)).await?;
        let suspense = match &hold {
            Some(hold) => pay(tx, hold, &receipt, app.outbox).await?,
            None => Some(SuspenseReason::UnknownReference),
        };
        settle(tx, receipt.judged(hold.as_ref(), suspense)).await?;
        Ok(suspense)
    }
}

/// Money that came under an id which the provider had used for other money. It pays nothing, as nobody can say which of
/// the two is meant, and is recorded once: the same told again changes nothing.
async fn take_reused(tx: &mut Tx, before: &Receipt, told: Receipt) -> Result<SuspenseReason, Error> {
    let receipt = told.reused_reference(before.id);
    if receipts::put(tx, &receipt).await? {
        tracing::warn!(
            receipt.id = %receipt.id,
            receipt.before = %before.id,
            "a provider reused the id of a receipt for another payment, which is in suspense"
        );
        let hold = holds::by_reference(tx, &qr::reference(&receipt.order_reference)).await?;
        settle(tx, receipt.judged(hold.as_ref(), Some(SuspenseReason::ReferenceReused))).await?;
    }
    Ok(SuspenseReason::ReferenceReused)
}

/// Notes what became of a receipt; what pays nothing goes to suspense.
async fn settle(tx: &mut Tx, receipt: Receipt) -> Result<(), Error> {
    if receipt.suspense.is_some() {
        let (debit, credit) = (LedgerAccount::provider(&receipt.method), LedgerAccount::suspense(receipt.id));
        let suspended = Transfer::posted("suspense", debit, credit, receipt.amount, receipt.received_at);
        transfers::put(tx, &mut [suspended]).await?;
    }
    Ok(receipts::judge(tx, &receipt).await?)
}

/// Why it does not pay the hold; `None` when it does.
async fn pay(
    tx: &mut Tx,
    hold: &Hold,
    receipt: &Receipt,
    outbox: Outbox,
) -> Result<Option<SuspenseReason>, Error> {
    if let Some(reason) = SuspenseReason::of(hold.state) {
        return Ok(Some(reason));
    }
    if hold.amount != receipt.amount {
        return Ok(Some(SuspenseReason::Amount));
    }
    let now = receipt.received_at;
    let paid = holds::advance(tx, [hold.id], HoldState::Awaiting, HoldState::Held, Some(now)).await?;
    let Some(hold) = paid.first() else {
        // Cancelled or paid in this very moment.
        let after = holds::find(tx, hold.id).await?.map_or(HoldState::Voided, |hold| hold.state);
        return Ok(Some(SuspenseReason::of(after).unwrap_or(SuspenseReason::Double)));
    };
    let (debit, credit) = (LedgerAccount::provider(&hold.method), LedgerAccount::holding(hold.id));
    let movement = Transfer::posted("payment", debit, credit, hold.amount, now).of_order(hold.order_id);
    transfers::put(tx, &mut [movement]).await?;
    outbox.put(tx, &events::payment_received(hold, now)).await?;
    Ok(None)
}
