//! Goods leave the shelf for confirmed orders, and come back.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use db::Tx;
use events::Outbox;
use kernel::{OrderId, ReservationId, VariantId};

use super::{Error, release};
use crate::domain::reservation::{Back, Line, Reservation, State, units_by_item};
use crate::facts;
use crate::store::{reservations, stock};

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// It was done before.
    Already,
    /// It is not in a state in which that can be: never will be.
    Never,
}

/// An order was confirmed: its goods leave the shelf.
pub(crate) async fn dispatch(
    tx: &mut Tx,
    outbox: Outbox,
    id: ReservationId,
    order_id: OrderId,
    now: DateTime<Utc>,
) -> Result<Outcome, Error> {
    let Some(held) = reservations::advance(tx, id, State::Held, State::Dispatched).await? else {
        return Ok(match reservations::find(tx, id).await?.map(|(found, _)| found.state) {
            Some(State::Dispatched | State::Returned) => Outcome::Already,
            _ => Outcome::Never,
        });
    };
    held.check_order(order_id)?;
    let units = units_by_item(&held.lines).unwrap_or_default();
    stock::dispatch(tx, &units, id, now).await?;
    outbox.put(tx, &facts::stock_dispatched(&held, now)).await?;
    Ok(Outcome::Done)
}

/// A confirmed order was cancelled before pick-up: what has not come back yet does.
pub(crate) async fn undo(
    tx: &mut Tx,
    outbox: Outbox,
    id: ReservationId,
    order_id: OrderId,
    now: DateTime<Utc>,
) -> Result<Outcome, Error> {
    let Some(left) = reservations::advance(tx, id, State::Dispatched, State::Returned).await? else {
        release::release(tx, id, order_id, now).await?;
        return Ok(Outcome::Already);
    };
    left.check_order(order_id)?;
    let before = reservations::returned(tx, id).await?;
    let lines = without(&left.lines, &before);
    put_back(tx, outbox, &left, &lines, now).await?;
    Ok(Outcome::Done)
}

/// Goods of an order came back and can be sold again; each return once. After [`Outcome::Never`] the transaction is
/// to be rolled back.
pub(crate) async fn take_back(
    tx: &mut Tx,
    outbox: Outbox,
    id: ReservationId,
    order_id: OrderId,
    return_id: &str,
    quantities: &BTreeMap<VariantId, i64>,
    now: DateTime<Utc>,
) -> Result<Outcome, Error> {
    let Some((reservation, _)) = reservations::find(tx, id).await? else { return Ok(Outcome::Never) };
    reservation.check_order(order_id)?;
    if reservation.state != State::Dispatched {
        return Ok(Outcome::Never);
    }
    let Some(lines) = part(&reservation.lines, quantities) else { return Ok(Outcome::Never) };
    let before = reservations::returned(tx, id).await?;
    if !reservations::put_returned(tx, return_id, id, &lines).await? {
        let is_same = reservations::returned_by(tx, return_id).await? == Some((id, lines));
        return Ok(if is_same { Outcome::Already } else { Outcome::Never });
    }
    // Each return may be less than what left, and all of them more.
    if part(&without(&reservation.lines, &before), quantities).is_none() {
        return Ok(Outcome::Never);
    }
    let Some(touched) = reservations::touch(tx, id).await? else { return Ok(Outcome::Never) };
    put_back(tx, outbox, &touched, &lines, now).await?;
    Ok(Outcome::Done)
}

async fn put_back(
    tx: &mut Tx,
    outbox: Outbox,
    reservation: &Reservation,
    lines: &[Line],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let units = units_by_item(lines).unwrap_or_default();
    if !units.is_empty() {
        stock::put_back(tx, &units, reservation.id, now).await?;
    }
    Ok(outbox.put(tx, &facts::stock_returned(reservation, lines, now)).await?)
}

/// The part of lines that these quantities are; `None` when they are of other goods or more.
fn part(lines: &[Line], quantities: &BTreeMap<VariantId, i64>) -> Option<Vec<Line>> {
    let one = |(variant_id, quantity): (&VariantId, &i64)| {
        let is_of = |line: &&Line| line.variant_id == *variant_id && (1..=line.quantity).contains(quantity);
        let line = lines.iter().find(is_of)?;
        let per_unit = line.units.checked_div(line.quantity)?;
        Some(Line { quantity: *quantity, units: per_unit.checked_mul(*quantity)?, ..line.clone() })
    };
    quantities.iter().map(one).collect()
}

/// What is left of lines once others have come back.
fn without(lines: &[Line], back: &[Back]) -> Vec<Line> {
    let left = |line: &Line| {
        let returned = back.iter().filter(|back| back.variant_id == line.variant_id);
        let (quantity, units) = returned.fold((line.quantity, line.units), |(quantity, units), back| {
            (quantity - back.quantity, units - back.units)
        });
        Line { quantity, units, ..line.clone() }
    };
    lines.iter().map(left).filter(|line| line.quantity > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::StockItemId;

    #[test]
    fn a_part_takes_its_share_of_the_shelf() {
        let variant_id = VariantId::new();
        let line = Line { variant_id, quantity: 3, stock_item_id: StockItemId::new(), units: 12 };
        let back = part(std::slice::from_ref(&line), &BTreeMap::from([(variant_id, 2)])).unwrap();
        assert_eq!((back[0].quantity, back[0].units), (2, 8));
        for wrong in [4, 0, -1] {
            assert!(part(std::slice::from_ref(&line), &BTreeMap::from([(variant_id, wrong)])).is_none());
        }
        let back = Back { variant_id, quantity: back[0].quantity, units: back[0].units };
        let left = without(&[line], &[back]);
        assert_eq!((left[0].quantity, left[0].units), (1, 4));
    }
}
