//! Holding money for an order: from the wallet at once, or by a QR code that waits to be paid.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Duration, Utc};
use db::{Batched, Command, Entry, Outcome, Tx};
use kernel::{HoldId, OrderId};
use money::{Currency, Money};
use uuid::Uuid;

use super::{App, Error};
use crate::domain::AmountTooLarge;
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
        let hold = self.hold(app, app.clock.now())?;
        if holds::put(tx, &[&hold]).await?.is_empty() {
            return stands(&hold, holds::find(tx, hold.id).await?);
        }
        match from_wallets(tx, &[&hold]).await?.remove(&hold.id) {
            Some(refusal) => Err(refusal),
            None => Ok(hold),
        }
    }
}

impl Batched<App> for Authorise {
    fn key(&self) -> Uuid {
        self.hold_id.uuid()
    }

    fn tenant(&self) -> &str {
        &self.buyer
    }

    /// A hold is written before its wallet is looked at, as all that moves money locks holds first: those that their
    /// wallets cannot pay are taken out again.
    async fn run_all(
        batch: &[Entry<'_, Self>],
        app: &App,
        tx: &mut Tx,
    ) -> Result<Vec<Outcome<App, Self>>, Error> {
        let now = app.clock.now();
        let asked: Vec<Result<Hold, Error>> = batch.iter().map(|command| command.hold(app, now)).collect();
        let offered: Vec<&Hold> = asked.iter().filter_map(|hold| hold.as_ref().ok()).collect();
        let new = holds::put(tx, &offered).await?;
        let held: Vec<&Hold> = offered.into_iter().filter(|hold| new.contains(&hold.id)).collect();
        let mut refused = from_wallets(tx, &held).await?;
        let any_refused = !refused.is_empty();
        if any_refused {
            holds::take_out(tx, refused.keys().copied().collect()).await?;
        }
        let mut outcomes = Vec::with_capacity(batch.len());
        for hold in asked {
            outcomes.push(match hold {
                Ok(hold) if new.contains(&hold.id) => refused.remove(&hold.id).map_or(Ok(hold), Err),
                Ok(hold) => {
                    let found = holds::find(tx, hold.id).await?;
                    if found.is_none() && any_refused {
                        // One that was taken out may have had its order: alone they are decided in turn.
                        return Err(Error::Superseded);
                    }
                    stands(&hold, found)
                }
                Err(refusal) => Err(refusal),
            });
        }
        Ok(outcomes)
    }
}

impl Authorise {
    /// The hold as it is before anybody knows of it.
    fn hold(&self, app: &App, now: DateTime<Utc>) -> Result<Hold, Error> {
        let Some(method) = app.hub.payment_method(&self.method) else {
            let offered = app.hub.payment_methods().iter().map(|method| method.code().as_str());
            let offered = offered.collect::<Vec<_>>().join(", ");
            let message = format!("`{}` is not offered here: pay by {offered}", self.method);
            return Err(Error::refused("METHOD_NOT_OFFERED", message));
        };
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

/// The hold that is there already, as it stands now; none: its order has another.
fn stands(asked: &Hold, found: Option<Hold>) -> Result<Hold, Error> {
    match found {
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

/// Holds the money of new holds in their wallets; why it is refused to some.
async fn from_wallets(tx: &mut Tx, new: &[&Hold]) -> Result<HashMap<HoldId, Error>, Error> {
    let paid: Vec<&Hold> = new.iter().copied().filter(|hold| hold.is_wallet()).collect();
    let Some(first) = paid.first() else { return Ok(HashMap::new()) };
    let mut wallets = wallets::hold(tx, &paid).await?;
    let short: Vec<&Hold> = paid.iter().copied().filter(|hold| !wallets.contains_key(&hold.id)).collect();
    let mut refused = HashMap::new();
    if !short.is_empty() {
        let affordable;
        (affordable, refused) = in_turn(tx, &short).await?;
        if !affordable.is_empty() {
            wallets.extend(wallets::hold(tx, &affordable).await?);
        }
    }
    let mut pending = Vec::with_capacity(wallets.len());
    for hold in paid.iter().filter(|hold| !refused.contains_key(&hold.id)) {
        let wallet = wallets.get(&hold.id).ok_or(Error::Invariant("a locked wallet has changed"))?;
        let (debit, credit) = (LedgerAccount::wallet(*wallet), LedgerAccount::holding(hold.id));
        let transfer = Transfer::pending("payment", debit, credit, hold.amount, first.created_at);
        pending.push(transfer.of_order(hold.order_id));
    }
    transfers::put(tx, &mut pending).await?;
    Ok(refused)
}

/// Decides one after the other about holds whose wallets have too little for all of them: those that can be paid, and
/// why others cannot.
async fn in_turn<'a>(
    tx: &mut Tx,
    holds: &[&'a Hold],
) -> Result<(Vec<&'a Hold>, HashMap<HoldId, Error>), Error> {
    let wallets = wallets::lock(tx, holds).await?;
    let mut available: BTreeMap<(&str, Currency), Money> = BTreeMap::new();
    for wallet in &wallets {
        available.insert((&wallet.owner, wallet.posted.currency()), wallet.available()?);
    }
    let (mut affordable, mut refused) = (Vec::new(), HashMap::new());
    for hold in holds {
        let currency = hold.amount.currency();
        match available.get_mut(&(hold.buyer.as_str(), currency)) {
            Some(left) if left.minor() >= hold.amount.minor() => {
                *left = left.checked_sub(hold.amount).map_err(AmountTooLarge)?;
                affordable.push(*hold);
            }
            Some(left) => {
                let message = format!("{} is needed, but only {left} is available", hold.amount);
                refused.insert(hold.id, Error::refused("INSUFFICIENT_FUNDS", message));
            }
            None => {
                let message = format!("the buyer has no wallet in {currency}");
                refused.insert(hold.id, Error::refused("WALLET_NOT_FOUND", message));
            }
        }
    }
    Ok((affordable, refused))
}
