//! Rates for quotes and for people.

use kernel::Refusal;
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
                exchange::Error::Unavailable { currency, .. } => {
                    let message = format!("{message}; {}", self.known_currencies());
                    no_rate(currency, message).into()
                }
                exchange::Error::TooOld { .. } => Error::refused("RATE_TOO_OLD", message),
            }
        })
    }

    /// What to say to somebody who has named another currency.
    pub(super) fn known_currencies(&self) -> String {
        let today = self.hub.today(self.clock.now());
        let known = self.rates.currencies_to(self.hub.currency(), today);
        let known = known.iter().map(|currency| currency.code()).collect::<Vec<_>>().join(", ");
        format!("it exchanges {known}")
    }
}

/// A currency has no rate.
pub(super) fn no_rate(currency: Currency, message: String) -> Refusal {
    Refusal::new("RATE_UNAVAILABLE", message).about("currency", currency.code())
}
