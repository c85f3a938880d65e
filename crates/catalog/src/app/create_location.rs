//! A seller opens a place that it ships from.

use db::Tx;
use kernel::Country;

use super::apply_seller::acting;
use super::{App, Error};
use crate::domain::seller::Location;
use crate::store::locations;

impl App {
    /// Refuses a country that the hub has no lane from.
    pub(crate) fn check_lane(&self, field: &str, country: Country) -> Result<(), Error> {
        if self.hub.lane(country).is_some() {
            return Ok(());
        }
        let lanes = self.hub.lanes().map(|lane| lane.from.as_str()).collect::<Vec<_>>().join(", ");
        Err(Error::invalid(field, format!("the hub has no lane from {country}; it has {lanes}")))
    }
}

/// Places of a seller.
const LOCATIONS_MAX: i64 = 1_000;

/// Opens it.
pub(crate) async fn create(tx: &mut Tx, location: Location) -> Result<Location, Error> {
    acting(tx, location.seller_id).await?;
    if locations::count(tx, location.seller_id).await? >= LOCATIONS_MAX {
        return Err(Error::Full(format!("a seller may have {LOCATIONS_MAX} locations")));
    }
    locations::put(tx, &location).await?;
    Ok(location)
}
