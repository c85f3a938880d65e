//! Every shelf against its movements and its holds.

use std::collections::BTreeMap;

use db::Tx;
use kernel::StockItemId;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::reservation::ReservedLine;

/// A shelf with what its movements come to.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct ShelfCheck {
    pub(crate) stock_item_id: Uuid,
    pub(crate) sku: String,
    pub(crate) on_hand: i64,
    pub(crate) reserved: i64,
    pub(crate) moved: i64,
    /// Units that left for orders, less those that came back.
    pub(crate) dispatched: i64,
}

/// All shelves.
pub(crate) async fn shelves(tx: &mut Tx) -> Result<Vec<ShelfCheck>, db::Error> {
    db::fetch_all!(
        tx,
        ShelfCheck,
        "select stock_items.stock_item_id, sku, on_hand, reserved, \
         cast(coalesce(sum(delta), 0) as bigint) as moved, \
         cast(coalesce(sum(case when reservation_id is null then 0 else -delta end), 0) as bigint) as dispatched \
         from stock_items left join movements on movements.stock_item_id = stock_items.stock_item_id \
         group by stock_items.stock_item_id, sku, on_hand, reserved order by stock_items.stock_item_id",
    )
}

/// Units that open holds take of each shelf.
pub(crate) async fn held(tx: &mut Tx) -> Result<BTreeMap<StockItemId, i64>, db::Error> {
    let rows = db::fetch_all!(
        tx,
        (Json<Vec<ReservedLine>>,),
        "select lines from reservations where state = 'held'"
    )?;
    let mut held: BTreeMap<StockItemId, i64> = BTreeMap::new();
    for line in rows.into_iter().flat_map(|(lines,)| lines.0) {
        let sum = held.entry(line.stock_item_id).or_default();
        *sum = sum.saturating_add(line.units);
    }
    Ok(held)
}
