//! The buyer has the goods: escrow is released before its time.

use std::sync::Arc;

use db::Tx;
use kernel::{ConsignmentId, OrderId};
use proto::order::v1::ConfirmReceiptResponse;
use rpc::replay::{self, Key};
use tokio::time::Instant;
use tonic::Status;

use super::request::whole;
use super::{App, Error, locked};
use crate::domain::Refusal;
use crate::domain::consignment::State;
use crate::domain::order::Order;
use crate::facts;
use crate::store::escrow;
use crate::wire::Viewer;

impl App {
    /// Notes that a consignment came, or all that were delivered; once for this key.
    pub(crate) async fn confirm_receipt(
        self: &Arc<Self>,
        key: Key,
        viewer: Viewer,
        id: OrderId,
        consignment_id: Option<ConsignmentId>,
        deadline: Instant,
    ) -> Result<ConfirmReceiptResponse, Status> {
        let (app, viewer) = (self.clone(), Arc::new(viewer));
        let confirmed = replay::once(&self.db, &self.clock, key, deadline, move |tx| {
            let (app, viewer) = (app.clone(), viewer.clone());
            Box::pin(async move {
                let order = locked(tx, id).await?;
                if !viewer.sees(&order) {
                    return Err(Error::not_found("order", id));
                }
                let came = came(&order, consignment_id)?;
                let order = app.receive(tx, order, &came, true).await?;
                Ok(ConfirmReceiptResponse { order: Some(whole(&order)?) })
            })
        });
        confirmed.await
    }

    /// Marks consignments as received and tells so, each in a version of its own.
    pub(super) async fn receive(
        &self,
        tx: &mut Tx,
        mut order: Order,
        consignments: &[ConsignmentId],
        by_buyer: bool,
    ) -> Result<Order, Error> {
        for id in consignments {
            if let Some(received) = order.clone().receive(*id, self.clock.now())? {
                order = received;
                let event = facts::consignment_received(&order, *id, by_buyer);
                self.save(tx, &order, Some(event)).await?;
            }
            escrow::clear(tx, *id).await?;
        }
        Ok(order)
    }
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
            State::Delivered => came.push(quoted.id),
            State::Received | State::Released => known = true,
            _ => {}
        }
    }
    if came.is_empty() && !known {
        return Err(Refusal::new("NOT_DELIVERED", "no consignment was delivered yet").into());
    }
    Ok(came)
}
