//! What logistics tells: consignments were booked, parcels moved on. Events of the parcels of one order interleave;
//! each makes a version.

use chrono::{DateTime, Utc};
use db::{Batched, Command, Entry, Outcome, Tx};
use kernel::{ConsignmentId, OrderId};
use uuid::Uuid;

use super::{App, Error, locked};
use crate::domain::consignment::Parcel;
use crate::domain::order::Order;
use crate::store::{escrow, orders};

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

impl Batched<App> for RecordBooking {
    fn key(&self) -> Uuid {
        self.consignment_id.uuid()
    }

    /// An order that is not there fails all: it is rare, and their halves find it.
    async fn run_all(
        batch: &[Entry<'_, Self>],
        app: &App,
        tx: &mut Tx,
    ) -> Result<Vec<Outcome<App, Self>>, Error> {
        let bookings: Vec<&Self> = batch.iter().map(Entry::command).collect();
        book(&bookings, app.clock.now(), tx).await?;
        Ok(bookings.into_iter().map(|_| Ok(())).collect())
    }
}

/// Books consignments of several orders; of one order one after the other, as each makes a version.
async fn book(bookings: &[&RecordBooking], now: DateTime<Utc>, tx: &mut Tx) -> Result<(), Error> {
    let locked = orders::lock_all(tx, bookings.iter().map(|booking| booking.order_id)).await?;
    let mut versions: Vec<Order> = Vec::with_capacity(bookings.len());
    for booking in bookings {
        let id = booking.order_id;
        let last = versions.iter().rfind(|order| order.id == id).or_else(|| locked.get(&id));
        let order = last.cloned().ok_or_else(|| Error::not_found("order", id))?;
        versions.extend(order.book(booking.consignment_id, &booking.tracking_number, now)?);
    }
    let versions: Vec<&Order> = versions.iter().collect();
    if !versions.is_empty() && !orders::save(tx, &versions).await? {
        return Err(Error::Superseded);
    }
    Ok(())
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

#[cfg(test)]
mod tests;
