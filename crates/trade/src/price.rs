//! A price in parts.

use money::{Currency, Error, Money};
use serde::{Deserialize, Serialize};

/// A price in parts, all of one currency. Its total is their sum, never stored beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Parts")]
pub struct Price {
    goods: Money,
    carriage: Money,
    insurance: Money,
    duty: Money,
    tax: Money,
    fees: Money,
}

/// A price as it is stored, before its currencies are compared.
#[derive(Deserialize)]
struct Parts {
    goods: Money,
    carriage: Money,
    insurance: Money,
    duty: Money,
    tax: Money,
    fees: Money,
}

impl TryFrom<Parts> for Price {
    type Error = Error;

    fn try_from(Parts { goods, carriage, insurance, duty, tax, fees }: Parts) -> Result<Self, Error> {
        Self::new([goods, carriage, insurance, duty, tax, fees])
    }
}

impl Price {
    /// From goods, carriage, insurance, duty, tax and fees, in this order.
    ///
    /// # Errors
    /// A part that is of another currency than the goods.
    pub fn new(parts: [Money; 6]) -> Result<Self, Error> {
        let [goods, carriage, insurance, duty, tax, fees] = parts;
        for part in parts {
            goods.checked_cmp(part)?;
        }
        Ok(Self { goods, carriage, insurance, duty, tax, fees })
    }

    /// Nothing.
    #[must_use]
    pub fn zero(currency: Currency) -> Self {
        let zero = Money::zero(currency);
        Self { goods: zero, carriage: zero, insurance: zero, duty: zero, tax: zero, fees: zero }
    }

    /// The goods themselves.
    #[must_use]
    pub fn goods(&self) -> Money {
        self.goods
    }

    /// Carriage to the door.
    #[must_use]
    pub fn carriage(&self) -> Money {
        self.carriage
    }

    /// Insurance of the carriage.
    #[must_use]
    pub fn insurance(&self) -> Money {
        self.insurance
    }

    /// Customs duty with excise.
    #[must_use]
    pub fn duty(&self) -> Money {
        self.duty
    }

    /// Sales tax, VAT or GST.
    #[must_use]
    pub fn tax(&self) -> Money {
        self.tax
    }

    /// Fees of customs or the carrier.
    #[must_use]
    pub fn fees(&self) -> Money {
        self.fees
    }

    /// The currency of its parts.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.goods.currency()
    }

    /// The parts in the order of [`Price::new`].
    #[must_use]
    pub fn parts(&self) -> [Money; 6] {
        [self.goods, self.carriage, self.insurance, self.duty, self.tax, self.fees]
    }

    /// The sum of the parts.
    ///
    /// # Errors
    /// A sum that is more than can be counted.
    pub fn total(&self) -> Result<Money, Error> {
        Money::sum(self.parts(), self.currency())
    }

    /// The parts of several prices of `currency`, each added up.
    ///
    /// # Errors
    /// A price of another currency, or a sum that is more than can be counted.
    pub fn sum<'a>(prices: impl IntoIterator<Item = &'a Self>, currency: Currency) -> Result<Self, Error> {
        let mut sum = Self::zero(currency).parts();
        for price in prices {
            for (sum, part) in sum.iter_mut().zip(price.parts()) {
                *sum = sum.checked_add(part)?;
            }
        }
        Self::new(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_are_of_one_currency() {
        let (myr, thb) = (Money::new(5, Currency::MYR).unwrap(), Money::new(5, Currency::THB).unwrap());
        let price = Price::new([myr; 6]).unwrap();
        assert_eq!(price.total().unwrap().minor(), 30);
        let wrong = Error::CurrencyMismatch { left: Currency::MYR, right: Currency::THB };
        assert_eq!(Price::new([myr, myr, myr, thb, myr, myr]), Err(wrong));
        let mut stored = serde_json::to_value(price).unwrap();
        assert_eq!(serde_json::from_value::<Price>(stored.clone()).unwrap(), price);
        stored["fees"] = serde_json::to_value(thb).unwrap();
        assert!(serde_json::from_value::<Price>(stored).is_err());
    }
}
