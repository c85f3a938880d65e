//! What is measured of all stock, in sums: the same rules as the audit's.

use db::Tx;
use uuid::Uuid;

use super::audit;

/// All shelves together.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Stock {
    pub(crate) on_hand: i64,
    pub(crate) reserved: i64,
    /// Units that left for orders, less those that came back.
    pub(crate) dispatched: i64,
    /// Shelves whose movements do not come to what is on them, and those that are oversold.
    pub(crate) astray: i64,
}

/// Sums over all shelves and movements.
pub(crate) async fn stock(tx: &mut Tx) -> Result<Stock, db::Error> {
    db::fetch_one!(
        tx,
        Stock,
        "select cast(coalesce(sum(on_hand), 0) as bigint) as on_hand, \
         cast(coalesce(sum(reserved), 0) as bigint) as reserved, \
         cast(coalesce(sum(dispatched), 0) as bigint) as dispatched, \
         cast(coalesce(sum(case when on_hand <> coalesce(moved, 0) then 1 else 0 end \
             + case when on_hand < reserved or reserved < 0 then 1 else 0 end), 0) as bigint) as astray \
         from stock_items left join (select stock_item_id as moved_item, sum(delta) as moved, \
             sum(case when reservation_id is null then 0 else -delta end) as dispatched \
             from movements group by stock_item_id) as moves on moved_item = stock_item_id",
    )
}

/// Shelves of which open holds come to something else than is reserved.
pub(crate) async fn held_otherwise(tx: &mut Tx) -> Result<i64, db::Error> {
    let reserved = db::fetch_all!(
        tx,
        (Uuid, i64),
        "select stock_item_id, reserved from stock_items where reserved <> 0",
    )?;
    let mut held = audit::held(tx).await?;
    let wrong =
        reserved.into_iter().filter(|(id, reserved)| held.remove(&(*id).into()).unwrap_or(0) != *reserved);
    let wrong = wrong.count();
    // What is left is held of shelves of which nothing is reserved.
    let left = held.values().filter(|units| **units != 0).count();
    Ok(i64::try_from(wrong.saturating_add(left)).unwrap_or(i64::MAX))
}
