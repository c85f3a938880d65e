//! Carriage, duty and tax for quotes. Nothing is kept: the quote's document has it all.

use hub::{CarriageOption, Parcel};
use kernel::Country;

use super::{App, Error};
use crate::domain::landed::{Consignment, Landed, Refusal, Terms, landed};

impl App {
    /// The landed cost of each consignment. A refusal says which consignment it is about.
    pub(crate) fn quote_landed_cost(
        &self,
        consignments: &[Consignment],
        postcode: &str,
        carriage_service: &str,
    ) -> Result<Vec<Landed>, Error> {
        let terms = Terms {
            profile: &self.hub,
            rates: &self.rates,
            today: self.hub.today(self.clock.now()),
            sandbox: self.sandbox.enabled,
            postcode,
            carriage_service,
        };
        let quote = |(place, consignment): (usize, &Consignment)| {
            landed(&terms, consignment).map_err(|refusal| refused(place, &refusal))
        };
        consignments.iter().enumerate().map(quote).collect()
    }

    /// The ways to carry one parcel into the hub's country, cheapest first.
    pub(crate) fn quote_carriage(
        &self,
        from: Country,
        parcel: Parcel,
        postcode: &str,
    ) -> Vec<CarriageOption> {
        self.hub.carriage(from, &[parcel], postcode)
    }
}

fn refused(place: usize, refusal: &Refusal) -> Error {
    let mut about = vec![("consignment", place.to_string())];
    let reason = match refusal {
        Refusal::NoLane(from) => {
            about.push(("from_country", from.to_string()));
            "NO_LANE"
        }
        Refusal::NoCarriage(_) => "NO_CARRIAGE",
        Refusal::ServiceNotOffered { from, offered, .. } => {
            about.push(("from_country", from.to_string()));
            about.push(("offered", offered.clone()));
            "CARRIAGE_SERVICE_NOT_OFFERED"
        }
        Refusal::Prohibited { line, .. } => {
            about.push(("line", line.to_string()));
            "GOODS_PROHIBITED"
        }
        Refusal::NoPermit { line, .. } => {
            about.push(("line", line.to_string()));
            "PERMIT_REQUIRED"
        }
        Refusal::NoRate(_) => "CUSTOMS_RATE_UNAVAILABLE",
        Refusal::Customs(_) => "LANDED_COST_UNAVAILABLE",
        Refusal::TooLarge(_) => "AMOUNT_TOO_LARGE",
    };
    Error::Refused { reason, message: refusal.to_string(), about }
}
