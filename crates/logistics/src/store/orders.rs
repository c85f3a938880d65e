//! What became of each order here.

use db::Tx;
use kernel::OrderId;

kernel::words! {
    /// Whether an order's consignments are booked, or must never be.
    pub(crate) enum BookingState {
        Booked = "booked",
        Cancelled = "cancelled",
    }
}

/// Decides an order that nobody has decided; whether it did.
pub(crate) async fn decide(tx: &mut Tx, id: OrderId, fate: BookingState) -> Result<bool, db::Error> {
    let decided = db::execute!(
        tx,
        "insert into orders (order_id, state) values ($1, $2) on conflict (order_id) do nothing",
        id.uuid(),
        fate.as_str(),
    )?;
    Ok(decided == 1)
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
