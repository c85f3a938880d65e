//! Giving money back: a whole order that was cancelled, or goods that came back.

use ::events::Outbox;
use chrono::{DateTime, Utc};
use db::{Command, Tx};
use kernel::{ConsignmentId, HoldId, OrderId, RefundId};
use money::Money;

use super::{App, Error};
use crate::domain::AmountTooLarge;
use crate::domain::escrow::{Escrow, EscrowState};
use crate::domain::hold::{Hold, HoldState};
use crate::domain::ledger::{LedgerAccount, Transfer};
use crate::domain::refund::{Refund, RefundState};
use crate::domain::returned::Parts;
use crate::domain::settlement;
use crate::domain::terms::SettlementTerms;
use crate::events;
use crate::store::{escrows, holds, refunds, transfers, wallets};

/// Gives back what came back.
#[derive(Debug)]
pub(crate) struct RefundReturn {
    pub(crate) return_id: String,
    pub(crate) refund_id: RefundId,
    pub(crate) order_id: OrderId,
    pub(crate) consignment_id: ConsignmentId,
    /// What the buyer gets, and for what.
    pub(crate) parts: Parts,
}

/// How a refund ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefundOutcome {
    Done,
    /// It was done, or had failed, before.
    Already,
    /// The order's money is not captured here yet.
    NotYet,
}

/// Gives all that is still in escrow back: the order was cancelled after it was confirmed.
#[derive(Debug)]
pub(crate) struct RefundCancelled {
    pub(crate) hold_id: HoldId,
}

impl Command<App> for RefundReturn {
    type Output = RefundOutcome;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<RefundOutcome, Error> {
        let (id, now) = (self.consignment_id, app.clock.now());
        let Some(escrow) = escrows::lock(tx, id, &app.hub).await? else { return Ok(RefundOutcome::NotYet) };
        escrow.check_order(self.order_id)?;
        check_currency(&escrow.terms, self.parts.goods)?;
        let refund = Refund {
            id: self.refund_id,
            hold_id: escrow.hold_id,
            return_id: self.return_id.clone(),
            consignment_id: Some(id),
            amount: self.parts.refund,
            state: RefundState::Completed,
            at: now,
        };
        if let Some(before) = refunds::find(tx, refund.id).await? {
            return check_same(&before, &refund);
        }
        let (room, before) = (escrow.left()?, escrow.returned()?);
        let fits = refund.amount.currency() == room.currency() && refund.amount.minor() <= room.minor();
        if !fits || escrow.state == EscrowState::Refunded {
            let reason =
                format!("{} is to be refunded, but only {room} is left of what was paid", refund.amount);
            return fail(tx, app.outbox, &escrow, refund.fail(reason)).await;
        }
        let after = before.and(&escrow.terms, &self.parts)?;
        let no_room = Error::Invariant("an escrow has no room for a refund that it had room for");
        let escrow = escrow.refund(&after).ok_or(no_room)?;
        let (hold, version) = count(tx, &refund, &escrow).await?;
        let to_buyer = to_buyer(tx, &hold, refund.amount, now).await?;
        let mut movements = if escrow.state == EscrowState::Released {
            settlement::take_back(&escrow.terms, to_buyer, &before, &after, now)?
        } else if refund.amount.is_positive() {
            let back = Transfer::posted("refund", LedgerAccount::escrow(id), to_buyer, refund.amount, now);
            vec![back.of_consignment(escrow.order_id, id)]
        } else {
            // Goods whose price rounds to nothing.
            Vec::new()
        };
        transfers::put(tx, &mut movements).await?;
        app.outbox.put(tx, &events::refund_completed(&hold, version, &refund)).await?;
        Ok(RefundOutcome::Done)
    }
}

fn check_currency(terms: &SettlementTerms, goods: Money) -> Result<(), Error> {
    let currency = terms.seller_goods.currency();
    if goods.currency() == currency {
        return Ok(());
    }
    let problem = format!("{goods} must be in {currency}, the seller's currency");
    Err(Error::invalid("seller_goods", problem))
}

/// A return is refunded once; told again it is told with the same amount.
fn check_same(before: &Refund, told: &Refund) -> Result<RefundOutcome, Error> {
    if before.is_same(told) {
        return Ok(RefundOutcome::Already);
    }
    let problem = format!("was refunded with {} before, not {}", before.amount, told.amount);
    Err(Error::invalid("return_id", problem))
}

/// Writes a refund, and counts it with its escrow and its hold; the hold and its new version.
async fn count(tx: &mut Tx, refund: &Refund, escrow: &Escrow) -> Result<(Hold, i64), Error> {
    if !refunds::put(tx, refund).await? {
        return Err(Error::Invariant("a refund exists that was not found"));
    }
    escrows::save(tx, escrow).await?;
    let no_room = Error::Invariant("a hold has no room for a refund that its escrow has room for");
    let version = holds::refund(tx, refund.hold_id, refund.amount).await?.ok_or(no_room)?;
    let hold = holds::find(tx, refund.hold_id).await?;
    Ok((hold.ok_or(Error::Invariant("an escrow has no hold"))?, version))
}

async fn fail(tx: &mut Tx, outbox: Outbox, escrow: &Escrow, refund: Refund) -> Result<RefundOutcome, Error> {
    if !refunds::put(tx, &refund).await? {
        return Ok(RefundOutcome::Already);
    }
    tracing::error!(refund.id = %refund.id, state = ?refund.state, "a refund failed");
    let version = holds::next_version(tx, escrow.hold_id).await?;
    outbox.put(tx, &events::refund_failed(escrow, version, &refund)).await?;
    Ok(RefundOutcome::Done)
}

impl Command<App> for RefundCancelled {
    type Output = RefundOutcome;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<RefundOutcome, Error> {
        let (hold_id, now) = (self.hold_id, app.clock.now());
        let Some(hold) = holds::find(tx, hold_id).await? else { return Ok(RefundOutcome::NotYet) };
        if hold.state != HoldState::Captured {
            return Ok(if hold.state == HoldState::Voided {
                RefundOutcome::Already
            } else {
                RefundOutcome::NotYet
            });
        }
        let mut parts = Vec::new();
        let mut sum = Money::zero(hold.amount.currency());
        for escrow in escrows::lock_of_hold(tx, hold_id, &app.hub).await? {
            let Some((escrow, left)) = escrow.refund_rest()? else { continue };
            escrows::save(tx, &escrow).await?;
            if left.is_positive() {
                sum = sum.checked_add(left).map_err(AmountTooLarge)?;
                parts.push((escrow, left));
            }
        }
        if sum.is_zero() {
            return Ok(RefundOutcome::Already);
        }
        let refund = Refund {
            id: RefundId::derive(hold_id.uuid(), "cancelled"),
            hold_id,
            return_id: String::new(),
            consignment_id: None,
            amount: sum,
            state: RefundState::Completed,
            at: now,
        };
        if !refunds::put(tx, &refund).await? {
            return Ok(RefundOutcome::Already);
        }
        let Some(version) = holds::refund(tx, hold_id, sum).await? else {
            return Err(Error::Invariant("a hold has no room for what its escrows hold"));
        };
        let to_buyer = to_buyer(tx, &hold, sum, now).await?;
        let movement = |(escrow, left): (Escrow, Money)| {
            Transfer::posted(
                "refund",
                LedgerAccount::escrow(escrow.consignment_id),
                to_buyer.clone(),
                left,
                now,
            )
            .of_consignment(escrow.order_id, escrow.consignment_id)
        };
        let mut movements: Vec<Transfer> = parts.into_iter().map(movement).collect();
        transfers::put(tx, &mut movements).await?;
        app.outbox.put(tx, &events::refund_completed(&hold, version, &refund)).await?;
        Ok(RefundOutcome::Done)
    }
}

/// Back the way it came: into the wallet, or by the provider.
async fn to_buyer(
    tx: &mut Tx,
    hold: &Hold,
    amount: Money,
    now: DateTime<Utc>,
) -> Result<LedgerAccount, Error> {
    if hold.is_wallet() {
        return Ok(LedgerAccount::wallet(wallets::credit_owner(tx, &hold.buyer, amount, now).await?));
    }
    Ok(LedgerAccount::provider(&hold.method))
}
