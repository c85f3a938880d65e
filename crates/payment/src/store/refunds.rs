//! Money given back.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{ConsignmentId, HoldId, RefundId};
use money::Money;

/// A refund on its way in.
#[derive(Debug, Clone)]
pub(crate) struct Refund {
    pub(crate) id: RefundId,
    pub(crate) hold_id: HoldId,
    /// Empty: the order was cancelled.
    pub(crate) return_id: String,
    pub(crate) consignment_id: Option<ConsignmentId>,
    pub(crate) amount: Money,
    /// Why it failed; empty: it was paid.
    pub(crate) failure: String,
    pub(crate) at: DateTime<Utc>,
}

/// Writes a refund unless one of its cause is there; whether it was written.
pub(crate) async fn put(tx: &mut Tx, refund: &Refund) -> Result<bool, db::Error> {
    let state = if refund.failure.is_empty() { "completed" } else { "failed" };
    let written = db::execute!(
        tx,
        "insert into refunds (refund_id, hold_id, return_id, consignment_id, currency, amount_minor, state, reason, \
         created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (refund_id) do nothing",
        refund.id.uuid(),
        refund.hold_id.uuid(),
        refund.return_id.as_str(),
        refund.consignment_id.map(|id| id.uuid()),
        refund.amount.currency().code(),
        refund.amount.minor(),
        state,
        refund.failure.as_str(),
        refund.at,
    )?;
    Ok(written == 1)
}
