//! A seller's consignments page by page.

use super::{App, Error};
use crate::domain::shipment::{Shipment, TrackingEvent};
use crate::store::shipments::{self, Booked, Filter};
use crate::store::tracking;
use db::{Query, Tx};

/// A page of a seller's consignments with their steps, newest first.
#[derive(Debug)]
pub(crate) struct ListConsignments {
    pub(crate) filter: Filter,
    /// The last of the page before.
    pub(crate) before: Option<Booked>,
    pub(crate) limit: i64,
}

impl Query<App> for ListConsignments {
    type Output = Vec<(Shipment, Vec<TrackingEvent>)>;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Self::Output, Error> {
        let found = shipments::filtered(tx, &self.filter, self.before, self.limit).await?;
        Ok(tracking::beside(tx, found).await?)
    }
}
