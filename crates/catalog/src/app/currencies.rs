//! The currencies that goods can be sold in: those that a quote can exchange.

use money::Currency;

use super::{App, Error};
use crate::domain::product::NewVariant;

impl App {
    /// Refuses a currency that the hub has no rate for: no quote could be made in it.
    pub(crate) fn check_currency(&self, field: &str, currency: Currency) -> Result<(), Error> {
        let (hub, today) = (self.hub.currency(), self.hub.today(self.clock.now()));
        if self.rates.rate(currency, hub, today).is_ok() {
            return Ok(());
        }
        let known = self.rates.currencies_to(hub, today);
        let known = known.iter().map(|currency| currency.code()).collect::<Vec<_>>().join(", ");
        Err(Error::invalid(field, format!("no quote can be made in {currency}; it can in {known}")))
    }

    /// The same for the prices of a product's variants.
    pub(super) fn check_prices(&self, variants: &[NewVariant]) -> Result<(), Error> {
        for (place, variant) in variants.iter().enumerate() {
            let field = format!("variants[{place}].price.currency");
            self.check_currency(&field, variant.goods.price.currency())?;
        }
        Ok(())
    }
}
