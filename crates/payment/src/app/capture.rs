//! A confirmed order: its held money goes into escrow, consignment by consignment.

use db::{Command, Tx};
use kernel::{HoldId, OrderId};
use money::Money;

use super::{App, Error};
use crate::domain::AmountTooLarge;
use crate::domain::escrow::Escrow;
use crate::domain::hold::{Hold, HoldState};
use crate::domain::ledger::{LedgerAccount, Transfer, TransferState};
use crate::events;
use crate::store::escrows::{self, Valuation};
use crate::store::{holds, transfers, wallets};

/// Captures a hold for consignments whose amounts add up to it.
#[derive(Debug)]
pub(crate) struct Capture {
    pub(crate) hold_id: HoldId,
    pub(crate) order_id: OrderId,
    pub(crate) consignments: Vec<Captured>,
}

/// A consignment whose money goes into escrow.
#[derive(Debug)]
pub(crate) struct Captured {
    pub(crate) escrow: Escrow,
    pub(crate) valuation: Valuation,
    /// As order told it, for the release before this one.
    pub(crate) told: Vec<u8>,
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
        let (hold_id, order_id) = (self.hold_id, self.order_id);
        let Some(version) = holds::advance(tx, hold_id, HoldState::Held, HoldState::Captured, None).await?
        else {
            return self.stands(tx, app).await;
        };
        let hold = holds::find(tx, hold_id)
            .await?
            .ok_or(Error::Invariant("a hold that was captured is not found"))?;
        hold.check_order(order_id)?;
        self.check_sum(&hold)?;
        if hold.is_wallet() {
            transfers::settle(tx, order_id, TransferState::Posted).await?;
            if !wallets::take_held(tx, &hold.buyer, hold.amount).await? {
                return Err(Error::Invariant("a wallet contains less than is on hold"));
            }
        }
        let now = app.clock.now();
        let mut movements = Vec::with_capacity(self.consignments.len());
        for Captured { escrow, valuation, told } in &self.consignments {
            if !escrows::put(tx, escrow, valuation, told).await? {
                let problem = format!("{} is in escrow already", escrow.consignment_id);
                return Err(Error::invalid("consignments", problem));
            }
            if escrow.amount.is_positive() {
                let (debit, credit) =
                    (LedgerAccount::holding(hold_id), LedgerAccount::escrow(escrow.consignment_id));
                let movement = Transfer::posted("escrow", debit, credit, escrow.amount, now);
                movements.push(movement.of_consignment(order_id, escrow.consignment_id));
            }
        }
        transfers::put(tx, &movements).await?;
        let escrows = self.consignments.iter().map(|one| &one.escrow);
        app.outbox.put(tx, &events::escrow_held(&hold, version, escrows, now)).await?;
        Ok(CaptureOutcome::Captured)
    }
}

impl Capture {
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
