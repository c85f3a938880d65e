//! Giving held stock back.

use db::{Command, Tx};
use kernel::{OrderId, ReservationId};

use super::{App, Error};
use crate::domain::reservation::{Reservation, ReservationState, units_by_item};
use crate::store::{reservations, stock};

/// Gives a hold back; the state that it now has. An id never seen leaves a tombstone.
#[derive(Debug)]
pub(crate) struct ReleaseReservation {
    pub(crate) reservation_id: ReservationId,
    pub(crate) order_id: OrderId,
}

impl Command<App> for ReleaseReservation {
    type Output = ReservationState;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<ReservationState, Error> {
        let (id, order_id) = (self.reservation_id, self.order_id);
        let tombstone = Reservation::new(id, order_id, ReservationState::Released, Vec::new());
        if !reservations::put(tx, &[&tombstone], app.clock.now()).await?.is_empty() {
            return Ok(ReservationState::Released);
        }
        if let Some(released) =
            reservations::advance(tx, id, ReservationState::Held, ReservationState::Released).await?
        {
            released.check_order(order_id)?;
            // What was held was counted when it was held.
            let units = units_by_item(&released.lines).unwrap_or_default();
            stock::release(tx, &units).await?;
            return Ok(ReservationState::Released);
        }
        let Some((found, _)) = reservations::find(tx, id).await? else {
            return Ok(ReservationState::Released);
        };
        found.check_order(order_id)?;
        Ok(found.state)
    }
}
