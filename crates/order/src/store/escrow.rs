//! Timers of delivered consignments: when escrow is released without the buyer's word.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{ConsignmentId, OrderId};
use uuid::Uuid;

/// Sets the timer of a delivered consignment.
pub(crate) async fn set(
    tx: &mut Tx,
    consignment_id: ConsignmentId,
    order_id: OrderId,
    release_at: DateTime<Utc>,
) -> Result<(), db::Error> {
    db::execute!(
        tx,
        "insert into escrow_timers (consignment_id, order_id, release_at) values ($1, $2, $3) \
         on conflict (consignment_id) do nothing",
        consignment_id.uuid(),
        order_id.uuid(),
        release_at,
    )?;
    Ok(())
}

/// Ends a timer.
pub(crate) async fn clear(tx: &mut Tx, consignment_id: ConsignmentId) -> Result<(), db::Error> {
    db::execute!(tx, "delete from escrow_timers where consignment_id = $1", consignment_id.uuid())?;
    Ok(())
}

/// Consignments whose time is over and of which nothing is asked back.
pub(crate) async fn over(
    tx: &mut Tx,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(OrderId, ConsignmentId)>, db::Error> {
    let rows = db::fetch_all!(
        tx,
        (Uuid, Uuid),
        "select order_id, consignment_id from escrow_timers where release_at <= $1 and not exists \
         (select 1 from returns where returns.consignment_id = escrow_timers.consignment_id \
             and returns.state in ('requested', 'approved')) \
         order by release_at, consignment_id limit $2",
        now,
        limit,
    )?;
    Ok(rows
        .into_iter()
        .map(|(order, consignment)| (OrderId::from(order), ConsignmentId::from(consignment)))
        .collect())
}
