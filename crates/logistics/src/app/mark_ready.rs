//! A seller has packed consignments: they are ready for pick-up.

use db::{Command, Tx};
use kernel::ShipmentId;

use super::get_labels::own;
use super::{App, Error};
use crate::domain::shipment::Shipment;
use crate::store::shipments;

/// Marks consignments as ready, or takes the mark back: all or none. They are returned as they then stand.
#[derive(Debug)]
pub(crate) struct MarkReady {
    pub(crate) seller_id: String,
    pub(crate) ids: Vec<ShipmentId>,
    pub(crate) ready: bool,
}

impl Command<App> for MarkReady {
    type Output = Vec<Shipment>;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Self::Output, Error> {
        let found = own(shipments::lock_by_ids(tx, &self.ids).await?, &self.ids, &self.seller_id)?;
        let mut marked = Vec::with_capacity(found.len());
        for shipment in found {
            let changed = shipment.clone().mark_ready(self.ready, app.clock.now())?;
            if let Some(shipment) = &changed {
                shipments::save(tx, shipment).await?;
            }
            marked.push(changed.unwrap_or(shipment));
        }
        Ok(marked)
    }
}
