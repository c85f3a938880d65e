//! The buyer ends an order. What decides is another's word: payment's while the QR code waits, logistics' once the
//! order is confirmed. The wish is saved before either is asked.

use std::sync::Arc;

use db::Tx;
use kernel::OrderId;
use rpc::OpenSaga;
use rpc::idempotency::Key;

use super::saga::{self, SagaRun};
use super::{App, Error, locked};
use crate::domain::Refusal;
use crate::domain::order::{Order, OrderState};
use crate::domain::saga::{Cancellation, SagaStep};
use crate::domain::viewer::Viewer;
use crate::store::sagas;

/// What the order says when the buyer gave no reason.
const REASON_DEFAULT: &str = "the buyer cancelled the order";

/// Ends an order.
#[derive(Debug)]
pub(crate) struct CancelOrder {
    /// Who ends it.
    pub(crate) viewer: Viewer,
    /// Which.
    pub(crate) order_id: OrderId,
    /// Why, as the buyer says; it may be empty.
    pub(crate) reason: String,
}

impl OpenSaga<App> for CancelOrder {
    type Opened = SagaRun;
    type Output = Order;

    async fn open(&self, app: &App, tx: &mut Tx, request: &Key) -> Result<SagaRun, Error> {
        let id = self.order_id;
        let order = locked(tx, id).await?;
        if !self.viewer.sees(&order) {
            return Err(Error::not_found("order", id));
        }
        order.check_cancellable()?;
        let kept = sagas::lock(tx, id).await?;
        let kept = kept.ok_or_else(|| Error::Fault(format!("order {id} has no saga")))?;
        let message = if self.reason.is_empty() { REASON_DEFAULT } else { &self.reason };
        let cancellation = Cancellation { cause: Refusal::new("BUYER_CANCELLED", message), by_buyer: true };
        let step = match (&order.progress.state, &kept.saga.step) {
            (OrderState::AwaitingPayment { .. }, SagaStep::AwaitingPayment { .. }) => {
                SagaStep::EndingPayment(cancellation)
            }
            (OrderState::Confirmed { .. }, SagaStep::Confirmed) => SagaStep::EndingConsignments(cancellation),
            _ => {
                let message = "the order is being placed or ended; try again";
                return Err(Error::Busy { reason: "ORDER_IN_PROGRESS", message });
            }
        };
        let mut saga = kept.saga.clone().advance(step)?;
        saga.attempt += 1;
        let now = app.machine.now();
        if !sagas::reopen(tx, &kept.saga, &saga, Some(request), now + app.config.lease(), now).await? {
            return Err(Error::Superseded);
        }
        Ok(SagaRun { saga, order, request: Some(request.clone()) })
    }

    async fn run_to_end(app: Arc<App>, opened: SagaRun) -> Option<Result<Order, Error>> {
        saga::drive(app, opened).await.map(|answer| Ok(answer?))
    }
}
