//! Places that sellers ship from.

use db::Tx;
use kernel::{LocationId, SellerId};
use uuid::Uuid;

use super::parsed;
use crate::domain::seller::Location;

#[derive(sqlx::FromRow)]
struct Row {
    location_id: Uuid,
    seller_id: Uuid,
    name: String,
    country: String,
    postcode: String,
}

impl Row {
    fn read(self) -> Result<Location, db::Error> {
        Ok(Location {
            id: self.location_id.into(),
            seller_id: self.seller_id.into(),
            country: parsed(&self.country)?,
            name: self.name,
            postcode: self.postcode,
        })
    }
}

/// Writes a place.
pub(crate) async fn put(tx: &mut Tx, location: &Location) -> Result<(), db::Error> {
    db::execute!(
        tx,
        "insert into locations (location_id, seller_id, name, country, postcode) values ($1, $2, $3, $4, $5)",
        location.id.uuid(),
        location.seller_id.uuid(),
        location.name.as_str(),
        location.country.as_str(),
        location.postcode.as_str(),
    )?;
    Ok(())
}

/// How many places a seller has.
pub(crate) async fn count(tx: &mut Tx, seller_id: SellerId) -> Result<i64, db::Error> {
    let (count,) =
        db::fetch_one!(tx, (i64,), "select count(*) from locations where seller_id = $1", seller_id.uuid())?;
    Ok(count)
}

/// A seller's places, oldest first, after the one given.
pub(crate) async fn of_seller(
    tx: &mut Tx,
    seller_id: SellerId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Location>, db::Error> {
    let rows = db::fetch_all!(
        tx,
        Row,
        "select location_id, seller_id, name, country, postcode from locations \
         where seller_id = $1 and location_id > $2 order by location_id limit $3",
        seller_id.uuid(),
        after.unwrap_or(Uuid::nil()),
        limit,
    )?;
    rows.into_iter().map(Row::read).collect()
}

/// Whether the place is the seller's.
pub(crate) async fn is_of(tx: &mut Tx, id: LocationId, seller_id: SellerId) -> Result<bool, db::Error> {
    let row = db::fetch_optional!(
        tx,
        (Uuid,),
        "select location_id from locations where location_id = $1 and seller_id = $2",
        id.uuid(),
        seller_id.uuid(),
    )?;
    Ok(row.is_some())
}
