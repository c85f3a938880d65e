//! What logistics tells: consignments were booked, parcels moved on. Events of the parcels of one order interleave;
//! each is taken by itself.

use db::{Command, Tx};
use kernel::{ConsignmentId, OrderId};

use super::{App, Error, locked};
use crate::domain::consignment::Parcel;
use crate::store::escrow;

/// A consignment has its number.
#[derive(Debug)]
pub(crate) struct RecordBooking {
    pub(crate) order_id: OrderId,
    pub(crate) consignment_id: ConsignmentId,
    pub(crate) tracking_number: String,
}

impl Command<App> for RecordBooking {
    type Output = ();

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<(), Error> {
        let order = locked(tx, self.order_id).await?;
        match order.book(self.consignment_id, &self.tracking_number, app.clock.now())? {
            Some(order) => app.save(tx, &order, None).await,
            None => Ok(()),
        }
    }
}

/// A parcel moved on; one that was delivered gets its timer.
#[derive(Debug)]
pub(crate) struct RecordTracking {
    pub(crate) order_id: OrderId,
    pub(crate) consignment_id: ConsignmentId,
    pub(crate) parcel: Parcel,
}

impl Command<App> for RecordTracking {
    type Output = ();

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<(), Error> {
        let id = self.consignment_id;
        let order = locked(tx, self.order_id).await?;
        let was_delivered = order.consignment(id)?.1.delivery.is_some();
        let tracked = order.track(id, self.parcel.clone(), app.trade_policy.escrow, app.clock.now())?;
        let Some(order) = tracked else { return Ok(()) };
        app.save(tx, &order, None).await?;
        match order.consignment(id)?.1.delivery {
            Some(delivery) if !was_delivered => {
                Ok(escrow::set(tx, id, self.order_id, delivery.release_at).await?)
            }
            _ => Ok(()),
        }
    }
}
