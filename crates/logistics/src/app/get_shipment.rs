//! A parcel as its buyer, its seller or an operator sees it.

use db::{Query, Tx};
use kernel::ShipmentId;

use super::{App, Error};
use crate::domain::owner::Owner;
use crate::domain::shipment::{Shipment, TrackingEvent};
use crate::store::{shipments, tracking};

/// A shipment with its steps.
#[derive(Debug)]
pub(crate) struct GetShipment {
    pub(crate) owner: Owner,
    pub(crate) named: ShipmentName,
}

/// A shipment by its id or its S10 number.
#[derive(Debug)]
pub(crate) enum ShipmentName {
    Id(ShipmentId),
    Number(String),
}

impl Query<App> for GetShipment {
    type Output = (Shipment, Vec<TrackingEvent>);

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Self::Output, Error> {
        let (found, name) = match &self.named {
            ShipmentName::Id(id) => (shipments::find(tx, *id).await?, id.to_string()),
            ShipmentName::Number(number) => (shipments::find_by_number(tx, number).await?, number.clone()),
        };
        let own = found.filter(|shipment| self.owner.may_see(&shipment.buyer, &shipment.seller_id));
        let shipment = own.ok_or_else(|| Error::not_found("shipment", name))?;
        let steps = tracking::of(tx, shipment.id).await?;
        Ok((shipment, steps))
    }
}
