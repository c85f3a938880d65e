//! Giving the money of a hold back.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{HoldId, OrderId};
use money::Currency;

use super::{App, Error};
use crate::domain::hold::{Hold, State};
use crate::domain::ledger::{Account, Transfer};
use crate::store::{holds, transfers, wallets};

impl App {
    /// Ends a hold and gives its money back; the state that it now has. An id never seen leaves a tombstone.
    pub(crate) async fn void(&self, id: HoldId, order_id: OrderId) -> Result<State, Error> {
        let (now, currency) = (self.clock.now(), self.hub.currency());
        self.db.write(move |tx| Box::pin(async move { void(tx, id, order_id, currency, now).await })).await
    }
}

async fn void(
    tx: &mut Tx,
    id: HoldId,
    order_id: OrderId,
    currency: Currency,
    now: DateTime<Utc>,
) -> Result<State, Error> {
    if holds::put_tombstone(tx, id, order_id, currency, now).await? {
        return Ok(State::Voided);
    }
    let Some(hold) = holds::find(tx, id).await? else {
        // Another hold has the order: this one never was and, its order being taken, never will be.
        return Ok(State::Voided);
    };
    hold.check_order(order_id)?;
    if matches!(hold.state, State::Voided | State::Captured) {
        return Ok(hold.state);
    }
    if holds::advance(tx, id, hold.state, State::Voided, None).await?.is_none() {
        // It moved in between: as it stands after that.
        return Err(Error::Database(db::Error::Serialization(sqlx::Error::RowNotFound)));
    }
    give_back(tx, &hold, now).await?;
    Ok(State::Voided)
}

async fn give_back(tx: &mut Tx, hold: &Hold, now: DateTime<Utc>) -> Result<(), Error> {
    if hold.state == State::Awaiting {
        return Ok(());
    }
    if hold.is_wallet() {
        transfers::settle(tx, hold.order_id, "voided").await?;
        if !wallets::unhold(tx, &hold.buyer, hold.amount).await? {
            return Err(Error::Database(db::Error::RowNotFound));
        }
        return Ok(());
    }
    let back = Transfer::posted(
        "refund",
        Account::holding(hold.id),
        Account::provider(&hold.method),
        hold.amount,
        now,
    );
    transfers::put(tx, &[back.of_order(hold.order_id)]).await?;
    Ok(())
}
