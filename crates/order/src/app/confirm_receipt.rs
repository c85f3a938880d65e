//! The buyer has the goods: escrow is released before its time.

use db::{Command, Tx};
use kernel::{ConsignmentId, OrderId};

use super::{App, Error, locked};
use crate::domain::Refusal;
use crate::domain::consignment::ConsignmentState;
use crate::domain::order::Order;
use crate::domain::saga::SagaStep;
use crate::domain::viewer::Viewer;
use crate::events;
use crate::store::{escrow, sagas};

/// Notes that a consignment came, whether a carrier said so or not; or all that were delivered.
#[derive(Debug)]
pub(crate) struct ConfirmReceipt {
    /// Who says so.
    pub(crate) viewer: Viewer,
    /// Of which order.
    pub(crate) order_id: OrderId,
    /// `None`: all that were delivered.
    pub(crate) consignment_id: Option<ConsignmentId>,
}

impl Command<App> for ConfirmReceipt {
    type Output = Order;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Order, Error> {
        let order = locked(tx, self.order_id).await?;
        if !self.viewer.sees(&order) {
            return Err(Error::not_found("order", self.order_id));
        }
        let came = came(&order, self.consignment_id)?;
        check_not_ending(tx, &order, &came).await?;
        app.receive(tx, order, &came, true).await
    }
}

impl App {
    /// Marks consignments as received and tells so, each in a version of its own.
    pub(super) async fn receive(
        &self,
        tx: &mut Tx,
        mut order: Order,
        consignments: &[ConsignmentId],
        by_buyer: bool,
    ) -> Result<Order, Error> {
        for id in consignments {
            if let Some(received) = order.clone().receive(*id, by_buyer, self.clock.now())? {
                order = received;
                let event = events::consignment_received(&order, *id, by_buyer);
                self.save(tx, &order, Some(event)).await?;
            }
            escrow::clear(tx, *id).await?;
        }
        Ok(order)
    }
}

/// Refuses a consignment that may be cancelled just now: it would be paid out, and given back as well. What was delivered
/// cannot be.
async fn check_not_ending(tx: &mut Tx, order: &Order, came: &[ConsignmentId]) -> Result<(), Error> {
    for id in came {
        if order.consignment(*id)?.1.delivery.is_none() {
            let kept = sagas::lock(tx, order.id).await?;
            if kept.is_some_and(|kept| matches!(kept.saga.step, SagaStep::EndingConsignments(_))) {
                let message = "the order is being cancelled; try again";
                return Err(Error::Busy { reason: "ORDER_IN_PROGRESS", message });
            }
        }
    }
    Ok(())
}

/// What came: the one that is named, or all that were delivered.
fn came(order: &Order, named: Option<ConsignmentId>) -> Result<Vec<ConsignmentId>, Error> {
    if let Some(id) = named {
        return Ok(vec![id]);
    }
    let consignments = order.terms.consignments.iter().zip(&order.progress.consignments);
    let (mut came, mut known) = (Vec::new(), false);
    for (quoted, consignment) in consignments {
        match consignment.state {
            ConsignmentState::Delivered => came.push(quoted.id),
            ConsignmentState::Received | ConsignmentState::Released => known = true,
            _ => {}
        }
    }
    if came.is_empty() && !known {
        return Err(Refusal::new("NOT_DELIVERED", "no consignment has been delivered yet").into());
    }
    Ok(came)
}
