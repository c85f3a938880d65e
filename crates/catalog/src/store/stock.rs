//! Shelves and their movements.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{MovementId, ReservationId, SellerId, StockItemId, VariantId};
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
}

fn units(units: &BTreeMap<StockItemId, i64>) -> Json<Vec<Units>> {
    Json(units.iter().map(|(id, units)| Units { id: id.uuid(), units: *units }).collect())
}

/// Units that leave their shelves for a reservation, or come back.
pub(crate) type MovedUnits = (ReservationId, BTreeMap<StockItemId, i64>);

/// What they are together: a sum that no shelf can have breaks its rule.
fn sum(moved: &[MovedUnits]) -> BTreeMap<StockItemId, i64> {
    let mut sums: BTreeMap<StockItemId, i64> = BTreeMap::new();
    for (id, units) in moved.iter().flat_map(|(_, units)| units) {
        let sum = sums.entry(*id).or_default();
        *sum = sum.saturating_add(*units);
    }
    sums
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
        moved(tx, item.id, item.on_hand, AdjustmentReason::Counted("first stock"), now).await?;
    }
    Ok(())
}

/// Why what is on a shelf changes other than by orders, in a seller's words or ours.
#[derive(Debug, Clone, Copy)]
pub(crate) enum AdjustmentReason<'a> {
    /// Units came or left.
    Moved(&'a str),
    /// It was stated how many there are.
    Counted(&'a str),
}

async fn moved(
    tx: &mut Tx,
    id: StockItemId,
    delta: i64,
    why: AdjustmentReason<'_>,
    now: DateTime<Utc>,
) -> Result<(), db::Error> {
    let (reason, counted) = match why {
        AdjustmentReason::Moved(reason) => (reason, false),
        AdjustmentReason::Counted(reason) => (reason, true),
    };
    db::execute!(
        tx,
        "insert into movements (movement_id, stock_item_id, delta, reason, counted, created_at) \
         values ($1, $2, $3, $4, $5, $6)",
        MovementId::new().uuid(),
        id.uuid(),
        delta,
        reason,
        counted,
        now,
    )?;
    Ok(())
}

/// Adds to a seller's stock item or takes away, never below what is reserved. `at` is when the units came in or were
/// counted.
pub(crate) async fn adjust(
    tx: &mut Tx,
    id: StockItemId,
    seller_id: SellerId,
    delta: i64,
    most: i64,
    why: AdjustmentReason<'_>,
    at: DateTime<Utc>,
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
        moved(tx, id, delta, why, at).await?;
    }
    Ok(changed == 1)
}

/// A shelf, with when it was last counted, and the units that came less those that left since `as_of`; counts are no
/// such movements.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub(crate) struct StockSince {
    pub(crate) on_hand: i64,
    pub(crate) reserved: i64,
    pub(crate) counted_as_of: Option<DateTime<Utc>>,
    pub(crate) moved: i64,
}

/// Reads a shelf and its movements since `as_of` as they stand together.
pub(crate) async fn stock_since(
    tx: &mut Tx,
    id: StockItemId,
    as_of: DateTime<Utc>,
) -> Result<Option<StockSince>, db::Error> {
    db::fetch_optional!(
        tx,
        StockSince,
        "select on_hand, reserved, counted_as_of, (select cast(coalesce(sum(delta), 0) as bigint) from movements \
         where movements.stock_item_id = $1 and created_at > $2 and not counted) as moved \
         from stock_items where stock_item_id = $1",
        id.uuid(),
        as_of,
    )
}

/// Remembers as of when a shelf was counted.
pub(crate) async fn put_counted(tx: &mut Tx, id: StockItemId, as_of: DateTime<Utc>) -> Result<(), db::Error> {
    db::execute!(tx, "update stock_items set counted_as_of = $2 where stock_item_id = $1", id.uuid(), as_of,)?;
    Ok(())
}

/// Sources of a variant's stock that are remembered.
const SOURCES_MAX: i64 = 32;

/// What a source stated of a variant's stock before.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub(crate) struct PreviousStatement {
    /// When the units were counted or came.
    pub(crate) as_of: DateTime<Utc>,
    /// `None`: not known any more.
    pub(crate) units: Option<i64>,
}

/// What a source stated of this variant's stock before, if it did.
pub(crate) async fn previous_statement(
    tx: &mut Tx,
    variant_id: VariantId,
    source: &str,
) -> Result<Option<PreviousStatement>, db::Error> {
    db::fetch_optional!(
        tx,
        PreviousStatement,
        "select as_of, units from stock_sources where variant_id = $1 and source = $2",
        variant_id.uuid(),
        source,
    )
}

/// Remembers what a source first stated of a variant's stock, beside the newest ones before.
pub(crate) async fn put_source(
    tx: &mut Tx,
    variant_id: VariantId,
    source: &str,
    units: i64,
    as_of: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), db::Error> {
    db::execute!(
        tx,
        "insert into stock_sources (variant_id, source, units, as_of, created_at) values ($1, $2, $3, $4, $5) \
         on conflict (variant_id, source) do nothing",
        variant_id.uuid(),
        source,
        units,
        as_of,
        now,
    )?;
    db::execute!(
        tx,
        "delete from stock_sources where variant_id = $1 and created_at < (select created_at from stock_sources \
         where variant_id = $1 order by created_at desc limit 1 offset $2)",
        variant_id.uuid(),
        SOURCES_MAX - 1,
    )?;
    Ok(())
}

// The shelves that a clause picks.
db::selection!(
    select,
    "select stock_item_id, seller_id, location_id, sku, on_hand, reserved from stock_items "
);

/// A shelf.
pub(crate) async fn find(tx: &mut Tx, id: StockItemId) -> Result<Option<StockItem>, db::Error> {
    let sql = select!("where stock_item_id = $1");
    Ok(db::fetch_optional!(tx, Row, sql, id.uuid())?.map(StockItem::from))
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
        select!("where seller_id = $1 and stock_item_id > $2 order by stock_item_id limit $3"),
        seller_id.uuid(),
        after.unwrap_or(Uuid::nil()),
        limit,
    )?;
    Ok(rows.into_iter().map(StockItem::from).collect())
}

/// An update of several shelves by the units that are bound to `$1`, which `$set` and `$where` call `units`. Rows are
/// locked in the order of their ids, so that two orders never wait for each other.
macro_rules! update_shelves {
    ($tx:expr, $set:literal, $where:literal) => {
        $tx.sql(
            concat!(
                "with rows as (select id, units from jsonb_to_recordset($1) as rows (id uuid, units bigint)), \
                 locked as (select stock_item_id from stock_items where stock_item_id in (select id from rows) \
                     order by stock_item_id for update) \
                 update stock_items set ",
                $set,
                " from rows where stock_items.stock_item_id = rows.id \
                 and stock_items.stock_item_id in (select stock_item_id from locked) ",
                $where
            ),
            concat!(
                "update stock_items set ",
                $set,
                " from (select unhex(value ->> 'id', '-') as id, value ->> 'units' as units from jsonb_each($1)) as rows \
                 where stock_items.stock_item_id = rows.id ",
                $where
            ),
        )
    };
}

/// Holds units of shelves, of each all that is wanted or none; the shelves that had as many.
pub(crate) async fn reserve(
    tx: &mut Tx,
    wanted: &BTreeMap<StockItemId, i64>,
) -> Result<BTreeSet<StockItemId>, db::Error> {
    if wanted.is_empty() {
        return Ok(BTreeSet::new());
    }
    let sql = update_shelves!(
        tx,
        "reserved = reserved + units",
        "and on_hand - reserved >= units returning stock_item_id"
    );
    let held = db::fetch_all!(tx, (Uuid,), sql, units(wanted))?;
    Ok(held.into_iter().map(|(id,)| id.into()).collect())
}

/// What is free of shelves, which are locked where the engine locks rows, in the order of their ids.
pub(crate) async fn lock_free(
    tx: &mut Tx,
    shelves: impl IntoIterator<Item = StockItemId>,
) -> Result<HashMap<StockItemId, i64>, db::Error> {
    let sql = tx.sql(
        "select stock_item_id, on_hand - reserved from stock_items where stock_item_id = any($1) \
         order by stock_item_id for update",
        "select stock_item_id, on_hand - reserved from stock_items \
         where stock_item_id in (select unhex(value, '-') from json_each($1))",
    );
    let free = db::fetch_all!(tx, (Uuid, i64), sql, shelves.into_iter().collect::<db::Ids>())?;
    Ok(free.into_iter().map(|(id, free)| (id.into(), free)).collect())
}

/// Gives held units free.
pub(crate) async fn release(tx: &mut Tx, held: &BTreeMap<StockItemId, i64>) -> Result<u64, db::Error> {
    let sql = update_shelves!(tx, "reserved = reserved - units", "");
    db::execute!(tx, sql, units(held))
}

/// Takes held units off the shelves.
pub(crate) async fn dispatch(tx: &mut Tx, held: &[MovedUnits], now: DateTime<Utc>) -> Result<(), db::Error> {
    if held.is_empty() {
        return Ok(());
    }
    let sql = update_shelves!(tx, "reserved = reserved - units, on_hand = on_hand - units", "");
    db::execute!(tx, sql, units(&sum(held)))?;
    moved_by_orders(tx, held, -1, "dispatched", now).await
}

/// Puts units that came back on the shelves.
pub(crate) async fn put_back(tx: &mut Tx, back: &[MovedUnits], now: DateTime<Utc>) -> Result<(), db::Error> {
    let sql = update_shelves!(tx, "on_hand = on_hand + units", "");
    db::execute!(tx, sql, units(&sum(back)))?;
    moved_by_orders(tx, back, 1, "came back", now).await
}

/// Units of an order that left a shelf, or came back, on their way in.
#[derive(Serialize)]
struct NewMovement {
    movement: Uuid,
    id: Uuid,
    units: i64,
    reservation: Uuid,
}

/// Notes that units of orders left, or came back.
async fn moved_by_orders(
    tx: &mut Tx,
    moved: &[MovedUnits],
    sign: i64,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<(), db::Error> {
    let of_reservation = |(reservation, units): &MovedUnits| {
        let reservation = reservation.uuid();
        let row = move |(id, units): (&StockItemId, &i64)| NewMovement {
            movement: MovementId::new().uuid(),
            id: id.uuid(),
            units: *units,
            reservation,
        };
        units.iter().map(row).collect::<Vec<_>>()
    };
    let rows: Vec<NewMovement> = moved.iter().flat_map(of_reservation).collect();
    let sql = tx.sql(
        "insert into movements (movement_id, stock_item_id, delta, reason, reservation_id, created_at) \
         select movement, id, $2 * units, $3, reservation, $4 \
         from jsonb_to_recordset($1) as rows (movement uuid, id uuid, units bigint, reservation uuid)",
        "insert into movements (movement_id, stock_item_id, delta, reason, reservation_id, created_at) \
         select unhex(value ->> 'movement', '-'), unhex(value ->> 'id', '-'), $2 * (value ->> 'units'), $3, \
         unhex(value ->> 'reservation', '-'), $4 from jsonb_each($1)",
    );
    db::execute!(tx, sql, Json(rows), sign, reason, now)?;
    Ok(())
}
