//! The landed-cost engine: from a shipment and a ruleset to customs value, duty, excise, tax and fees, by line and in
//! total, with the rules that made them.

mod explain;
mod levy;
mod matching;
mod values;

use money::{Currency, Money};
use rust_decimal::Decimal;
use trade::{AppliedRule, Price};

use crate::rules::{Collected, Fee, LevyKind};
use crate::{Ruleset, Shipment};
use values::Values;

/// What a consignment costs once it has crossed the border, in the importing country's currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LandedCost {
    /// The importing country's.
    pub currency: Currency,
    /// What customs takes duty of.
    pub customs_value: Money,
    /// The amounts of the whole consignment.
    pub total: Amounts,
    /// The amounts of each line; they add up to the total.
    pub lines: Vec<Amounts>,
    /// The rules that made the amounts.
    pub rules: Vec<AppliedRule>,
    /// What a buyer should know.
    pub warnings: Vec<String>,
    /// See [`exact_charges`]; none where they are not asked for.
    charges: Vec<Charges>,
}

/// The parts of a landed cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amounts {
    /// The goods at the customs rate.
    pub goods: Money,
    /// Carriage.
    pub freight: Money,
    /// Insurance.
    pub insurance: Money,
    /// Import duty.
    pub duty: Money,
    /// Excise duty.
    pub excise: Money,
    /// Tax taken at import.
    pub import_tax: Money,
    /// Tax that the seller collects with the price.
    pub seller_tax: Money,
    /// Fees at the border.
    pub fees: Money,
}

/// What a line bears at the border, before it is rounded to the minor unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Charges {
    /// Import duty.
    pub duty: Decimal,
    /// Excise duty.
    pub excise: Decimal,
    /// Tax, whoever collects it.
    pub tax: Decimal,
    /// Fees at the border.
    pub fees: Decimal,
}

impl Charges {
    fn slot(&mut self, kind: LevyKind) -> &mut Decimal {
        match kind {
            LevyKind::Duty => &mut self.duty,
            LevyKind::Excise => &mut self.excise,
            LevyKind::Tax => &mut self.tax,
        }
    }
}

impl Amounts {
    fn zero(currency: Currency) -> Self {
        let zero = Money::zero(currency);
        Self {
            goods: zero,
            freight: zero,
            insurance: zero,
            duty: zero,
            excise: zero,
            import_tax: zero,
            seller_tax: zero,
            fees: zero,
        }
    }

    /// All tax, whoever collects it.
    pub fn tax(&self) -> Result<Money, money::Error> {
        self.import_tax.checked_add(self.seller_tax)
    }

    /// As a price: duty with excise, and all tax.
    pub fn price(&self) -> Result<Price, money::Error> {
        let duty = self.duty.checked_add(self.excise)?;
        Price::new([self.goods, self.freight, self.insurance, duty, self.tax()?, self.fees])
    }

    /// The sum of all parts.
    pub fn landed(&self) -> Result<Money, money::Error> {
        let parts = [
            self.goods,
            self.freight,
            self.insurance,
            self.duty,
            self.excise,
            self.import_tax,
            self.seller_tax,
            self.fees,
        ];
        Money::sum(parts, self.goods.currency())
    }

    fn slot(&mut self, kind: LevyKind, collected: Collected) -> &mut Money {
        match (kind, collected) {
            (LevyKind::Duty, _) => &mut self.duty,
            (LevyKind::Excise, _) => &mut self.excise,
            (LevyKind::Tax, Collected::Import) => &mut self.import_tax,
            (LevyKind::Tax, Collected::Seller) => &mut self.seller_tax,
        }
    }
}

/// Why no landed cost can be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing crosses the border.
    #[error("lines: a shipment has at least one line")]
    NoLines,
    /// A line's quantity is less than 1.
    #[error("lines[{0}].quantity: must be at least 1")]
    Quantity(usize),
    /// An amount is below zero.
    #[error("{0}: must not be below zero")]
    Negative(&'static str),
    /// More is taken off than the units cost.
    #[error("lines[{0}].discount: must be at most the price of the units")]
    Discount(usize),
    /// An amount is in a currency that is neither the goods' nor the importing country's.
    #[error("{field}: is in {found}; use {goods} or {hub}")]
    Currency {
        /// Which amount.
        field: &'static str,
        /// What it is in.
        found: Currency,
        /// The goods' currency.
        goods: Currency,
        /// The importing country's.
        hub: Currency,
    },
    /// The goods' currency is not the importing country's and no rate is given.
    #[error("customs_rate: is required to convert {goods} to {hub}")]
    NoRate {
        /// The goods' currency.
        goods: Currency,
        /// The importing country's.
        hub: Currency,
    },
    /// A rate is not above zero.
    #[error("customs_rate: must be above zero")]
    Rate,
    /// The rate that the buyer is charged at is not above zero.
    #[error("charge_rate: must be above zero")]
    ChargeRate,
    /// Freight is spread by weight and a line has none.
    #[error("lines[{0}].weight_grams: is required, since freight is allocated by weight")]
    NoWeight(usize),
    /// The profile has no rate for a bound's currency.
    #[error("the profile has no reference rate for {0}, the currency of a rule's bound")]
    NoReferenceRate(Currency),
    /// The tariff has no rate for a line.
    #[error("lines[{line}]: the tariff has no rate of `{levy}` for it")]
    NoTariff {
        /// Which line.
        line: usize,
        /// Which levy.
        levy: String,
    },
    /// No rule of a levy is for a line.
    #[error("no rule of `{levy}` covers lines[{line}] on that day")]
    NoRule {
        /// Which line.
        line: usize,
        /// Which levy.
        levy: String,
    },
    /// An amount is larger than money here can be.
    #[error("an amount is too large: {0}")]
    Money(#[from] money::Error),
}

/// Works out the landed cost of a shipment.
///
/// # Errors
/// A shipment or a ruleset that leaves something open; see [`Error`].
pub fn landed_cost(ruleset: &Ruleset, shipment: &Shipment) -> Result<LandedCost, Error> {
    work_out(ruleset, shipment, false)
}

/// What of duty, tax and fees falls on each line of a shipment, exact: by these they are spread in a currency of smaller
/// units, where the lines' rounded amounts would weigh wrongly. They add up to the total but for what a decimal cuts off.
///
/// # Errors
/// As [`landed_cost`].
pub fn exact_charges(ruleset: &Ruleset, shipment: &Shipment) -> Result<Vec<Charges>, Error> {
    Ok(work_out(ruleset, shipment, true)?.charges)
}

fn work_out(ruleset: &Ruleset, shipment: &Shipment, exactly: bool) -> Result<LandedCost, Error> {
    let values = Values::of(ruleset, shipment, exactly)?;
    let mut cost = values.start(ruleset.currency);
    for fee in ruleset.rules.fees.iter().filter(|fee| fee.is_valid_on(shipment.date)) {
        add_fee(ruleset, shipment, &values, fee, &mut cost)?;
    }
    for levy in &ruleset.rules.levies {
        levy::add(ruleset, shipment, &values, levy, &mut cost)?;
    }
    // Each part can be counted; their sum must be too.
    cost.total.landed()?;
    cost.warnings.dedup();
    Ok(cost)
}

fn add_fee(
    ruleset: &Ruleset,
    shipment: &Shipment,
    values: &Values,
    fee: &Fee,
    cost: &mut LandedCost,
) -> Result<(), Error> {
    let by_transport = fee.transports.is_empty() || fee.transports.contains(&shipment.transport);
    if !by_transport || !matching::consignment_in_band(ruleset, shipment, values, fee.value.as_ref())? {
        return Ok(());
    }
    let amount = crate::amount::rounded(fee.amount, ruleset.currency)?;
    cost.total.fees = cost.total.fees.checked_add(amount)?;
    let weights = values.goods_shares();
    if values.exact.is_some() {
        let exact = crate::amount::shares(amount.to_decimal(), &weights)?;
        for (charges, exact) in cost.charges.iter_mut().zip(exact) {
            charges.fees += exact;
        }
    }
    for (line, share) in cost.lines.iter_mut().zip(amount.allocate(&weights)?) {
        line.fees = line.fees.checked_add(share)?;
    }
    cost.rules.push(explain::fee(fee, amount));
    Ok(())
}
