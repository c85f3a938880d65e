//! An order was confirmed: its goods leave the shelf.

use std::collections::HashMap;

use db::{Batched, Command, Entry, Outcome, Tx};
use kernel::{OrderId, ReservationId};
use uuid::Uuid;

use super::{App, Error};
use crate::domain::reservation::{Reservation, ReservationState, units_by_item};
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
        db::run_alone(self, app, tx).await
    }
}

impl Batched<App> for Dispatch {
    fn key(&self) -> Uuid {
        self.reservation_id.uuid()
    }

    /// Reservations are locked before shelves, as in all commands that change both.
    async fn run_all(
        batch: &[Entry<'_, Self>],
        app: &App,
        tx: &mut Tx,
    ) -> Result<Vec<Outcome<App, Self>>, Error> {
        let (held, dispatched) = (ReservationState::Held, ReservationState::Dispatched);
        let ids: Vec<ReservationId> = batch.iter().map(|command| command.reservation_id).collect();
        let advanced = reservations::advance_all(tx, &ids, held, dispatched).await?;
        let mut advanced: HashMap<ReservationId, Reservation> =
            advanced.into_iter().map(|reservation| (reservation.id, reservation)).collect();
        let left: Vec<Option<Reservation>> = ids.iter().map(|id| advanced.remove(id)).collect();
        let others: Vec<ReservationId> =
            ids.iter().zip(&left).filter(|(_, left)| left.is_none()).map(|(id, _)| *id).collect();
        let others: HashMap<ReservationId, ReservationState> = reservations::find_all(tx, &others)
            .await?
            .into_iter()
            .map(|(found, _)| (found.id, found.state))
            .collect();

        let now = app.clock.now();
        let (mut outcomes, mut moved, mut events) = (Vec::new(), Vec::new(), Vec::new());
        for (command, left) in batch.iter().zip(left) {
            outcomes.push(Ok(match (left, others.get(&command.reservation_id)) {
                (Some(left), _) => {
                    left.check_order(command.order_id)?;
                    // What was held was counted when it was held.
                    moved.push((left.id, units_by_item(&left.lines).unwrap_or_default()));
                    events.push(command.in_span(|| events::stock_dispatched(&left, now)));
                    DispatchOutcome::Done
                }
                (None, Some(ReservationState::Dispatched | ReservationState::Returned)) => {
                    DispatchOutcome::Already
                }
                (None, _) => DispatchOutcome::Never,
            }));
        }
        stock::dispatch(tx, &moved, now).await?;
        app.outbox.put_all(tx, &events).await?;
        Ok(outcomes)
    }
}
