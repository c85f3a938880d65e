//! Rates for quotes and for people.

use money::Currency;

use super::{App, Error};
use crate::domain::exchange::{self, AgeLimit, Quoted};

impl App {
    /// The hub's rate now. It is not kept: a quote freezes it and gives it back when its order is confirmed.
    pub(crate) fn rate(&self, from: Currency, to: Currency) -> Result<Quoted, Error> {
        let terms = self.hub.terms();
        let days = terms.exchange_age_days_max;
        let limit =
            if self.sandbox { AgeLimit::WarnAfterDays(days) } else { AgeLimit::RefuseAfterDays(days) };
        let today = self.hub.today(self.clock.now());
        exchange::quote(&self.rates, terms.exchange_spread, limit, from, to, today).map_err(|error| {
            let message = error.to_string();
            match error {
                exchange::Error::Unavailable { currency, .. } => Error::NoRate { currency, message },
                exchange::Error::TooOld { .. } => Error::refused("RATE_TOO_OLD", message),
            }
        })
    }
}
