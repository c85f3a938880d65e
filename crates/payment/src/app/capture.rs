//! A confirmed order: its held money goes into escrow, consignment by consignment.

use chrono::{DateTime, Utc};
use db::Tx;
use events::Outbox;
use kernel::{HoldId, OrderId};

use super::Error;
use crate::domain::hold::{Hold, State};
use crate::domain::ledger::{Account, Transfer};
use crate::facts;
use crate::store::escrows::{self, Escrow, Valuation};
use crate::store::{holds, transfers, wallets};

/// How a capture ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Captured,
    /// It was before.
    Already,
    /// The hold is not held yet: a QR payment's receipt is still on its way here.
    NotYet,
    /// The hold was voided: there is no money to capture.
    Voided,
}

/// Captures within the event's transaction. The consignments' amounts add up to the hold's.
pub(crate) async fn capture(
    tx: &mut Tx,
    outbox: Outbox,
    hold_id: HoldId,
    order_id: OrderId,
    consignments: Vec<(Escrow, Valuation)>,
    now: DateTime<Utc>,
) -> Result<Outcome, Error> {
    let Some(version) = holds::advance(tx, hold_id, State::Held, State::Captured, None).await? else {
        let Some(hold) = holds::find(tx, hold_id).await? else { return Ok(Outcome::NotYet) };
        hold.check_order(order_id)?;
        return Ok(match hold.state {
            State::Captured => {
                check_same(tx, hold_id, &consignments).await?;
                Outcome::Already
            }
            State::Voided => Outcome::Voided,
            State::Awaiting | State::Held => Outcome::NotYet,
        });
    };
    let hold = holds::find(tx, hold_id).await?.ok_or(Error::Database(db::Error::RowNotFound))?;
    hold.check_order(order_id)?;
    check_sum(&hold, &consignments)?;
    if hold.is_wallet() {
        transfers::settle(tx, order_id, "posted").await?;
        if !wallets::take_held(tx, &hold.buyer, hold.amount).await? {
            return Err(Error::Database(db::Error::RowNotFound));
        }
    }
    let mut movements = Vec::with_capacity(consignments.len());
    for (escrow, valuation) in &consignments {
        if !escrows::put(tx, escrow, valuation).await? {
            let problem = format!("{} is in escrow already", escrow.consignment_id);
            return Err(Error::Invalid { field: "consignments", problem });
        }
        if escrow.amount.is_positive() {
            let (debit, credit) = (Account::holding(hold_id), Account::escrow(escrow.consignment_id));
            let movement = Transfer::posted("escrow", debit, credit, escrow.amount, now);
            movements.push(movement.of_consignment(order_id, escrow.consignment_id));
        }
    }
    transfers::put(tx, &movements).await?;
    let escrows = consignments.iter().map(|(escrow, _)| escrow);
    outbox.put(tx, &facts::escrow_held(&hold, version, escrows, now)).await?;
    Ok(Outcome::Captured)
}

/// A hold that was captured was so for the same consignments.
async fn check_same(tx: &mut Tx, hold_id: HoldId, consignments: &[(Escrow, Valuation)]) -> Result<(), Error> {
    let mut kept = escrows::lock_of_hold(tx, hold_id).await?;
    let mut told: Vec<&Escrow> = consignments.iter().map(|(escrow, _)| escrow).collect();
    kept.sort_unstable_by_key(|escrow| escrow.consignment_id);
    told.sort_unstable_by_key(|escrow| escrow.consignment_id);
    let content = |escrow: &Escrow| (escrow.consignment_id, escrow.amount, escrow.seller_id.clone());
    if kept.iter().map(content).eq(told.into_iter().map(content)) {
        return Ok(());
    }
    let problem = "the hold was captured for other consignments".to_owned();
    Err(Error::Invalid { field: "consignments", problem })
}

fn check_sum(hold: &Hold, consignments: &[(Escrow, Valuation)]) -> Result<(), Error> {
    let amounts = consignments.iter().map(|(escrow, _)| escrow.amount);
    let sum = money::Money::sum(amounts, hold.amount.currency())?;
    if sum == hold.amount {
        return Ok(());
    }
    let problem = format!("the consignments come to {sum} and the hold is {}", hold.amount);
    Err(Error::Invalid { field: "consignments", problem })
}
