//! Giving money back: a whole order that was cancelled, or goods that came back.

use chrono::{DateTime, Utc};
use db::Tx;
use events::Outbox;
use kernel::{ConsignmentId, HoldId, RefundId};
use money::Money;

use super::Error;
use crate::domain::hold::{Hold, State};
use crate::domain::ledger::{Account, Transfer};
use crate::domain::settlement::{self, Returned, Terms};
use crate::facts;
use crate::store::escrows::{self, Escrow};
use crate::store::refunds::{self, Refund};
use crate::store::{holds, transfers, wallets};

/// Goods that came back.
#[derive(Debug, Clone)]
pub(crate) struct ReturnedGoods {
    pub(crate) return_id: String,
    pub(crate) refund_id: RefundId,
    pub(crate) consignment_id: ConsignmentId,
    /// What the buyer gets, in the buyer's currency.
    pub(crate) refund: Money,
    /// The goods in the seller's currency.
    pub(crate) goods: Money,
}

/// How a refund ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// It was done, or had failed, before.
    Already,
    /// The order's money is not captured here yet.
    NotYet,
}

/// Gives back what came back, within the event's transaction.
pub(crate) async fn returned(
    tx: &mut Tx,
    outbox: Outbox,
    back: ReturnedGoods,
    terms: impl FnOnce(&Escrow) -> Result<Terms, Error>,
    now: DateTime<Utc>,
) -> Result<Outcome, Error> {
    let Some(escrow) = escrows::lock(tx, back.consignment_id).await? else { return Ok(Outcome::NotYet) };
    let terms = terms(&escrow)?;
    let before = returned_before(&escrow, &terms, back.goods)?;
    let mut refund = Refund {
        id: back.refund_id,
        hold_id: escrow.hold_id,
        return_id: back.return_id.clone(),
        consignment_id: Some(back.consignment_id),
        amount: back.refund,
        failure: String::new(),
        at: now,
    };
    let room = escrow.left()?;
    let fits = back.refund.currency() == room.currency() && back.refund.minor() <= room.minor();
    if !fits || escrow.state == "refunded" {
        refund.failure = format!("{} is to be given back and {room} is left of what was paid", back.refund);
        return fail(tx, outbox, &escrow, refund).await;
    }
    if !refunds::put(tx, &refund).await? {
        return Ok(Outcome::Already);
    }
    if !escrows::refund(tx, back.consignment_id, back.refund, back.goods.minor()).await? {
        return Err(Error::Database(db::Error::RowNotFound));
    }
    let Some(version) = holds::refund(tx, escrow.hold_id, back.refund).await? else {
        return Err(Error::Database(db::Error::RowNotFound));
    };
    let hold = holds::find(tx, escrow.hold_id).await?.ok_or(Error::Database(db::Error::RowNotFound))?;
    let to_buyer = to_buyer(tx, &hold, back.refund, now).await?;
    let movements = if escrow.state == "released" {
        settlement::take_back(&terms, to_buyer, before, back.refund, back.goods, now)?
    } else if back.refund.is_positive() {
        let from = Account::escrow(back.consignment_id);
        vec![
            Transfer::posted("refund", from, to_buyer, back.refund, now)
                .of_consignment(escrow.order_id, back.consignment_id),
        ]
    } else {
        // Goods whose price rounds to nothing.
        Vec::new()
    };
    transfers::put(tx, &movements).await?;
    outbox.put(tx, &facts::refund_completed(&hold, version, &refund)).await?;
    Ok(Outcome::Done)
}

/// What had gone back before these goods, which are in the seller's currency as those.
fn returned_before(escrow: &Escrow, terms: &Terms, goods: Money) -> Result<Returned, Error> {
    let currency = terms.seller_goods.currency();
    if goods.currency() != currency {
        let problem = format!("{goods} must be in {currency}, the seller's currency");
        return Err(Error::Invalid { field: "seller_goods", problem });
    }
    Ok(Returned { refunded: escrow.refunded, goods: escrow.returned_goods(currency)? })
}

async fn fail(tx: &mut Tx, outbox: Outbox, escrow: &Escrow, refund: Refund) -> Result<Outcome, Error> {
    if !refunds::put(tx, &refund).await? {
        return Ok(Outcome::Already);
    }
    tracing::error!(refund.id = %refund.id, reason = refund.failure, "a refund failed");
    let version = holds::next_version(tx, escrow.hold_id).await?;
    outbox.put(tx, &facts::refund_failed(escrow, version, &refund)).await?;
    Ok(Outcome::Done)
}

/// Gives all that is still in escrow back: the order was cancelled after it was confirmed.
pub(crate) async fn cancelled(
    tx: &mut Tx,
    outbox: Outbox,
    hold_id: HoldId,
    now: DateTime<Utc>,
) -> Result<Outcome, Error> {
    let Some(hold) = holds::find(tx, hold_id).await? else { return Ok(Outcome::NotYet) };
    if hold.state != State::Captured {
        return Ok(if hold.state == State::Voided { Outcome::Already } else { Outcome::NotYet });
    }
    let mut parts = Vec::new();
    let mut sum = Money::zero(hold.amount.currency());
    for escrow in escrows::lock_of_hold(tx, hold_id).await? {
        let left = escrow.left()?;
        if escrows::end(tx, escrow.consignment_id, "refunded").await? && left.is_positive() {
            escrows::refund(tx, escrow.consignment_id, left, 0).await?;
            sum = sum.checked_add(left)?;
            parts.push((escrow, left));
        }
    }
    if sum.is_zero() {
        return Ok(Outcome::Already);
    }
    let refund = Refund {
        id: RefundId::derive(hold_id.uuid(), "cancelled"),
        hold_id,
        return_id: String::new(),
        consignment_id: None,
        amount: sum,
        failure: String::new(),
        at: now,
    };
    if !refunds::put(tx, &refund).await? {
        return Ok(Outcome::Already);
    }
    let Some(version) = holds::refund(tx, hold_id, sum).await? else {
        return Err(Error::Database(db::Error::RowNotFound));
    };
    let to_buyer = to_buyer(tx, &hold, sum, now).await?;
    let movement = |(escrow, left): (Escrow, Money)| {
        Transfer::posted("refund", Account::escrow(escrow.consignment_id), to_buyer.clone(), left, now)
            .of_consignment(escrow.order_id, escrow.consignment_id)
    };
    let movements: Vec<Transfer> = parts.into_iter().map(movement).collect();
    transfers::put(tx, &movements).await?;
    outbox.put(tx, &facts::refund_completed(&hold, version, &refund)).await?;
    Ok(Outcome::Done)
}

/// Back the way it came: into the wallet, or by the provider.
async fn to_buyer(tx: &mut Tx, hold: &Hold, amount: Money, now: DateTime<Utc>) -> Result<Account, Error> {
    if hold.is_wallet() {
        return Ok(Account::wallet(wallets::credit_owner(tx, &hold.buyer, amount, now).await?));
    }
    Ok(Account::provider(&hold.method))
}
