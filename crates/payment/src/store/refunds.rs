//! Money given back.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{ConsignmentId, HoldId, RefundId};
use money::Money;
use uuid::Uuid;

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

#[derive(sqlx::FromRow)]
struct Row {
    hold_id: Uuid,
    return_id: String,
    consignment_id: Option<Uuid>,
    currency: String,
    amount_minor: i64,
    reason: String,
    created_at: DateTime<Utc>,
}

/// The refund of this id.
pub(crate) async fn find(tx: &mut Tx, id: RefundId) -> Result<Option<Refund>, db::Error> {
    let row = db::fetch_optional!(
        tx,
        Row,
        "select hold_id, return_id, consignment_id, currency, amount_minor, reason, created_at from refunds \
         where refund_id = $1",
        id.uuid(),
    )?;
    let read = |row: Row| {
        Ok(Refund {
            id,
            hold_id: row.hold_id.into(),
            return_id: row.return_id,
            consignment_id: row.consignment_id.map(Into::into),
            amount: super::money(row.amount_minor, &row.currency)?,
            failure: row.reason,
            at: row.created_at,
        })
    };
    row.map(read).transpose()
}
