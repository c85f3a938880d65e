//! Refunds that were counted.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{OrderId, RefundId};

/// Notes a refund; `false` when it was counted before.
pub(crate) async fn record(
    tx: &mut Tx,
    id: RefundId,
    order_id: OrderId,
    now: DateTime<Utc>,
) -> Result<bool, db::Error> {
    let inserted = db::execute!(
        tx,
        "insert into refunds (id, order_id, recorded_at) values ($1, $2, $3) on conflict (id) do nothing",
        id.uuid(),
        order_id.uuid(),
        now,
    )?;
    Ok(inserted == 1)
}
