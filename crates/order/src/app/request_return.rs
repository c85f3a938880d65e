//! A buyer wants to send goods back.

use std::sync::Arc;

use kernel::OrderId;
use proto::order::v1::RequestReturnResponse;
use rpc::replay::{self, Key};
use tokio::time::Instant;
use tonic::Status;

use super::{App, Error, locked};
use crate::domain::Refusal;
use crate::domain::returns::{Return, Wanted};
use crate::store::returns;
use crate::wire::{self, Viewer};

impl App {
    /// Asks the seller, once for this key. The order is locked, so that two returns never count the same units.
    pub(crate) async fn request_return(
        self: &Arc<Self>,
        key: Key,
        viewer: Viewer,
        order_id: OrderId,
        wanted: Wanted,
        deadline: Instant,
    ) -> Result<RequestReturnResponse, Status> {
        let (app, inputs) = (self.clone(), Arc::new((viewer, wanted)));
        let requested = replay::once(&self.db, &self.clock, key, deadline, move |tx| {
            let (app, inputs) = (app.clone(), inputs.clone());
            Box::pin(async move {
                let (viewer, wanted) = inputs.as_ref();
                let order = locked(tx, order_id).await?;
                if !viewer.sees(&order) {
                    return Err(Error::not_found("order", order_id));
                }
                let earlier = returns::of_consignment(tx, wanted.consignment_id).await?;
                let (rules, now) = (&app.market.returns, app.clock.now());
                let one = Return::request(&order, wanted.clone(), &earlier, rules, now)?;
                if !returns::insert(tx, &one).await? {
                    let message = "another return of yours has this client_reference";
                    return Err(Refusal::new("CLIENT_REFERENCE_TAKEN", message).into());
                }
                Ok(RequestReturnResponse { r#return: Some(wire::goods_return(&one)?) })
            })
        });
        requested.await
    }
}
