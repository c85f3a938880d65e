//! A consignment was received: its escrow is paid to the seller, the carrier and customs.

use chrono::{DateTime, Utc};
use db::Tx;
use events::Outbox;
use kernel::{ConsignmentId, OrderId};

use super::Error;
use crate::domain::settlement::{self, Terms};
use crate::facts;
use crate::store::{escrows, holds, transfers};

/// How a release ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Released,
    /// It was released or refunded before.
    Already,
    /// Its order is not captured here yet.
    NotYet,
}

/// Releases within the event's transaction.
pub(crate) async fn release(
    tx: &mut Tx,
    outbox: Outbox,
    order_id: OrderId,
    consignment_id: ConsignmentId,
    terms: impl FnOnce(&escrows::Escrow) -> Result<Terms, Error>,
    now: DateTime<Utc>,
) -> Result<Outcome, Error> {
    let Some(escrow) = escrows::lock(tx, consignment_id).await? else { return Ok(Outcome::NotYet) };
    escrow.check_order(order_id)?;
    if !escrows::end(tx, consignment_id, "released").await? {
        return Ok(Outcome::Already);
    }
    let terms = terms(&escrow)?;
    let release = settlement::release(&terms, escrow.left()?, &escrow.returned(&terms)?, now)?;
    transfers::put(tx, &release.transfers).await?;
    let version = holds::next_version(tx, escrow.hold_id).await?;
    outbox.put(tx, &facts::escrow_released(&escrow, version, &release, now)).await?;
    Ok(Outcome::Released)
}
