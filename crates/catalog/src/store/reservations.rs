//! Holds of stock.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::ReservationId;
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::reservation::{Reservation, ReservationState, ReservedLine, ReturnedLine};

#[derive(sqlx::FromRow)]
struct Row {
    reservation_id: Uuid,
    order_id: Uuid,
    state: String,
    version: i64,
    lines: Json<Vec<ReservedLine>>,
    created_at: DateTime<Utc>,
}

impl Row {
    fn read(self) -> (Reservation, DateTime<Utc>) {
        let reservation = Reservation {
            id: self.reservation_id.into(),
            order_id: self.order_id.into(),
            // What is none of the others holds nothing.
            state: ReservationState::parse(&self.state).unwrap_or(ReservationState::Released),
            version: self.version,
            lines: self.lines.0,
        };
        (reservation, self.created_at)
    }
}

/// A reservation on its way in.
#[derive(Serialize)]
struct NewRow<'a> {
    reservation_id: Uuid,
    order_id: Uuid,
    state: &'a str,
    lines: &'a [ReservedLine],
}

/// Writes holds, or tombstones (released, without lines), unless their ids are there; those that were written. In the
/// order of their ids: two who are given the same wait for one another once.
pub(crate) async fn put(
    tx: &mut Tx,
    reservations: &[&Reservation],
    now: DateTime<Utc>,
) -> Result<HashSet<ReservationId>, db::Error> {
    if reservations.is_empty() {
        return Ok(HashSet::new());
    }
    let mut rows: Vec<NewRow<'_>> = reservations
        .iter()
        .map(|reservation| NewRow {
            reservation_id: reservation.id.uuid(),
            order_id: reservation.order_id.uuid(),
            state: reservation.state.as_str(),
            lines: &reservation.lines,
        })
        .collect();
    rows.sort_unstable_by_key(|row| row.reservation_id);
    let sql = tx.sql(
        "insert into reservations (reservation_id, order_id, state, lines, created_at) \
         select reservation_id, order_id, state, lines, $2 \
         from jsonb_to_recordset($1) as rows (reservation_id uuid, order_id uuid, state text, lines jsonb) \
         on conflict (reservation_id) do nothing returning reservation_id",
        "insert into reservations (reservation_id, order_id, state, lines, created_at) \
         select unhex(value ->> 'reservation_id', '-'), unhex(value ->> 'order_id', '-'), value ->> 'state', \
         value -> 'lines', $2 from jsonb_each($1) where true \
         on conflict (reservation_id) do nothing returning reservation_id",
    );
    let written = db::fetch_all!(tx, (Uuid,), sql, Json(&rows), now)?;
    Ok(written.into_iter().map(|(id,)| id.into()).collect())
}

/// Takes out holds that this transaction has written.
pub(crate) async fn take_out(tx: &mut Tx, ids: db::Ids) -> Result<(), db::Error> {
    let sql = tx.sql(
        "delete from reservations where reservation_id = any($1)",
        "delete from reservations where reservation_id in (select unhex(value, '-') from json_each($1))",
    );
    db::execute!(tx, sql, ids)?;
    Ok(())
}

/// A hold, and when it was made.
pub(crate) async fn find(
    tx: &mut Tx,
    id: ReservationId,
) -> Result<Option<(Reservation, DateTime<Utc>)>, db::Error> {
    Ok(find_all(tx, &[id]).await?.pop())
}

/// As [`find`], of several, in no order.
pub(crate) async fn find_all(
    tx: &mut Tx,
    ids: &[ReservationId],
) -> Result<Vec<(Reservation, DateTime<Utc>)>, db::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = tx.sql(
        "select reservation_id, order_id, state, version, lines, created_at from reservations \
         where reservation_id = any($1)",
        "select reservation_id, order_id, state, version, lines, created_at from reservations \
         where reservation_id in (select unhex(value, '-') from json_each($1))",
    );
    let rows = db::fetch_all!(tx, Row, sql, ids.iter().copied().collect::<db::Ids>())?;
    Ok(rows.into_iter().map(Row::read).collect())
}

/// Advances a reservation, if it is in the expected state; returns it afterwards.
pub(crate) async fn advance(
    tx: &mut Tx,
    id: ReservationId,
    from: ReservationState,
    to: ReservationState,
) -> Result<Option<Reservation>, db::Error> {
    Ok(advance_all(tx, &[id], from, to).await?.pop())
}

/// As [`advance`], of several, locked in the order of their ids; those that were advanced, in no order.
pub(crate) async fn advance_all(
    tx: &mut Tx,
    ids: &[ReservationId],
    from: ReservationState,
    to: ReservationState,
) -> Result<Vec<Reservation>, db::Error> {
    let one = "update reservations set state = $3, version = version + 1 \
         where reservation_id = any($1) and state = $2 \
         returning reservation_id, order_id, state, version, lines, created_at";
    let several = "with locked as (select reservation_id from reservations where reservation_id = any($1) \
             order by reservation_id for update) \
         update reservations set state = $3, version = version + 1 \
         where reservation_id in (select reservation_id from locked) and state = $2 \
         returning reservation_id, order_id, state, version, lines, created_at";
    let sql = tx.sql(
        // The order is not free: a half more for one.
        if ids.len() == 1 { one } else { several },
        "update reservations set state = $3, version = version + 1 \
         where reservation_id in (select unhex(value, '-') from json_each($1)) and state = $2 \
         returning reservation_id, order_id, state, version, lines, created_at",
    );
    let ids = ids.iter().copied().collect::<db::Ids>();
    let rows = db::fetch_all!(tx, Row, sql, ids, from.as_str(), to.as_str())?;
    Ok(rows.into_iter().map(|row| row.read().0).collect())
}

/// The next version, for an event that changes no state; the hold after that.
pub(crate) async fn touch(tx: &mut Tx, id: ReservationId) -> Result<Option<Reservation>, db::Error> {
    let row = db::fetch_optional!(
        tx,
        Row,
        "update reservations set version = version + 1 where reservation_id = $1 \
         returning reservation_id, order_id, state, version, lines, created_at",
        id.uuid(),
    )?;
    Ok(row.map(|row| row.read().0))
}

/// Notes goods that came back, each return once; whether they were noted now.
pub(crate) async fn put_returned(
    tx: &mut Tx,
    return_id: &str,
    id: ReservationId,
    lines: &[ReservedLine],
) -> Result<bool, db::Error> {
    let written = db::execute!(
        tx,
        "insert into returned_goods (return_id, reservation_id, lines) values ($1, $2, $3) \
         on conflict (return_id) do nothing",
        return_id,
        id.uuid(),
        Json(lines),
    )?;
    Ok(written == 1)
}

/// The goods that came back by a return, and of which hold.
pub(crate) async fn returned_by(
    tx: &mut Tx,
    return_id: &str,
) -> Result<Option<(ReservationId, Vec<ReservedLine>)>, db::Error> {
    let row = db::fetch_optional!(
        tx,
        (Uuid, Json<Vec<ReservedLine>>),
        "select reservation_id, lines from returned_goods where return_id = $1",
        return_id,
    )?;
    Ok(row.map(|(id, lines)| (id.into(), lines.0)))
}

/// What came back of a hold, of each of its goods: however many returns it came by.
pub(crate) async fn returned(tx: &mut Tx, id: ReservationId) -> Result<Vec<ReturnedLine>, db::Error> {
    let sql = tx.sql(
        "select line ->> 'variant_id', cast(sum(cast(line ->> 'quantity' as bigint)) as bigint), \
         cast(sum(cast(line ->> 'units' as bigint)) as bigint) from returned_goods, \
         jsonb_array_elements(returned_goods.lines) as lines (line) where reservation_id = $1 \
         group by line ->> 'variant_id'",
        "select line.value ->> 'variant_id', sum(line.value ->> 'quantity'), sum(line.value ->> 'units') \
         from returned_goods, json_each(returned_goods.lines) as line where reservation_id = $1 \
         group by line.value ->> 'variant_id'",
    );
    let rows = db::fetch_all!(tx, (String, i64, i64), sql, id.uuid())?;
    rows.into_iter()
        .map(|(variant_id, quantity, units)| {
            Ok(ReturnedLine { variant_id: super::parsed(&variant_id)?, quantity, units })
        })
        .collect()
}
