//! Carriage, duty and tax for quotes. Nothing is kept: the quote's document has it all.

use super::{App, Error};
use crate::domain::landed_cost::{Consignment, LandedCostContext, LandedQuote, landed};

/// The landed cost of each consignment.
#[derive(Debug)]
pub(crate) struct QuoteLandedCost {
    pub(crate) consignments: Vec<Consignment>,
    /// Empty: not known.
    pub(crate) postcode: String,
    /// The service to use, by its code; empty: the one with the lowest landed total.
    pub(crate) carriage_service: String,
    /// Whether the lines' exact charges are wanted.
    pub(crate) with_charges: bool,
}

impl QuoteLandedCost {
    /// Works them out, of the profile and the rates, without a database. A refusal says which consignment it is about.
    pub(crate) fn run(&self, app: &App) -> Result<Vec<LandedQuote>, Error> {
        let terms = LandedCostContext {
            profile: &app.hub,
            rates: &app.rates,
            today: app.hub.today(app.clock.now()),
            sandbox: app.sandbox.enabled,
            postcode: &self.postcode,
            carriage_service: &self.carriage_service,
            with_charges: self.with_charges,
        };
        let quote = |(place, consignment): (usize, &Consignment)| {
            landed(&terms, consignment).map_err(|refusal| refusal.about("consignment", place).into())
        };
        self.consignments.iter().enumerate().map(quote).collect()
    }
}
