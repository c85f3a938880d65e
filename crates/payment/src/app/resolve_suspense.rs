//! Giving a suspended receipt back to its payer.

use db::{Command, Tx};
use kernel::{ReceiptId, TransferId};

use super::{App, Error};
use crate::domain::ledger::{LedgerAccount, Transfer};
use crate::store::{receipts, transfers};

/// Gives it back, once.
#[derive(Debug)]
pub(crate) struct ResolveSuspense {
    pub(crate) receipt_id: ReceiptId,
    /// The operator's, 1 to 200 characters.
    pub(crate) note: String,
}

impl Command<App> for ResolveSuspense {
    type Output = TransferId;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<TransferId, Error> {
        let id = self.receipt_id;
        let receipt = receipts::find(tx, id).await?.filter(|receipt| receipt.suspense.is_some());
        let receipt = receipt.ok_or_else(|| Error::not_found("receipt", id))?;
        if !receipts::resolve(tx, id, &self.note).await? {
            return Err(Error::refused("ALREADY_RESOLVED", "this receipt was already paid back"));
        }
        let (debit, credit) = (LedgerAccount::suspense(id), LedgerAccount::provider(&receipt.method));
        let mut back = Transfer::posted("suspense_returned", debit, credit, receipt.amount, app.clock.now());
        transfers::put(tx, std::slice::from_mut(&mut back)).await?;
        Ok(back.id)
    }
}
