//! Holds of stock.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{OrderId, ReservationId};
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

/// Writes a hold, or a tombstone (released, without lines), unless one of its id is there; whether it was written.
pub(crate) async fn put(
    tx: &mut Tx,
    id: ReservationId,
    order_id: OrderId,
    state: ReservationState,
    lines: &[ReservedLine],
    now: DateTime<Utc>,
) -> Result<bool, db::Error> {
    let written = db::execute!(
        tx,
        "insert into reservations (reservation_id, order_id, state, lines, created_at) values ($1, $2, $3, $4, $5) \
         on conflict (reservation_id) do nothing",
        id.uuid(),
        order_id.uuid(),
        state.as_str(),
        Json(lines),
        now,
    )?;
    Ok(written == 1)
}

/// A hold, and when it was made.
pub(crate) async fn find(
    tx: &mut Tx,
    id: ReservationId,
) -> Result<Option<(Reservation, DateTime<Utc>)>, db::Error> {
    let row = db::fetch_optional!(
        tx,
        Row,
        "select reservation_id, order_id, state, version, lines, created_at from reservations where reservation_id = $1",
        id.uuid(),
    )?;
    Ok(row.map(Row::read))
}

/// Advances a reservation, if it is in the expected state; returns it afterwards.
pub(crate) async fn advance(
    tx: &mut Tx,
    id: ReservationId,
    from: ReservationState,
    to: ReservationState,
) -> Result<Option<Reservation>, db::Error> {
    let row = db::fetch_optional!(
        tx,
        Row,
        "update reservations set state = $3, version = version + 1 where reservation_id = $1 and state = $2 \
         returning reservation_id, order_id, state, version, lines, created_at",
        id.uuid(),
        from.as_str(),
        to.as_str(),
    )?;
    Ok(row.map(|row| row.read().0))
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
