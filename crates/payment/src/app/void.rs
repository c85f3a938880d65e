//! Giving the money of a hold back.

use chrono::{DateTime, Utc};
use db::{Command, Tx};
use kernel::{HoldId, OrderId};

use super::{App, Error};
use crate::domain::hold::{Hold, HoldState};
use crate::domain::ledger::{LedgerAccount, Transfer, TransferState};
use crate::store::{holds, transfers, wallets};

/// Ends a hold and gives its money back; the state that it now has. An id never seen leaves a tombstone.
#[derive(Debug)]
pub(crate) struct Void {
    pub(crate) hold_id: HoldId,
    pub(crate) order_id: OrderId,
}

impl Command<App> for Void {
    type Output = HoldState;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<HoldState, Error> {
        let (id, now) = (self.hold_id, app.clock.now());
        if holds::put_tombstone(tx, id, self.order_id, app.hub.currency(), now).await? {
            return Ok(HoldState::Voided);
        }
        // As it stands once nobody else moves it.
        let Some(hold) = holds::lock(tx, id).await? else {
            // Another hold has the order: this one never was and, its order being taken, never will be.
            return Ok(HoldState::Voided);
        };
        hold.check_order(self.order_id)?;
        if matches!(hold.state, HoldState::Voided | HoldState::Captured) {
            return Ok(hold.state);
        }
        if holds::advance(tx, [id], hold.state, HoldState::Voided, None).await?.is_empty() {
            return Err(Error::Invariant("a locked hold has changed"));
        }
        give_back(tx, &hold, now).await?;
        Ok(HoldState::Voided)
    }
}

async fn give_back(tx: &mut Tx, hold: &Hold, now: DateTime<Utc>) -> Result<(), Error> {
    if hold.state == HoldState::Awaiting {
        return Ok(());
    }
    if hold.is_wallet() {
        transfers::settle(tx, std::iter::once(hold.order_id), TransferState::Voided).await?;
        if !wallets::release_hold(tx, &hold.buyer, hold.amount).await? {
            return Err(Error::Invariant("a wallet contains less than is on hold"));
        }
        return Ok(());
    }
    let back = Transfer::posted(
        "refund",
        LedgerAccount::holding(hold.id),
        LedgerAccount::provider(&hold.method),
        hold.amount,
        now,
    );
    transfers::put(tx, &mut [back.of_order(hold.order_id)]).await?;
    Ok(())
}
