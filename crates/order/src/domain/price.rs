//! A price in parts, all in one currency.

use money::{Currency, Error, Money};
use serde::{Deserialize, Serialize};

/// A price in parts of one currency. Its total is their sum, never stored beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Price {
    /// The goods themselves.
    pub(crate) goods: Money,
    /// Carriage to the door.
    pub(crate) carriage: Money,
    /// Insurance of the carriage.
    pub(crate) insurance: Money,
    /// Customs duty with excise.
    pub(crate) duty: Money,
    /// Sales tax, VAT or GST.
    pub(crate) tax: Money,
    /// Fees of customs or the carrier.
    pub(crate) fees: Money,
}

impl Price {
    /// Nothing.
    pub(crate) fn zero(currency: Currency) -> Self {
        let zero = Money::zero(currency);
        Self { goods: zero, carriage: zero, insurance: zero, duty: zero, tax: zero, fees: zero }
    }

    /// The currency of its parts.
    pub(crate) fn currency(&self) -> Currency {
        self.goods.currency()
    }

    /// The parts in the order of their names above.
    pub(crate) fn parts(&self) -> [Money; 6] {
        [self.goods, self.carriage, self.insurance, self.duty, self.tax, self.fees]
    }

    /// From the parts in the order of [`Price::parts`].
    pub(crate) fn from_parts([goods, carriage, insurance, duty, tax, fees]: [Money; 6]) -> Self {
        Self { goods, carriage, insurance, duty, tax, fees }
    }

    /// The sum of the parts.
    pub(crate) fn total(&self) -> Result<Money, Error> {
        Money::sum(self.parts(), self.currency())
    }

    /// The parts of several prices of `currency`, each added up.
    pub(crate) fn sum<'a>(
        prices: impl IntoIterator<Item = &'a Self>,
        currency: Currency,
    ) -> Result<Self, Error> {
        let mut sum = Self::zero(currency).parts();
        for price in prices {
            for (sum, part) in sum.iter_mut().zip(price.parts()) {
                *sum = sum.checked_add(part)?;
            }
        }
        Ok(Self::from_parts(sum))
    }
}
