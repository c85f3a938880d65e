//! A confirmed order: its held money goes into escrow, consignment by consignment.

use chrono::{DateTime, Utc};
use db::Tx;
use events::Outbox;
use kernel::{HoldId, OrderId};

use super::Error;
use crate::domain::hold::{Hold, State};
use crate::domain::ledger::{Account, Transfer};
use crate::facts;
use crate::store::escrows::{self, Escrow};
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
    consignments: Vec<Escrow>,
    now: DateTime<Utc>,
) -> Result<Outcome, Error> {
    let Some(version) = holds::advance(tx, hold_id, State::Held, State::Captured, None).await? else {
        return Ok(match holds::find(tx, hold_id).await?.map(|hold| hold.state) {
            Some(State::Captured) => Outcome::Already,
            Some(State::Voided) => Outcome::Voided,
            Some(State::Awaiting | State::Held) | None => Outcome::NotYet,
        });
    };
    let hold = holds::find(tx, hold_id).await?.ok_or(Error::Database(db::Error::RowNotFound))?;
    check_order(&hold, order_id)?;
    check_sum(&hold, &consignments)?;
    if hold.is_wallet() {
        transfers::settle(tx, order_id, "posted").await?;
        if !wallets::take_held(tx, &hold.buyer, hold.amount).await? {
            return Err(Error::Database(db::Error::RowNotFound));
        }
    }
    let mut movements = Vec::with_capacity(consignments.len());
    for escrow in &consignments {
        if !escrows::put(tx, escrow).await? {
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
    outbox.put(tx, &facts::escrow_held(&hold, version, &consignments, now)).await?;
    Ok(Outcome::Captured)
}

fn check_order(hold: &Hold, order_id: OrderId) -> Result<(), Error> {
    if hold.order_id == order_id {
        return Ok(());
    }
    Err(Error::Invalid { field: "order_id", problem: format!("the hold is for order {}", hold.order_id) })
}

fn check_sum(hold: &Hold, consignments: &[Escrow]) -> Result<(), Error> {
    let amounts = consignments.iter().map(|escrow| escrow.amount);
    let sum = money::Money::sum(amounts, hold.amount.currency())?;
    if sum == hold.amount {
        return Ok(());
    }
    let problem = format!("the consignments come to {sum} and the hold is {}", hold.amount);
    Err(Error::Invalid { field: "consignments", problem })
}
