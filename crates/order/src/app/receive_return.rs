//! The seller has the goods: payment refunds and catalog restocks, as the event says.

use std::sync::Arc;

use kernel::ReturnId;
use proto::order::v1::ReceiveReturnResponse;
use rpc::replay::{self, Key};
use tokio::time::Instant;
use tonic::Status;

use super::answer_return::locked_return;
use super::{App, Error};
use crate::facts;
use crate::store::returns;
use crate::wire::{self, Viewer};

impl App {
    /// Notes that the goods came back, once for this key.
    pub(crate) async fn receive_return(
        self: &Arc<Self>,
        key: Key,
        viewer: Viewer,
        id: ReturnId,
        restock: bool,
        deadline: Instant,
    ) -> Result<ReceiveReturnResponse, Status> {
        let (app, viewer) = (self.clone(), Arc::new(viewer));
        let received = replay::once(&self.db, &self.clock, key, deadline, move |tx| {
            let (app, viewer) = (app.clone(), viewer.clone());
            Box::pin(async move {
                let now = app.clock.now();
                let (order, one) = locked_return(tx, id, &viewer).await?;
                let others = returns::of_consignment(tx, one.consignment_id).await?;
                let (quoted, _) = order.consignment(one.consignment_id)?;
                let one = one.receive(quoted, &others, restock, now)?;
                returns::save(tx, &one).await?;
                let order = order.take_back(now);
                app.save(tx, &order, Some(facts::return_received(&order, &one)?)).await?;
                Ok::<_, Error>(ReceiveReturnResponse { r#return: Some(wire::goods_return(&one)?) })
            })
        });
        received.await
    }
}
