//! Giving held stock back, and asking how a hold stands.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{OrderId, ReservationId};

use super::{App, Error};
use crate::domain::reservation::{Reservation, State, units_by_item};
use crate::store::{reservations, stock};

impl App {
    /// Gives a hold back; the state that it now has. An id never seen leaves a tombstone.
    pub(crate) async fn release(&self, id: ReservationId, order_id: OrderId) -> Result<State, Error> {
        let now = self.clock.now();
        self.db.write(move |tx| Box::pin(async move { release(tx, id, order_id, now).await })).await
    }

    /// A hold as it stands, and when it was made.
    pub(crate) async fn inquire(&self, id: ReservationId) -> Result<(Reservation, DateTime<Utc>), Error> {
        self.db
            .look(move |tx| {
                Box::pin(async move {
                    reservations::find(tx, id).await?.ok_or_else(|| Error::not_found("reservation", id))
                })
            })
            .await
    }
}

/// Gives a hold back within a transaction.
pub(crate) async fn release(
    tx: &mut Tx,
    id: ReservationId,
    order_id: OrderId,
    now: DateTime<Utc>,
) -> Result<State, Error> {
    if reservations::put(tx, id, order_id, State::Released, &[], now).await? {
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
