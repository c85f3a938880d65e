//! What is printed for several of a seller's consignments.

use std::collections::HashMap;

use db::{Query, Tx};
use kernel::ShipmentId;

use super::{App, Error};
use crate::domain::shipment::{Shipment, ShipmentState};
use crate::store::shipments;

/// A seller's shipments by their ids, in the order of these.
#[derive(Debug)]
pub(crate) struct GetLabels {
    pub(crate) seller_id: String,
    pub(crate) ids: Vec<ShipmentId>,
}

impl Query<App> for GetLabels {
    type Output = Vec<Shipment>;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Vec<Shipment>, Error> {
        let found = own(shipments::by_ids(tx, &self.ids).await?, &self.ids, &self.seller_id)?;
        match found.iter().find(|shipment| shipment.state == ShipmentState::Cancelled) {
            Some(cancelled) => Err(cancelled.was_cancelled().into()),
            None => Ok(found),
        }
    }
}

/// Those of the ids, in their order; each is the seller's own.
pub(super) fn own(found: Vec<Shipment>, ids: &[ShipmentId], seller_id: &str) -> Result<Vec<Shipment>, Error> {
    let own = found.into_iter().filter(|shipment| shipment.seller_id == seller_id);
    let mut own: HashMap<ShipmentId, Shipment> = own.map(|shipment| (shipment.id, shipment)).collect();
    ids.iter().map(|id| own.remove(id).ok_or_else(|| Error::not_found("shipment", id))).collect()
}
