//! Giving a suspended receipt back to its payer.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{ReceiptId, TransferId};

use super::Error;
use crate::domain::ledger::{Account, Transfer};
use crate::store::{receipts, transfers};

/// Gives it back, once.
pub(crate) async fn resolve(
    tx: &mut Tx,
    id: ReceiptId,
    note: &str,
    now: DateTime<Utc>,
) -> Result<TransferId, Error> {
    let receipt = receipts::find(tx, id).await?.filter(|receipt| !receipt.suspense_reason.is_empty());
    let receipt = receipt.ok_or_else(|| Error::not_found("receipt", id))?;
    if !receipts::resolve(tx, id, note).await? {
        return Err(Error::refused("ALREADY_RESOLVED", "this receipt was given back before"));
    }
    let (debit, credit) = (Account::suspense(id), Account::provider(&receipt.method));
    let back = Transfer::posted("suspense_returned", debit, credit, receipt.amount, now);
    let transfer_id = back.id;
    transfers::put(tx, &[back]).await?;
    Ok(transfer_id)
}
