//! How a hold of stock stands.

use chrono::{DateTime, Utc};
use db::{Query, ReadMode, Tx};
use kernel::ReservationId;

use super::{App, Error};
use crate::domain::reservation::Reservation;
use crate::store::reservations;

/// A hold as it stands, and when it was made.
#[derive(Debug)]
pub(crate) struct InquireReservation {
    pub(crate) reservation_id: ReservationId,
}

impl Query<App> for InquireReservation {
    type Output = (Reservation, DateTime<Utc>);

    const READING: ReadMode = ReadMode::Select;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<(Reservation, DateTime<Utc>), Error> {
        let id = self.reservation_id;
        reservations::find(tx, id).await?.ok_or_else(|| Error::not_found("reservation", id))
    }
}
