//! Where a seller ships from.

use db::{Query, Tx};
use kernel::SellerId;
use uuid::Uuid;

use super::{App, Error};
use crate::domain::seller::Location;
use crate::store::locations;

/// A seller's places, oldest first.
#[derive(Debug)]
pub(crate) struct ListLocations {
    pub(crate) seller_id: SellerId,
    pub(crate) after: Option<Uuid>,
    pub(crate) limit: i64,
}

impl Query<App> for ListLocations {
    type Output = Vec<Location>;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Vec<Location>, Error> {
        Ok(locations::of_seller(tx, self.seller_id, self.after, self.limit).await?)
    }
}
