//! Carriage, duty and tax for quotes. Nothing is kept: the quote's document has it all.

use super::{App, Error};
use crate::domain::landed::{Consignment, Landed, Refusal, Terms, landed};

/// The landed cost of each consignment.
#[derive(Debug)]
pub(crate) struct QuoteLandedCost {
    pub(crate) consignments: Vec<Consignment>,
    /// Empty: not known.
    pub(crate) postcode: String,
    /// The service to use, by its code; empty: the one with the lowest landed total.
    pub(crate) carriage_service: String,
}

impl QuoteLandedCost {
    /// Works them out, of the profile and the rates, without a database. A refusal says which consignment it is about.
    pub(crate) fn answer(&self, app: &App) -> Result<Vec<Landed>, Error> {
        let terms = Terms {
            profile: &app.hub,
            rates: &app.rates,
            today: app.hub.today(app.clock.now()),
            sandbox: app.sandbox.enabled,
            postcode: &self.postcode,
            carriage_service: &self.carriage_service,
        };
        let quote = |(place, consignment): (usize, &Consignment)| {
            landed(&terms, consignment).map_err(|refusal| refused(place, &refusal))
        };
        self.consignments.iter().enumerate().map(quote).collect()
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
