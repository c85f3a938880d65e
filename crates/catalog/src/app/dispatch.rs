//! An order was confirmed: its goods leave the shelf.

use db::{Command, Tx};
use kernel::{OrderId, ReservationId};

use super::{App, Error};
use crate::domain::reservation::{ReservationState, units_by_item};
use crate::events;
use crate::store::{reservations, stock};

/// Takes what is held for a confirmed order off the shelf.
#[derive(Debug)]
pub(crate) struct Dispatch {
    pub(crate) reservation_id: ReservationId,
    pub(crate) order_id: OrderId,
}

/// How a step of a confirmed order ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DispatchOutcome {
    Done,
    /// It was done before.
    Already,
    /// It is not in a state in which that can be: never will be.
    Never,
}

impl Command<App> for Dispatch {
    type Output = DispatchOutcome;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<DispatchOutcome, Error> {
        let id = self.reservation_id;
        let Some(held) =
            reservations::advance(tx, id, ReservationState::Held, ReservationState::Dispatched).await?
        else {
            return Ok(match reservations::find(tx, id).await?.map(|(found, _)| found.state) {
                Some(ReservationState::Dispatched | ReservationState::Returned) => DispatchOutcome::Already,
                _ => DispatchOutcome::Never,
            });
        };
        held.check_order(self.order_id)?;
        let (units, now) = (units_by_item(&held.lines).unwrap_or_default(), app.clock.now());
        stock::dispatch(tx, &units, id, now).await?;
        app.outbox.put(tx, &events::stock_dispatched(&held, now)).await?;
        Ok(DispatchOutcome::Done)
    }
}
