//! A consignment was received: its escrow is paid to the seller, the carrier and customs.

use db::{Command, Tx};
use kernel::{ConsignmentId, OrderId};

use super::{App, Error};
use crate::domain::settlement;
use crate::events;
use crate::store::{escrows, holds, transfers};

/// Releases the escrow of a consignment.
#[derive(Debug)]
pub(crate) struct ReleaseEscrow {
    pub(crate) order_id: OrderId,
    pub(crate) consignment_id: ConsignmentId,
}

/// How a release ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReleaseOutcome {
    Released,
    /// It was released or refunded before.
    Already,
    /// Its order is not captured here yet.
    NotYet,
}

impl Command<App> for ReleaseEscrow {
    type Output = ReleaseOutcome;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<ReleaseOutcome, Error> {
        let id = self.consignment_id;
        let Some(escrow) = escrows::lock(tx, id, &app.hub).await? else { return Ok(ReleaseOutcome::NotYet) };
        escrow.check_order(self.order_id)?;
        let (left, returned, now) = (escrow.left()?, escrow.returned()?, app.clock.now());
        let Some(escrow) = escrow.release() else { return Ok(ReleaseOutcome::Already) };
        escrows::save(tx, &escrow).await?;
        let mut release = settlement::release(&escrow.terms, left, &returned, now)?;
        transfers::put(tx, &mut release.transfers).await?;
        let version = holds::next_version(tx, escrow.hold_id).await?;
        app.outbox.put(tx, &events::escrow_released(&escrow, version, &release, now)).await?;
        Ok(ReleaseOutcome::Released)
    }
}
