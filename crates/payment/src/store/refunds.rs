//! Money given back.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::RefundId;
use uuid::Uuid;

use crate::domain::refund::{Refund, RefundState};

/// Writes a refund unless one of its cause is there; whether it was written.
pub(crate) async fn put(tx: &mut Tx, refund: &Refund) -> Result<bool, db::Error> {
    let (state, reason) = match &refund.state {
        RefundState::Completed => ("completed", ""),
        RefundState::Failed(reason) => ("failed", reason.as_str()),
    };
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
        reason,
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
    state: String,
    reason: String,
    created_at: DateTime<Utc>,
}

/// The refund of this id.
pub(crate) async fn find(tx: &mut Tx, id: RefundId) -> Result<Option<Refund>, db::Error> {
    let row = db::fetch_optional!(
        tx,
        Row,
        "select hold_id, return_id, consignment_id, currency, amount_minor, state, reason, created_at from refunds \
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
            state: match row.state.as_str() {
                "completed" => RefundState::Completed,
                "failed" => RefundState::Failed(row.reason),
                other => return Err(super::unknown("state of a refund", other)),
            },
            at: row.created_at,
        })
    };
    row.map(read).transpose()
}
