//! Holding money for an order: from the wallet at once, or by a QR code that waits to be paid.

use chrono::Duration;
use db::{Command, Tx};
use kernel::{HoldId, OrderId};
use money::Money;

use super::{App, Error};
use crate::domain::hold::{Hold, HoldState};
use crate::domain::ledger::{LedgerAccount, Transfer};
use crate::domain::qr;
use crate::store::{holds, transfers, wallets};

/// Holds the money, or answers how the hold of this id stands.
#[derive(Debug)]
pub(crate) struct Authorise {
    pub(crate) hold_id: HoldId,
    pub(crate) order_id: OrderId,
    pub(crate) order_number: String,
    pub(crate) buyer: String,
    pub(crate) method: String,
    pub(crate) amount: Money,
}

impl Command<App> for Authorise {
    type Output = Hold;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Hold, Error> {
        let hold = self.hold(app)?;
        if !holds::put(tx, &hold).await? {
            return stands(tx, &hold).await;
        }
        if !hold.is_wallet() {
            return Ok(hold);
        }
        let Some(wallet) = wallets::hold(tx, &hold.buyer, hold.amount).await? else {
            return Err(too_little(tx, &hold).await?);
        };
        let (debit, credit) = (LedgerAccount::wallet(wallet), LedgerAccount::holding(hold.id));
        let pending = Transfer::pending("payment", debit, credit, hold.amount, hold.created_at);
        transfers::put(tx, &[pending.of_order(hold.order_id)]).await?;
        Ok(hold)
    }
}

impl Authorise {
    /// The hold as it is before anybody knows of it.
    fn hold(&self, app: &App) -> Result<Hold, Error> {
        let Some(method) = app.hub.payment_method(&self.method) else {
            let offered = app.hub.payment_methods().iter().map(|method| method.code().as_str());
            let offered = offered.collect::<Vec<_>>().join(", ");
            let message = format!("`{}` is not offered here: pay by {offered}", self.method);
            return Err(Error::refused("METHOD_NOT_OFFERED", message));
        };
        let now = app.clock.now();
        let reference = qr::reference(&self.order_number);
        let code = match method.qr() {
            None => None,
            Some(_) if self.amount.currency() != app.hub.currency() => {
                let message = format!("{} is paid in {} only", method.code(), app.hub.currency());
                return Err(Error::refused("METHOD_NOT_OFFERED", message));
            }
            Some(qr) => {
                let text = qr.text(&reference, Some(&self.amount.amount()));
                let text = text.map_err(|error| Error::invalid("order_number", error.to_string()))?;
                Some((text, now + Duration::minutes(qr.expires_minutes().into())))
            }
        };
        let is_wallet = code.is_none();
        let (qr_payload, expires_at) = code.unzip();
        Ok(Hold {
            id: self.hold_id,
            order_id: self.order_id,
            buyer: self.buyer.clone(),
            method: self.method.clone(),
            state: if is_wallet { HoldState::Held } else { HoldState::Awaiting },
            amount: self.amount,
            refunded: Money::zero(self.amount.currency()),
            reference: Some(reference),
            qr_payload: qr_payload.unwrap_or_default(),
            expires_at,
            paid_at: is_wallet.then_some(now),
            version: 1,
            created_at: now,
        })
    }
}

/// The hold that is there already, as it stands now.
async fn stands(tx: &mut Tx, asked: &Hold) -> Result<Hold, Error> {
    match holds::find(tx, asked.id).await? {
        Some(found) if found.state == HoldState::Voided => {
            Err(Error::refused("HOLD_VOIDED", "this hold was voided: it can no longer hold money"))
        }
        Some(found) if !is_same(&found, asked) => {
            let message = "this hold is for another order, buyer, method or amount";
            Err(Error::refused("HOLD_EXISTS", message))
        }
        Some(found) => Ok(found),
        None => Err(Error::refused("HOLD_EXISTS", "the order has another hold")),
    }
}

/// Whether the existing hold is the requested one.
fn is_same(found: &Hold, asked: &Hold) -> bool {
    found.order_id == asked.order_id
        && found.amount == asked.amount
        && found.buyer == asked.buyer
        && found.method == asked.method
        && found.reference == asked.reference
}

async fn too_little(tx: &mut Tx, hold: &Hold) -> Result<Error, Error> {
    let currency = hold.amount.currency();
    let wallets = wallets::of_owner(tx, &hold.buyer).await?;
    let Some(wallet) = wallets.iter().find(|wallet| wallet.posted.currency() == currency) else {
        return Ok(Error::refused("WALLET_NOT_FOUND", format!("the buyer has no wallet in {currency}")));
    };
    let message = format!("{} is needed, but only {} is available", hold.amount, wallet.available()?);
    Ok(Error::refused("INSUFFICIENT_FUNDS", message))
}
