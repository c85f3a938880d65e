//! What became of each order here.

use std::collections::BTreeSet;

use db::Tx;
use kernel::OrderId;
use uuid::Uuid;

kernel::words! {
    /// Whether an order's consignments are booked, or must never be.
    pub(crate) enum BookingState {
        Booked = "booked",
        Cancelled = "cancelled",
    }
}

/// Decides those of these orders that nobody has decided; which they were. In the order of their ids: the key's index is
/// a lock.
pub(crate) async fn decide(
    tx: &mut Tx,
    mut ids: Vec<OrderId>,
    state: BookingState,
) -> Result<BTreeSet<OrderId>, db::Error> {
    ids.sort_unstable();
    let sql = tx.sql(
        "insert into orders (order_id, state) select unnest($1), $2 \
         on conflict (order_id) do nothing returning order_id",
        "insert into orders (order_id, state) select unhex(value, '-'), $2 from json_each($1) where true \
         on conflict (order_id) do nothing returning order_id",
    );
    let decided = db::fetch_all!(tx, (Uuid,), sql, ids.into_iter().collect::<db::Ids>(), state.as_str())?;
    Ok(decided.into_iter().map(|(id,)| id.into()).collect())
}

/// What was decided, locked where the engine locks rows.
pub(crate) async fn lock(tx: &mut Tx, id: OrderId) -> Result<Option<BookingState>, db::Error> {
    let sql = tx.sql(
        "select state from orders where order_id = $1 for update",
        "select state from orders where order_id = $1",
    );
    let found = db::fetch_optional!(tx, (String,), sql, id.uuid())?;
    found.map(|(state,)| BookingState::parse(&state).ok_or_else(|| super::broken(&state))).transpose()
}

/// What was booked is cancelled.
pub(crate) async fn cancel(tx: &mut Tx, id: OrderId) -> Result<(), db::Error> {
    let state = BookingState::Cancelled.as_str();
    db::execute!(tx, "update orders set state = $2 where order_id = $1", id.uuid(), state)?;
    Ok(())
}
