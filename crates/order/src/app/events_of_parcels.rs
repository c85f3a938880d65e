//! What logistics tells: consignments were booked, parcels moved on. Events of the parcels of one order interleave;
//! each is taken by itself.

use db::Tx;
use kernel::{ConsignmentId, OrderId};

use super::{App, Error, locked};
use crate::domain::consignment::Parcel;
use crate::store::escrow;

impl App {
    /// A consignment has its number.
    pub(crate) async fn consignment_booked(
        &self,
        tx: &mut Tx,
        id: OrderId,
        consignment_id: ConsignmentId,
        tracking_number: &str,
    ) -> Result<(), Error> {
        let order = locked(tx, id).await?;
        match order.book(consignment_id, tracking_number, self.clock.now())? {
            Some(order) => self.save(tx, &order, None).await,
            None => Ok(()),
        }
    }

    /// A parcel moved on; one that was delivered gets its timer.
    pub(crate) async fn parcel_moved(
        &self,
        tx: &mut Tx,
        id: OrderId,
        consignment_id: ConsignmentId,
        parcel: Parcel,
    ) -> Result<(), Error> {
        let order = locked(tx, id).await?;
        let was_delivered = order.consignment(consignment_id)?.1.delivery.is_some();
        let Some(order) = order.track(consignment_id, parcel, self.market.escrow, self.clock.now())? else {
            return Ok(());
        };
        self.save(tx, &order, None).await?;
        match order.consignment(consignment_id)?.1.delivery {
            Some(delivery) if !was_delivered => {
                Ok(escrow::set(tx, consignment_id, id, delivery.release_at).await?)
            }
            _ => Ok(()),
        }
    }
}
