//! What order tells, into the use cases.

use std::sync::Arc;

use async_trait::async_trait;
use db::Tx;
use events::{Consumer, Envelope, Handler, HandlerError};
use kernel::OrderId;
use proto::order::events::v1::OrderConfirmed;

use crate::app::{App, Error};

/// Hears order. A cancelled order asks by gRPC, since it must know the answer.
pub(crate) fn consumers(app: &Arc<App>) -> Vec<Consumer> {
    vec![Consumer { name: "logistics.order", services: &["order"], handler: Arc::new(OnOrder(app.clone())) }]
}

struct OnOrder(Arc<App>);

#[async_trait]
impl Handler for OnOrder {
    async fn handle(&self, tx: &mut Tx, event: &Envelope) -> Result<(), HandlerError> {
        if event.kind != "order.confirmed.v1" {
            return Ok(());
        }
        let confirmed: OrderConfirmed = event.decode()?;
        let order_id: OrderId =
            confirmed.order_id.parse().map_err(|error| HandlerError::Poison(format!("order_id: {error}")))?;
        self.0.book(tx, order_id, &confirmed).await.map_err(failed)
    }
}

/// What the database can do again is tried again; what a rule refuses never changes by itself.
fn failed(error: Error) -> HandlerError {
    match error {
        Error::Database(error) => HandlerError::Database(error),
        other => HandlerError::Poison(other.to_string()),
    }
}
