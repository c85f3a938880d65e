//! The buyer ends an order. What decides is another's word: payment's while the QR code waits, logistics' once the
//! order is confirmed. The wish is saved before either is asked.

use std::sync::Arc;

use db::Tx;
use kernel::OrderId;
use proto::order::v1::CancelOrderResponse;
use rpc::replay::{self, Key};
use tokio::time::Instant;
use tonic::Status;

use super::request::{Begun, refuse};
use super::{App, Error, locked};
use crate::domain::Refusal;
use crate::domain::order::{Order, State};
use crate::domain::saga::{Ending, Saga, Step};
use crate::store::sagas;
use crate::wire::Viewer;

/// The RPC, as requests are kept by.
pub(crate) const CANCEL_ORDER: &str = "CancelOrder";
/// What the order says when the buyer gave no reason.
const REASON_DEFAULT: &str = "the buyer cancelled the order";

impl App {
    /// Cancels the order, once for this key.
    pub(crate) async fn cancel_order(
        self: &Arc<Self>,
        key: Key,
        viewer: Viewer,
        id: OrderId,
        reason: String,
        deadline: Instant,
    ) -> Result<CancelOrderResponse, Status> {
        let begun = self.clone().begin_cancelling(key.clone(), viewer, id, reason);
        self.see_through(key, deadline, begun, |order| CancelOrderResponse { order: Some(order) }).await
    }

    async fn begin_cancelling(
        self: Arc<Self>,
        key: Key,
        viewer: Viewer,
        id: OrderId,
        reason: String,
    ) -> Result<Begun, Error> {
        let (app, inputs) = (self.clone(), Arc::new((key, viewer, reason)));
        let begun = self.db.write(move |tx| {
            let (app, inputs) = (app.clone(), inputs.clone());
            Box::pin(async move {
                let (key, viewer, reason) = inputs.as_ref();
                match replay::begin(tx, &app.clock, key).await? {
                    replay::Begun::New => {}
                    replay::Begun::Running => return Ok(Begun::Running),
                    replay::Begun::Finished(outcome) => return Ok(Begun::Kept(outcome)),
                }
                match app.decide_to_cancel(tx, key, viewer, id, reason).await {
                    Ok(saved) => Ok(Begun::Saved(Box::new(saved))),
                    Err(error) => refuse::<CancelOrderResponse>(tx, key, error).await,
                }
            })
        });
        begun.await
    }

    async fn decide_to_cancel(
        &self,
        tx: &mut Tx,
        key: &Key,
        viewer: &Viewer,
        id: OrderId,
        reason: &str,
    ) -> Result<(Saga, Order), Error> {
        let order = locked(tx, id).await?;
        if !viewer.sees(&order) {
            return Err(Error::not_found("order", id));
        }
        order.check_cancellable()?;
        let kept = sagas::lock(tx, id).await?;
        let kept = kept.ok_or_else(|| Error::Fault(format!("order {id} has no saga")))?;
        let message = if reason.is_empty() { REASON_DEFAULT } else { reason };
        let ending = Ending { cause: Refusal::new("BUYER_CANCELLED", message), by_buyer: true };
        let step = match (&order.progress.state, &kept.saga.step) {
            (State::AwaitingPayment { .. }, Step::AwaitingPayment { .. }) => Step::EndingPayment(ending),
            (State::Confirmed { .. }, Step::Confirmed) => Step::EndingConsignments(ending),
            _ => return Err(Error::Busy("the order is being placed or ended; try again")),
        };
        let mut saga = kept.saga.clone().advance(step)?;
        saga.attempt += 1;
        let now = self.machine.now();
        if !sagas::reopen(tx, &kept.saga, &saga, Some(key), now + self.config.lease(), now).await? {
            return Err(Error::Superseded);
        }
        Ok((saga, order))
    }
}
