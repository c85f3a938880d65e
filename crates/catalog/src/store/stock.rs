//! Shelves and their movements.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{MovementId, ReservationId, SellerId, StockItemId};
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::seller::StockItem;

#[derive(sqlx::FromRow)]
struct Row {
    stock_item_id: Uuid,
    seller_id: Uuid,
    location_id: Uuid,
    sku: String,
    on_hand: i64,
    reserved: i64,
}

impl From<Row> for StockItem {
    fn from(row: Row) -> Self {
        Self {
            id: row.stock_item_id.into(),
            seller_id: row.seller_id.into(),
            location_id: row.location_id.into(),
            sku: row.sku,
            on_hand: row.on_hand,
            reserved: row.reserved,
        }
    }
}

/// Units of a shelf as both engines take them.
#[derive(Serialize)]
struct Units {
    id: Uuid,
    units: i64,
    movement: Uuid,
}

fn units(units: &BTreeMap<StockItemId, i64>) -> Json<Vec<Units>> {
    let row = |(id, units): (&StockItemId, &i64)| Units {
        id: id.uuid(),
        units: *units,
        movement: MovementId::new().uuid(),
    };
    Json(units.iter().map(row).collect())
}

/// Writes a new shelf with what is on it.
pub(crate) async fn put(tx: &mut Tx, item: &StockItem, now: DateTime<Utc>) -> Result<(), db::Error> {
    db::execute!(
        tx,
        "insert into stock_items (stock_item_id, seller_id, location_id, sku, on_hand) values ($1, $2, $3, $4, $5)",
        item.id.uuid(),
        item.seller_id.uuid(),
        item.location_id.uuid(),
        item.sku.as_str(),
        item.on_hand,
    )?;
    if item.on_hand != 0 {
        moved(tx, item.id, item.on_hand, "first stock", now).await?;
    }
    Ok(())
}

async fn moved(
    tx: &mut Tx,
    id: StockItemId,
    delta: i64,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<(), db::Error> {
    db::execute!(
        tx,
        "insert into movements (movement_id, stock_item_id, delta, reason, created_at) values ($1, $2, $3, $4, $5)",
        MovementId::new().uuid(),
        id.uuid(),
        delta,
        reason,
        now,
    )?;
    Ok(())
}

/// Adds to a seller's shelf or takes away, never below what orders hold.
pub(crate) async fn adjust(
    tx: &mut Tx,
    id: StockItemId,
    seller_id: SellerId,
    delta: i64,
    most: i64,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<bool, db::Error> {
    let changed = db::execute!(
        tx,
        "update stock_items set on_hand = on_hand + $3 where stock_item_id = $1 and seller_id = $2 \
         and on_hand + $3 >= reserved and on_hand + $3 <= $4",
        id.uuid(),
        seller_id.uuid(),
        delta,
        most,
    )?;
    if changed == 1 {
        moved(tx, id, delta, reason, now).await?;
    }
    Ok(changed == 1)
}

/// A shelf.
pub(crate) async fn find(tx: &mut Tx, id: StockItemId) -> Result<Option<StockItem>, db::Error> {
    let row = db::fetch_optional!(
        tx,
        Row,
        "select stock_item_id, seller_id, location_id, sku, on_hand, reserved from stock_items where stock_item_id = $1",
        id.uuid(),
    )?;
    Ok(row.map(StockItem::from))
}

/// A seller's shelves, oldest first, after the one given.
pub(crate) async fn of_seller(
    tx: &mut Tx,
    seller_id: SellerId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<StockItem>, db::Error> {
    let rows = db::fetch_all!(
        tx,
        Row,
        "select stock_item_id, seller_id, location_id, sku, on_hand, reserved from stock_items \
         where seller_id = $1 and stock_item_id > $2 order by stock_item_id limit $3",
        seller_id.uuid(),
        after.unwrap_or(Uuid::nil()),
        limit,
    )?;
    Ok(rows.into_iter().map(StockItem::from).collect())
}

/// Holds units of several shelves, all or none of each; the shelves that had enough. Rows are locked in the order of
/// their ids, so that two orders never wait for each other.
pub(crate) async fn reserve(
    tx: &mut Tx,
    wanted: &BTreeMap<StockItemId, i64>,
) -> Result<BTreeSet<StockItemId>, db::Error> {
    let sql = tx.sql(
        "with wanted as (select id, units from jsonb_to_recordset($1) as rows (id uuid, units bigint)), \
         locked as (select stock_item_id from stock_items where stock_item_id in (select id from wanted) \
             order by stock_item_id for update) \
         update stock_items set reserved = reserved + wanted.units from wanted \
         where stock_items.stock_item_id = wanted.id and on_hand - reserved >= wanted.units \
         and stock_items.stock_item_id in (select stock_item_id from locked) returning stock_item_id",
        "update stock_items set reserved = reserved + wanted.units from \
         (select unhex(value ->> 'id', '-') as id, value ->> 'units' as units from json_each($1)) as wanted \
         where stock_items.stock_item_id = wanted.id and on_hand - reserved >= wanted.units \
         returning stock_item_id",
    );
    let held = db::fetch_all!(tx, (Uuid,), sql, units(wanted))?;
    Ok(held.into_iter().map(|(id,)| id.into()).collect())
}

/// Gives held units free.
pub(crate) async fn release(tx: &mut Tx, held: &BTreeMap<StockItemId, i64>) -> Result<u64, db::Error> {
    let sql = tx.sql(
        "with held as (select id, units from jsonb_to_recordset($1) as rows (id uuid, units bigint)), \
         locked as (select stock_item_id from stock_items where stock_item_id in (select id from held) \
             order by stock_item_id for update) \
         update stock_items set reserved = reserved - held.units from held where stock_items.stock_item_id = held.id \
         and stock_items.stock_item_id in (select stock_item_id from locked)",
        "update stock_items set reserved = reserved - held.units from \
         (select unhex(value ->> 'id', '-') as id, value ->> 'units' as units from json_each($1)) as held \
         where stock_items.stock_item_id = held.id",
    );
    db::execute!(tx, sql, units(held))
}

/// Takes held units off the shelves.
pub(crate) async fn dispatch(
    tx: &mut Tx,
    held: &BTreeMap<StockItemId, i64>,
    reservation_id: ReservationId,
    now: DateTime<Utc>,
) -> Result<(), db::Error> {
    let sql = tx.sql(
        "with held as (select id, units from jsonb_to_recordset($1) as rows (id uuid, units bigint)), \
         locked as (select stock_item_id from stock_items where stock_item_id in (select id from held) \
             order by stock_item_id for update) \
         update stock_items set reserved = reserved - held.units, on_hand = on_hand - held.units from held \
         where stock_items.stock_item_id = held.id and stock_items.stock_item_id in (select stock_item_id from locked)",
        "update stock_items set reserved = reserved - held.units, on_hand = on_hand - held.units from \
         (select unhex(value ->> 'id', '-') as id, value ->> 'units' as units from json_each($1)) as held \
         where stock_items.stock_item_id = held.id",
    );
    let rows = units(held);
    db::execute!(tx, sql, &rows)?;
    let sql = tx.sql(
        "insert into movements (movement_id, stock_item_id, delta, reason, reservation_id, created_at) \
         select movement, id, -units, 'dispatched', $2, $3 \
         from jsonb_to_recordset($1) as rows (id uuid, units bigint, movement uuid)",
        "insert into movements (movement_id, stock_item_id, delta, reason, reservation_id, created_at) \
         select unhex(value ->> 'movement', '-'), unhex(value ->> 'id', '-'), -(value ->> 'units'), 'dispatched', \
         $2, $3 from json_each($1)",
    );
    db::execute!(tx, sql, &rows, reservation_id.uuid(), now)?;
    Ok(())
}

/// Puts units that came back on the shelves.
pub(crate) async fn put_back(
    tx: &mut Tx,
    back: &BTreeMap<StockItemId, i64>,
    reservation_id: ReservationId,
    now: DateTime<Utc>,
) -> Result<(), db::Error> {
    let sql = tx.sql(
        "with back as (select id, units from jsonb_to_recordset($1) as rows (id uuid, units bigint)), \
         locked as (select stock_item_id from stock_items where stock_item_id in (select id from back) \
             order by stock_item_id for update) \
         update stock_items set on_hand = on_hand + back.units from back where stock_items.stock_item_id = back.id \
         and stock_items.stock_item_id in (select stock_item_id from locked)",
        "update stock_items set on_hand = on_hand + back.units from \
         (select unhex(value ->> 'id', '-') as id, value ->> 'units' as units from json_each($1)) as back \
         where stock_items.stock_item_id = back.id",
    );
    let rows = units(back);
    db::execute!(tx, sql, &rows)?;
    let sql = tx.sql(
        "insert into movements (movement_id, stock_item_id, delta, reason, reservation_id, created_at) \
         select movement, id, units, 'came back', $2, $3 \
         from jsonb_to_recordset($1) as rows (id uuid, units bigint, movement uuid)",
        "insert into movements (movement_id, stock_item_id, delta, reason, reservation_id, created_at) \
         select unhex(value ->> 'movement', '-'), unhex(value ->> 'id', '-'), value ->> 'units', 'came back', $2, $3 \
         from json_each($1)",
    );
    db::execute!(tx, sql, &rows, reservation_id.uuid(), now)?;
    Ok(())
}
