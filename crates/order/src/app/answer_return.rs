//! The seller agrees to a return, or declines it.

use std::sync::Arc;

use db::Tx;
use kernel::ReturnId;
use proto::order::v1::{ApproveReturnResponse, RejectReturnResponse};
use rpc::replay::{self, Key};
use tokio::time::Instant;
use tonic::Status;

use super::{App, Error, locked};
use crate::domain::order::Order;
use crate::domain::returns::Return;
use crate::store::returns;
use crate::wire::{self, Viewer};

/// A return that the viewer may see, with its order; both stay as they are until the transaction ends.
pub(super) async fn locked_return(
    tx: &mut Tx,
    id: ReturnId,
    viewer: &Viewer,
) -> Result<(Order, Return), Error> {
    let missing = || Error::not_found("return", id);
    let found = returns::find(tx, id).await?.filter(|one| viewer.sees_return(one)).ok_or_else(missing)?;
    let order = locked(tx, found.order_id).await?;
    // As it stands now that nobody else can change it.
    let one = returns::find(tx, id).await?.ok_or_else(missing)?;
    Ok((order, one))
}

impl App {
    /// The seller agrees, once for this key.
    pub(crate) async fn approve_return(
        self: &Arc<Self>,
        key: Key,
        viewer: Viewer,
        id: ReturnId,
        answer: String,
        deadline: Instant,
    ) -> Result<ApproveReturnResponse, Status> {
        let (app, inputs) = (self.clone(), Arc::new((viewer, answer)));
        let approved = replay::once(&self.db, &self.clock, key, deadline, move |tx| {
            let (app, inputs) = (app.clone(), inputs.clone());
            Box::pin(async move {
                let (_, one) = locked_return(tx, id, &inputs.0).await?;
                let one = one.approve(inputs.1.clone(), app.clock.now())?;
                returns::save(tx, &one).await?;
                Ok::<_, Error>(ApproveReturnResponse { r#return: Some(wire::goods_return(&one)?) })
            })
        });
        approved.await
    }

    /// The seller declines, once for this key.
    pub(crate) async fn reject_return(
        self: &Arc<Self>,
        key: Key,
        viewer: Viewer,
        id: ReturnId,
        answer: String,
        deadline: Instant,
    ) -> Result<RejectReturnResponse, Status> {
        let (app, inputs) = (self.clone(), Arc::new((viewer, answer)));
        let rejected = replay::once(&self.db, &self.clock, key, deadline, move |tx| {
            let (app, inputs) = (app.clone(), inputs.clone());
            Box::pin(async move {
                let (_, one) = locked_return(tx, id, &inputs.0).await?;
                let one = one.reject(inputs.1.clone(), app.clock.now())?;
                returns::save(tx, &one).await?;
                Ok::<_, Error>(RejectReturnResponse { r#return: Some(wire::goods_return(&one)?) })
            })
        });
        rejected.await
    }
}
