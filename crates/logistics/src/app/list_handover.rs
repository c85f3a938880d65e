//! What a seller hands over to a carrier.

use db::{Query, Tx};
use uuid::Uuid;

use super::{App, Error};
use crate::domain::shipment::Shipment;
use crate::store::shipments;

/// A page of a seller's consignments that are ready for a carrier and not picked up yet, oldest first.
#[derive(Debug)]
pub(crate) struct ListHandover {
    pub(crate) seller_id: String,
    /// Its code.
    pub(crate) carrier: String,
    /// The last of the page before.
    pub(crate) after: Option<Uuid>,
    pub(crate) limit: i64,
}

/// What is handed over.
#[derive(Debug)]
pub(crate) struct Handover {
    pub(crate) carrier_name: String,
    /// Of the page.
    pub(crate) shipments: Vec<Shipment>,
    /// Of all pages.
    pub(crate) total_count: i64,
    pub(crate) total_chargeable_grams: i64,
}

impl Query<App> for ListHandover {
    type Output = Handover;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Handover, Error> {
        let Some(carrier) = app.hub.carrier(&self.carrier) else {
            let codes: Vec<&str> = app.hub.carriers().iter().map(|carrier| carrier.code.as_str()).collect();
            let problem =
                format!("`{}` is not a carrier of this hub: {} are", self.carrier, codes.join(", "));
            return Err(Error::invalid("carrier", problem));
        };
        let shipments = shipments::ready(tx, &self.seller_id, &self.carrier, self.after, self.limit).await?;
        let (total_count, total_chargeable_grams) =
            shipments::count_ready(tx, &self.seller_id, &self.carrier).await?;
        Ok(Handover { carrier_name: carrier.name.clone(), shipments, total_count, total_chargeable_grams })
    }
}
