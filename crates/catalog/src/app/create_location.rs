//! A seller opens a place that it ships from.

use db::{Command, Tx};
use kernel::{Country, LocationId, SellerId};

use super::acting::acting;
use super::allow::has_enough;
use super::{App, Error};
use crate::domain::seller::Location;
use crate::store::locations;

/// Places of a seller.
const LOCATIONS_MAX: i64 = 1_000;

/// Opens it.
#[derive(Debug)]
pub(crate) struct CreateLocation {
    pub(crate) seller_id: SellerId,
    pub(crate) name: String,
    pub(crate) country: Country,
    pub(crate) postcode: String,
}

impl Command<App> for CreateLocation {
    type Output = Location;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Location, Error> {
        let seller_id = self.seller_id;
        app.check_lane("country", self.country)?;
        acting(tx, seller_id).await?;
        if locations::count(tx, seller_id).await? >= LOCATIONS_MAX {
            return Err(has_enough(format!("a seller may have {LOCATIONS_MAX} locations")));
        }
        let location = Location {
            id: LocationId::new(),
            seller_id,
            name: self.name.clone(),
            country: self.country,
            postcode: self.postcode.clone(),
        };
        locations::put(tx, &location).await?;
        Ok(location)
    }
}

impl App {
    /// Refuses a country that the hub has no lane from.
    pub(super) fn check_lane(&self, field: &str, country: Country) -> Result<(), Error> {
        if self.hub.lane(country).is_some() {
            return Ok(());
        }
        let lanes = self.hub.lanes().map(|lane| lane.from.as_str()).collect::<Vec<_>>().join(", ");
        Err(Error::invalid(field, format!("the hub has no lane from {country}; it has {lanes}")))
    }
}
