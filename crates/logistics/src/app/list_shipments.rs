//! Parcels page by page.

use db::{Query, Tx};
use kernel::OrderId;
use uuid::Uuid;

use super::{App, Error};
use crate::domain::owner::Owner;
use crate::domain::shipment::{Shipment, TrackingEvent};
use crate::store::{shipments, tracking};

/// A page of shipments with their steps, newest first.
#[derive(Debug)]
pub(crate) struct ListShipments {
    pub(crate) owner: Owner,
    /// Only of this order.
    pub(crate) order_id: Option<OrderId>,
    /// The last of the page before.
    pub(crate) before: Option<Uuid>,
    pub(crate) limit: i64,
}

impl Query<App> for ListShipments {
    type Output = Vec<(Shipment, Vec<TrackingEvent>)>;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Self::Output, Error> {
        let found = shipments::list(tx, &self.owner, self.order_id, self.before, self.limit).await?;
        Ok(tracking::beside(tx, found).await?)
    }
}
