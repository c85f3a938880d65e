//! Every shelf against its movements and its holds.

use std::collections::BTreeMap;

use db::{Ids, Tx};
use kernel::StockItemId;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::reservation::ReservedLine;

/// All shelves together.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Stock {
    pub(crate) stock_items: i64,
    pub(crate) on_hand: i64,
    pub(crate) reserved: i64,
    /// Units that left for orders, less those that came back.
    pub(crate) dispatched: i64,
}

/// Sums over all shelves and movements.
pub(crate) async fn stock(tx: &mut Tx) -> Result<Stock, db::Error> {
    db::fetch_one!(
        tx,
        Stock,
        "select count(*) as stock_items, cast(coalesce(sum(on_hand), 0) as bigint) as on_hand, \
         cast(coalesce(sum(reserved), 0) as bigint) as reserved, \
         (select cast(coalesce(-sum(delta), 0) as bigint) from movements where reservation_id is not null) \
         as dispatched from stock_items",
    )
}

/// A shelf with what its movements come to.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct ShelfCheck {
    pub(crate) stock_item_id: Uuid,
    pub(crate) sku: String,
    pub(crate) on_hand: i64,
    pub(crate) reserved: i64,
    pub(crate) moved: i64,
}

macro_rules! shelves_where {
    () => {
        "select stock_item_id, sku, on_hand, reserved, cast(coalesce(moved, 0) as bigint) as moved from stock_items \
         left join (select stock_item_id as moved_item, sum(delta) as moved from movements group by stock_item_id) \
         as moves on moved_item = stock_item_id \
         where on_hand <> coalesce(moved, 0) or reserved <> 0 or on_hand < reserved or "
    };
}

/// The shelves that need a look: of which something is reserved, those given, and those whose movements come to something
/// else.
pub(crate) async fn shelves(tx: &mut Tx, held: Ids) -> Result<Vec<ShelfCheck>, db::Error> {
    let sql = tx.sql(
        concat!(shelves_where!(), "stock_item_id = any($1) order by stock_item_id"),
        concat!(
            shelves_where!(),
            "stock_item_id in (select unhex(value, '-') from json_each($1)) order by stock_item_id"
        ),
    );
    db::fetch_all!(tx, ShelfCheck, sql, held)
}

/// Units that open holds take of each shelf, whether there is such a shelf or not.
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
