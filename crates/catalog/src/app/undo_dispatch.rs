//! A confirmed order was cancelled before pick-up: what has not come back yet does.

use db::{Command, Tx};
use kernel::{OrderId, ReservationId};

use super::receive_return::put_back;
use super::release_reservation::ReleaseReservation;
use super::{App, Error};
use crate::domain::reservation::{ReservationState, without};
use crate::store::reservations;

/// Puts goods dispatched for a cancelled order back on the shelf; reserved stock is released.
#[derive(Debug)]
pub(crate) struct UndoDispatch {
    pub(crate) reservation_id: ReservationId,
    pub(crate) order_id: OrderId,
}

impl Command<App> for UndoDispatch {
    type Output = ();

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<(), Error> {
        let (reservation_id, order_id) = (self.reservation_id, self.order_id);
        let undone = reservations::advance(
            tx,
            reservation_id,
            ReservationState::Dispatched,
            ReservationState::Returned,
        )
        .await?;
        let Some(left) = undone else {
            ReleaseReservation { reservation_id, order_id }.run(app, tx).await?;
            return Ok(());
        };
        left.check_order(order_id)?;
        let before = reservations::returned(tx, reservation_id).await?;
        put_back(app, tx, &left, &without(&left.lines, &before)).await
    }
}
