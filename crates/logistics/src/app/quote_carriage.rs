//! The ways to carry a parcel, for whoever asks.

use hub::{CarriageOption, Parcel};
use kernel::Country;

use super::App;

/// The ways to carry one parcel into the hub's country.
#[derive(Debug)]
pub(crate) struct QuoteCarriage {
    pub(crate) from: Country,
    pub(crate) parcel: Parcel,
    /// Empty: not known.
    pub(crate) postcode: String,
}

impl QuoteCarriage {
    /// Cheapest first. It reads the hub's profile alone, no database.
    pub(crate) fn run(&self, app: &App) -> Vec<CarriageOption> {
        app.hub.carriage(self.from, &[self.parcel], &self.postcode)
    }
}
