//! What has gone back of a consignment, and who bears it.

use hub::Bearer;
use money::{Error, Money, Rounding};
use serde::{Deserialize, Serialize};

use super::AmountTooLarge;
use super::terms::SettlementTerms;

/// What has gone back of a consignment so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Returned {
    /// Refunded in the buyer's currency.
    pub(crate) refunded: Money,
    /// Goods that went back, in the seller's currency.
    pub(crate) goods: Money,
    /// What was refunded beside goods.
    pub(crate) costs: Costs,
}

/// What was refunded beside goods, in minor units of the buyer's currency, by who bears it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Costs {
    /// Duty and tax that customs gives back.
    pub(crate) customs: i64,
    /// Duty and tax that customs keeps.
    pub(crate) duty_and_tax: BorneCosts,
    /// Carriage, insurance and fees.
    pub(crate) outward: BorneCosts,
}

/// Minor units by who bears them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct BorneCosts {
    pub(crate) seller: i64,
    pub(crate) hub: i64,
}

/// A refund as order tells of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts {
    /// All of it, in the buyer's currency.
    pub(crate) refund: Money,
    /// The goods in the seller's currency.
    pub(crate) goods: Money,
    /// What is refunded beside goods; `None`: not said.
    pub(crate) costs: Option<CostParts>,
}

/// What a refund gives beside goods, in the buyer's currency, and who bears it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CostParts {
    pub(crate) duty_and_tax: Money,
    pub(crate) duty_and_tax_bearer: Bearer,
    pub(crate) outward: Money,
    pub(crate) outward_bearer: Bearer,
}

impl Returned {
    /// With one more return.
    pub(crate) fn and(&self, terms: &SettlementTerms, parts: &Parts) -> Result<Self, AmountTooLarge> {
        let told = match parts.costs {
            Some(told) => told,
            None => self.costs.split(terms, parts.refund, parts.goods)?,
        };
        Ok(Self {
            refunded: self.refunded.checked_add(parts.refund)?,
            goods: self.goods.checked_add(parts.goods)?,
            costs: self.costs.and(&told).ok_or(Error::Overflow)?,
        })
    }
}

impl Costs {
    /// What follows from a refund and its goods alone.
    pub(crate) fn of(terms: &SettlementTerms, refunded: Money, goods: Money) -> Result<Self, AmountTooLarge> {
        let nothing = Self::default();
        Ok(nothing.and(&nothing.split(terms, refunded, goods)?).ok_or(Error::Overflow)?)
    }

    /// A further refund that does not say its parts. What is no goods is duty and tax, which customs gives back, as far as
    /// these were paid and not refunded; the seller bears the rest.
    fn split(
        &self,
        terms: &SettlementTerms,
        refund: Money,
        goods: Money,
    ) -> Result<CostParts, AmountTooLarge> {
        let goods = goods.convert(terms.goods_rate, refund.currency(), Rounding::Up)?;
        let rest = refund.checked_sub(goods)?.minor().max(0);
        let gone =
            self.customs.saturating_add(self.duty_and_tax.seller).saturating_add(self.duty_and_tax.hub);
        let duty_and_tax = rest.min(terms.paid_duty_and_tax.minor().saturating_sub(gone).max(0));
        Ok(CostParts {
            duty_and_tax: Money::new(duty_and_tax, refund.currency())?,
            duty_and_tax_bearer: Bearer::Customs,
            outward: Money::new(rest - duty_and_tax, refund.currency())?,
            outward_bearer: Bearer::Seller,
        })
    }

    fn and(mut self, parts: &CostParts) -> Option<Self> {
        let duty_and_tax = match parts.duty_and_tax_bearer {
            Bearer::Customs => &mut self.customs,
            Bearer::Seller => &mut self.duty_and_tax.seller,
            // What a buyer bears is not refunded.
            Bearer::Hub | Bearer::Buyer => &mut self.duty_and_tax.hub,
        };
        *duty_and_tax = duty_and_tax.checked_add(parts.duty_and_tax.minor())?;
        let outward = match parts.outward_bearer {
            Bearer::Seller => &mut self.outward.seller,
            Bearer::Hub | Bearer::Buyer | Bearer::Customs => &mut self.outward.hub,
        };
        *outward = outward.checked_add(parts.outward.minor())?;
        Some(self)
    }
}

/// The part of `whole` that `minor` is of `paid`, rounded up and never more than all of it: when all of `paid` was
/// refunded it is the whole, and the hub never bears a fraction.
pub(crate) fn share(whole: Money, minor: i64, paid: Money) -> Result<Money, AmountTooLarge> {
    if !paid.is_positive() || minor >= paid.minor() {
        return Ok(if minor > 0 { whole } else { Money::zero(whole.currency()) });
    }
    let (minor, paid) = (i128::from(minor.max(0)), i128::from(paid.minor()));
    let exact = i128::from(whole.minor()).checked_mul(minor).ok_or(Error::Overflow)?;
    let up = exact.checked_add(paid - 1).ok_or(Error::Overflow)? / paid;
    Ok(Money::new(i64::try_from(up).map_err(|_| Error::Overflow)?, whole.currency())?)
}
