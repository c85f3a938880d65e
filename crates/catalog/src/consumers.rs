//! What order tells, into the use cases.

use std::sync::Arc;

use async_trait::async_trait;
use db::{Command as _, Entry, Tx};
use events::{Consumer, Envelope, Handled, Handler, HandlerError};
use proto::Event as _;
use proto::convert::parse;
use proto::order::events::v1::{OrderCancelled, OrderConfirmed, ReturnReceived};

use crate::app::App;
use crate::app::dispatch::{Dispatch, DispatchOutcome};
use crate::app::receive_return::ReceiveReturn;
use crate::app::undo_dispatch::UndoDispatch;

/// Hears order.
pub(crate) fn consumers(app: &Arc<App>) -> Vec<Consumer> {
    vec![Consumer {
        name: "catalog.order",
        services: &["order"],
        kinds: &[OrderConfirmed::KIND, OrderCancelled::KIND, ReturnReceived::KIND],
        batched: &[OrderConfirmed::KIND],
        handler: Arc::new(OrderEvents(app.clone())),
    }]
}

struct OrderEvents(Arc<App>);

#[async_trait]
impl Handler for OrderEvents {
    async fn handle(&self, tx: &mut Tx, event: &Envelope) -> Result<(), HandlerError> {
        match event.kind.as_str() {
            OrderConfirmed::KIND => self.confirmed(tx, event.decode()?).await,
            OrderCancelled::KIND => self.cancelled(tx, event.decode()?).await,
            ReturnReceived::KIND => self.returned(tx, event.decode()?).await,
            _ => Ok(()),
        }
    }

    async fn handle_all(
        &self,
        tx: &mut Tx,
        events: &[Entry<'_, Envelope>],
    ) -> Result<Vec<Handled>, HandlerError> {
        let read = |event: &Envelope| dispatch(&event.decode()?);
        events::run_all(events, read, dispatched, &*self.0, tx).await
    }
}

/// What the confirmation of an order asks for.
fn dispatch(event: &OrderConfirmed) -> Result<Dispatch, HandlerError> {
    let reservation_id = parse("reservation_id", &event.reservation_id)?;
    Ok(Dispatch { reservation_id, order_id: parse("order_id", &event.order_id)? })
}

/// What came of it.
fn dispatched(dispatch: &Dispatch, outcome: DispatchOutcome) -> Result<(), HandlerError> {
    match outcome {
        DispatchOutcome::Done | DispatchOutcome::Already => Ok(()),
        DispatchOutcome::Never => {
            let reservation_id = dispatch.reservation_id;
            Err(HandlerError::Poison(format!("{reservation_id} holds nothing to dispatch")))
        }
    }
}

impl OrderEvents {
    async fn confirmed(&self, tx: &mut Tx, event: OrderConfirmed) -> Result<(), HandlerError> {
        let dispatch = dispatch(&event)?;
        dispatched(&dispatch, dispatch.run(&self.0, tx).await?)
    }

    async fn cancelled(&self, tx: &mut Tx, event: OrderCancelled) -> Result<(), HandlerError> {
        // An order that was never confirmed has released its hold itself.
        if !event.was_confirmed {
            return Ok(());
        }
        let reservation_id = parse("reservation_id", &event.reservation_id)?;
        let undo = UndoDispatch { reservation_id, order_id: parse("order_id", &event.order_id)? };
        Ok(undo.run(&self.0, tx).await?)
    }

    async fn returned(&self, tx: &mut Tx, event: ReturnReceived) -> Result<(), HandlerError> {
        if !event.restock {
            return Ok(());
        }
        let reservation_id = parse("reservation_id", &event.reservation_id)?;
        let quantities = event
            .lines
            .iter()
            .map(|line| Ok((parse("lines.variant_id", &line.variant_id)?, line.quantity)))
            .collect::<Result<_, HandlerError>>()?;
        let order_id = parse("order_id", &event.order_id)?;
        let return_id = event.return_id;
        let back = ReceiveReturn { reservation_id, order_id, return_id, quantities };
        match back.run(&self.0, tx).await? {
            DispatchOutcome::Done | DispatchOutcome::Already => Ok(()),
            DispatchOutcome::Never => Err(HandlerError::Poison(format!(
                "{reservation_id} has not dispatched what {} returns",
                back.return_id
            ))),
        }
    }
}
