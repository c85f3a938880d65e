//! A confirmed order: its held money goes into escrow, consignment by consignment.

use std::collections::HashMap;

use ::events::Envelope;
use chrono::{DateTime, Utc};
use db::{Batched, Command, Entry, Outcome, Tx};
use kernel::{HoldId, OrderId};
use money::Money;
use uuid::Uuid;

use super::{App, Error};
use crate::domain::AmountTooLarge;
use crate::domain::escrow::Escrow;
use crate::domain::hold::{Hold, HoldState};
use crate::domain::ledger::{LedgerAccount, Transfer, TransferState};
use crate::events;
use crate::store::escrows::{self, NewEscrow};
use crate::store::{holds, transfers, wallets};

/// Captures a hold for consignments whose amounts add up to it.
#[derive(Debug)]
pub(crate) struct Capture {
    pub(crate) hold_id: HoldId,
    pub(crate) order_id: OrderId,
    pub(crate) consignments: Vec<NewEscrow>,
}

/// How a capture ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CaptureOutcome {
    Captured,
    /// It was before.
    Already,
    /// The hold is not held yet: a QR payment's receipt is still on its way here.
    NotYet,
    /// The hold was voided: there is no money to capture.
    Voided,
}

impl Command<App> for Capture {
    type Output = CaptureOutcome;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<CaptureOutcome, Error> {
        let now = app.clock.now();
        let captured = into_escrow(tx, &[self], now).await?;
        let Some(hold) = captured.get(&self.hold_id) else { return self.stands(tx, app).await };
        app.outbox.put(tx, &self.event(hold, now)).await?;
        Ok(CaptureOutcome::Captured)
    }
}

impl Batched<App> for Capture {
    fn key(&self) -> Uuid {
        self.hold_id.uuid()
    }

    /// What does not fit its hold is a fault of all of them.
    async fn run_all(
        batch: &[Entry<'_, Self>],
        app: &App,
        tx: &mut Tx,
    ) -> Result<Vec<Outcome<App, Self>>, Error> {
        let now = app.clock.now();
        let commands: Vec<&Self> = batch.iter().map(Entry::command).collect();
        let captured = into_escrow(tx, &commands, now).await?;
        let mut outcomes = Vec::with_capacity(batch.len());
        let mut events = Vec::with_capacity(captured.len());
        for entry in batch {
            outcomes.push(Ok(match captured.get(&entry.hold_id) {
                Some(hold) => {
                    events.push(entry.in_span(|| entry.event(hold, now)));
                    CaptureOutcome::Captured
                }
                None => entry.stands(tx, app).await?,
            }));
        }
        app.outbox.put_all(tx, &events).await?;
        Ok(outcomes)
    }
}

/// Moves the money of those whose holds are held; these holds, as they are now.
async fn into_escrow(
    tx: &mut Tx,
    captures: &[&Capture],
    now: DateTime<Utc>,
) -> Result<HashMap<HoldId, Hold>, Error> {
    let ids = captures.iter().map(|capture| capture.hold_id);
    let captured = holds::advance(tx, ids, HoldState::Held, HoldState::Captured, None).await?;
    let captured: HashMap<HoldId, Hold> = captured.into_iter().map(|hold| (hold.id, hold)).collect();
    let mut new = Vec::with_capacity(captures.len());
    for capture in captures {
        if let Some(hold) = captured.get(&capture.hold_id) {
            hold.check_order(capture.order_id)?;
            capture.check_sum(hold)?;
            new.extend(&capture.consignments);
        }
    }
    let from_wallets: Vec<&Hold> = captured.values().filter(|hold| hold.is_wallet()).collect();
    if !from_wallets.is_empty() {
        transfers::settle(tx, from_wallets.iter().map(|hold| hold.order_id), TransferState::Posted).await?;
        if !wallets::take_held(tx, &from_wallets).await? {
            return Err(Error::Invariant("a wallet contains less than is on hold"));
        }
    }
    if !new.is_empty() {
        let mut put = escrows::put(tx, &new).await?;
        if let Some(NewEscrow { escrow, .. }) = new.iter().find(|new| !put.remove(&new.escrow.consignment_id))
        {
            let problem = format!("{} is in escrow already", escrow.consignment_id);
            return Err(Error::invalid("consignments", problem));
        }
    }
    let mut movements: Vec<Transfer> = new.iter().filter_map(|new| movement(&new.escrow, now)).collect();
    transfers::put(tx, &mut movements).await?;
    Ok(captured)
}

/// What is paid into an escrow.
fn movement(escrow: &Escrow, now: DateTime<Utc>) -> Option<Transfer> {
    let (debit, credit) =
        (LedgerAccount::holding(escrow.hold_id), LedgerAccount::escrow(escrow.consignment_id));
    let movement = Transfer::posted("escrow", debit, credit, escrow.amount, now);
    let movement = movement.of_consignment(escrow.order_id, escrow.consignment_id);
    escrow.amount.is_positive().then_some(movement)
}

impl Capture {
    fn event(&self, hold: &Hold, now: DateTime<Utc>) -> Envelope {
        events::escrow_held(hold, self.consignments.iter().map(|one| &one.escrow), now)
    }

    /// What became of a hold that is not held.
    async fn stands(&self, tx: &mut Tx, app: &App) -> Result<CaptureOutcome, Error> {
        let Some(hold) = holds::find(tx, self.hold_id).await? else { return Ok(CaptureOutcome::NotYet) };
        hold.check_order(self.order_id)?;
        Ok(match hold.state {
            HoldState::Captured => {
                self.check_same(tx, app).await?;
                CaptureOutcome::Already
            }
            HoldState::Voided => CaptureOutcome::Voided,
            HoldState::Awaiting | HoldState::Held => CaptureOutcome::NotYet,
        })
    }

    /// A hold that was captured was so for the same consignments.
    async fn check_same(&self, tx: &mut Tx, app: &App) -> Result<(), Error> {
        let mut kept = escrows::lock_of_hold(tx, self.hold_id, &app.hub).await?;
        let mut told: Vec<&Escrow> = self.consignments.iter().map(|one| &one.escrow).collect();
        kept.sort_unstable_by_key(|escrow| escrow.consignment_id);
        told.sort_unstable_by_key(|escrow| escrow.consignment_id);
        let content = |escrow: &Escrow| (escrow.consignment_id, escrow.amount, escrow.seller_id.clone());
        if kept.iter().map(content).eq(told.into_iter().map(content)) {
            return Ok(());
        }
        let problem = "the hold was captured for other consignments".to_owned();
        Err(Error::invalid("consignments", problem))
    }

    fn check_sum(&self, hold: &Hold) -> Result<(), Error> {
        let amounts = self.consignments.iter().map(|one| one.escrow.amount);
        let sum = Money::sum(amounts, hold.amount.currency()).map_err(AmountTooLarge)?;
        if sum == hold.amount {
            return Ok(());
        }
        let problem = format!("the consignments add up to {sum}, but the hold is {}", hold.amount);
        Err(Error::invalid("consignments", problem))
    }
}
