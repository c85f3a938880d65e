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
    #[serde(skip_serializing_if = "is_nothing")]
    discount: Money,
}

/// Whether nothing was taken off: it is not stored.
fn is_nothing(discount: &Money) -> bool {
    discount.is_zero()
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
    /// Prices of earlier releases do not have it: nothing was taken off them.
    #[serde(default)]
    discount: Option<Money>,
}

impl TryFrom<Parts> for Price {
    type Error = Error;

    fn try_from(parts: Parts) -> Result<Self, Error> {
        let Parts { goods, carriage, insurance, duty, tax, fees, discount } = parts;
        let price = Self::new([goods, carriage, insurance, duty, tax, fees])?;
        discount.map_or(Ok(price), |discount| price.with_discount(discount))
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
        let discount = Money::zero(goods.currency());
        Ok(Self { goods, carriage, insurance, duty, tax, fees, discount })
    }

    /// The same price, whose goods are already less `discount`.
    ///
    /// # Errors
    /// A discount that is of another currency than the goods.
    pub fn with_discount(self, discount: Money) -> Result<Self, Error> {
        self.goods.checked_cmp(discount)?;
        Ok(Self { discount, ..self })
    }

    /// Nothing.
    #[must_use]
    pub fn zero(currency: Currency) -> Self {
        let zero = Money::zero(currency);
        let [goods, carriage, insurance, duty, tax, fees, discount] = [zero; 7];
        Self { goods, carriage, insurance, duty, tax, fees, discount }
    }

    /// The goods themselves, less the discount.
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

    /// What was taken off the price of the goods: no part of the total. The seller bears it.
    #[must_use]
    pub fn discount(&self) -> Money {
        self.discount
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
        let mut discount = Money::zero(currency);
        for price in prices {
            for (sum, part) in sum.iter_mut().zip(price.parts()) {
                *sum = sum.checked_add(part)?;
            }
            discount = discount.checked_add(price.discount)?;
        }
        Self::new(sum)?.with_discount(discount)
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
        assert_eq!(Price::new([myr, myr, myr, thb, myr, myr]), Err(wrong.clone()));
        let mut stored = serde_json::to_value(price).unwrap();
        assert_eq!(serde_json::from_value::<Price>(stored.clone()).unwrap(), price);
        stored["fees"] = serde_json::to_value(thb).unwrap();
        assert!(serde_json::from_value::<Price>(stored).is_err());
        assert_eq!(price.with_discount(thb), Err(wrong));
    }

    #[test]
    fn a_discount_is_no_part_of_the_total() {
        let myr = |minor| Money::new(minor, Currency::MYR).unwrap();
        let price = Price::new([myr(5); 6]).unwrap().with_discount(myr(2)).unwrap();
        let sum = Price::sum([&price, &price], Currency::MYR).unwrap();
        assert_eq!((sum.total().unwrap(), sum.discount()), (myr(60), myr(4)));
        let mut stored = serde_json::to_value(price).unwrap();
        assert_eq!(serde_json::from_value::<Price>(stored.clone()).unwrap(), price);
        stored.as_object_mut().unwrap().remove("discount");
        assert_eq!(serde_json::from_value::<Price>(stored).unwrap(), Price::new([myr(5); 6]).unwrap());
    }
}
