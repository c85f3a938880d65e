//! What order tells, into the use cases.

use std::sync::Arc;

use async_trait::async_trait;
use db::Tx;
use events::{Consumer, Envelope, Handler, HandlerError};
use kernel::{OrderId, ReservationId};
use proto::order::events::v1::{OrderCancelled, OrderConfirmed, ReturnReceived};

use crate::app::{App, Error, ship};

/// Hears order.
pub(crate) fn consumers(app: &App) -> Vec<Consumer> {
    vec![Consumer { name: "catalog.order", services: &["order"], handler: Arc::new(OnOrder(app.clone())) }]
}

struct OnOrder(App);

#[async_trait]
impl Handler for OnOrder {
    async fn handle(&self, tx: &mut Tx, event: &Envelope) -> Result<(), HandlerError> {
        match event.kind.as_str() {
            "order.confirmed.v1" => self.confirmed(tx, event.decode()?).await,
            "order.cancelled.v1" => self.cancelled(tx, event.decode()?).await,
            "order.return_received.v1" => self.returned(tx, event.decode()?).await,
            _ => Ok(()),
        }
    }
}

impl OnOrder {
    async fn confirmed(&self, tx: &mut Tx, event: OrderConfirmed) -> Result<(), HandlerError> {
        let reservation_id: ReservationId = id("reservation_id", &event.reservation_id)?;
        let order_id: OrderId = id("order_id", &event.order_id)?;
        match ship::dispatch(tx, self.0.outbox, reservation_id, order_id, self.0.clock.now())
            .await
            .map_err(failed)?
        {
            ship::Outcome::Done | ship::Outcome::Already => Ok(()),
            ship::Outcome::Never => {
                Err(HandlerError::Poison(format!("{reservation_id} holds nothing to dispatch")))
            }
        }
    }

    async fn cancelled(&self, tx: &mut Tx, event: OrderCancelled) -> Result<(), HandlerError> {
        // An order that was never confirmed has released its hold itself.
        if !event.was_confirmed {
            return Ok(());
        }
        let reservation_id: ReservationId = id("reservation_id", &event.reservation_id)?;
        let order_id: OrderId = id("order_id", &event.order_id)?;
        ship::undo(tx, self.0.outbox, reservation_id, order_id, self.0.clock.now()).await.map_err(failed)?;
        Ok(())
    }

    async fn returned(&self, tx: &mut Tx, event: ReturnReceived) -> Result<(), HandlerError> {
        if !event.restock {
            return Ok(());
        }
        let reservation_id: ReservationId = id("reservation_id", &event.reservation_id)?;
        let quantities = event
            .lines
            .iter()
            .map(|line| Ok((id("lines.variant_id", &line.variant_id)?, line.quantity)))
            .collect::<Result<_, HandlerError>>()?;
        let (now, outbox) = (self.0.clock.now(), self.0.outbox);
        let order_id: OrderId = id("order_id", &event.order_id)?;
        let taken =
            ship::take_back(tx, outbox, reservation_id, order_id, &event.return_id, &quantities, now).await;
        match taken.map_err(failed)? {
            ship::Outcome::Done | ship::Outcome::Already => Ok(()),
            ship::Outcome::Never => Err(HandlerError::Poison(format!(
                "{reservation_id} has not dispatched what {} returns",
                event.return_id
            ))),
        }
    }
}

fn id<K: kernel::Kind>(field: &str, text: &str) -> Result<kernel::Id<K>, HandlerError> {
    text.parse().map_err(|error| HandlerError::Poison(format!("{field}: {error}")))
}

/// What the database can do again is tried again; what a rule refuses never changes.
fn failed(error: Error) -> HandlerError {
    match error {
        Error::Database(error) => HandlerError::Database(error),
        other => HandlerError::Poison(other.to_string()),
    }
}
