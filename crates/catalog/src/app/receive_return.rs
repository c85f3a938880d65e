//! Goods of an order came back and can be sold again.

use std::collections::BTreeMap;

use db::{Command, Tx};
use kernel::{OrderId, ReservationId, VariantId};

use super::dispatch::DispatchOutcome;
use super::{App, Error};
use crate::domain::reservation::{Reservation, ReservationState, ReservedLine, part, units_by_item, without};
use crate::events;
use crate::store::{reservations, stock};

/// Puts the goods of a return on the shelf, each return once. After [`DispatchOutcome::Never`] the transaction is to be rolled
/// back.
#[derive(Debug)]
pub(crate) struct ReceiveReturn {
    pub(crate) reservation_id: ReservationId,
    pub(crate) order_id: OrderId,
    pub(crate) return_id: String,
    /// What came back.
    pub(crate) quantities: BTreeMap<VariantId, i64>,
}

impl Command<App> for ReceiveReturn {
    type Output = DispatchOutcome;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<DispatchOutcome, Error> {
        let id = self.reservation_id;
        let Some((reservation, _)) = reservations::find(tx, id).await? else {
            return Ok(DispatchOutcome::Never);
        };
        reservation.check_order(self.order_id)?;
        if reservation.state != ReservationState::Dispatched {
            return Ok(DispatchOutcome::Never);
        }
        let Some(lines) = part(&reservation.lines, &self.quantities) else {
            return Ok(DispatchOutcome::Never);
        };
        let before = reservations::returned(tx, id).await?;
        if !reservations::put_returned(tx, &self.return_id, id, &lines).await? {
            let is_same = reservations::returned_by(tx, &self.return_id).await? == Some((id, lines));
            return Ok(if is_same { DispatchOutcome::Already } else { DispatchOutcome::Never });
        }
        // Each return may be less than what left, and all of them more.
        if part(&without(&reservation.lines, &before), &self.quantities).is_none() {
            return Ok(DispatchOutcome::Never);
        }
        let Some(touched) = reservations::touch(tx, id).await? else { return Ok(DispatchOutcome::Never) };
        put_back(app, tx, &touched, &lines).await?;
        Ok(DispatchOutcome::Done)
    }
}

/// Puts lines of a hold on their shelves again.
pub(super) async fn put_back(
    app: &App,
    tx: &mut Tx,
    reservation: &Reservation,
    lines: &[ReservedLine],
) -> Result<(), Error> {
    let (units, now) = (units_by_item(lines).unwrap_or_default(), app.clock.now());
    if !units.is_empty() {
        stock::put_back(tx, &[(reservation.id, units)], now).await?;
    }
    Ok(app.outbox.put(tx, &events::stock_returned(reservation, lines, now)).await?)
}
