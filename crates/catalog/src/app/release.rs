//! Giving held stock back.

use db::{Command, Tx};
use kernel::{OrderId, ReservationId};

use super::{App, Error};
use crate::domain::reservation::{State, units_by_item};
use crate::store::{reservations, stock};

/// Gives a hold back; the state that it now has. An id never seen leaves a tombstone.
#[derive(Debug)]
pub(crate) struct Release {
    pub(crate) reservation_id: ReservationId,
    pub(crate) order_id: OrderId,
}

impl Command for Release {
    type App = App;
    type Output = State;
    type Error = Error;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<State, Error> {
        let (id, order_id) = (self.reservation_id, self.order_id);
        if reservations::put(tx, id, order_id, State::Released, &[], app.clock.now()).await? {
            return Ok(State::Released);
        }
        if let Some(released) = reservations::advance(tx, id, State::Held, State::Released).await? {
            released.check_order(order_id)?;
            // What was held was counted when it was held.
            let units = units_by_item(&released.lines).unwrap_or_default();
            stock::release(tx, &units).await?;
            return Ok(State::Released);
        }
        let Some((found, _)) = reservations::find(tx, id).await? else { return Ok(State::Released) };
        found.check_order(order_id)?;
        Ok(found.state)
    }
}
