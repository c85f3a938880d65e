//! Goods, freight and insurance in the importing country's currency, by line.

use money::{Currency, Money};
use rust_decimal::Decimal;

use super::{Amounts, Charges, Error, LandedCost};
use crate::amount::{rounded, shares, sum, times};
use crate::rules::{FreightSpread, Valuation};
use crate::{Ruleset, Shipment};

/// The values that rules compare and rates are taken of. Exact where nothing needs rounding yet.
pub(super) struct Values {
    /// Units of the importing country's currency for one of the goods', as customs counts.
    pub(super) rate: Decimal,
    /// The same, as the buyer is charged.
    pub(super) charge_rate: Decimal,
    /// The goods at the customs rate, whatever freight and insurance came to.
    pub(super) fob: Money,
    /// The sale price of the goods: what the buyer is charged for them.
    pub(super) price: Money,
    /// Of the whole consignment: the sum of the lines'.
    pub(super) customs_value: Money,
    totals: Parts<Money>,
    pub(super) lines: Vec<LineValues>,
    /// Of each line, where they are asked for.
    pub(super) exact: Option<Vec<ExactValues>>,
}

/// What rates are taken of, of a line, before it is rounded.
pub(super) struct ExactValues {
    /// The share of the sale price.
    pub(super) price: Decimal,
    /// The customs value.
    pub(super) customs_value: Decimal,
}

pub(super) struct LineValues {
    /// The line's share of the sale price.
    pub(super) price: Money,
    /// The line's shares of the totals.
    parts: Parts<Money>,
    /// The sum of those parts that the valuation counts.
    pub(super) customs_value: Money,
    /// What is paid for one unit, in the goods' currency.
    pub(super) unit_price: Decimal,
    pub(super) quantity: Decimal,
    worth: Decimal,
}

/// What a value at the border is made of.
#[derive(Debug, Clone, Copy)]
struct Parts<T> {
    goods: T,
    freight: T,
    insurance: T,
}

impl Values {
    pub(super) fn of(ruleset: &Ruleset, shipment: &Shipment, exactly: bool) -> Result<Self, Error> {
        check(shipment)?;
        let hub = ruleset.currency;
        let rate = rate(shipment, hub)?;
        let charge_rate = charge_rate(shipment, hub, rate)?;
        let worth = shipment.lines.iter().map(|line| line.goods().map(Money::to_decimal));
        let worth = worth.collect::<Result<Vec<_>, _>>()?;
        let goods = sum(worth.iter().copied())?;
        let exact = Parts {
            goods: times(goods, rate)?,
            freight: side("freight", shipment.freight, shipment, hub, rate)?,
            insurance: side("insurance", shipment.insurance, shipment, hub, rate)?,
        };
        let valuation = ruleset.rules.valuation;
        let totals = totals(valuation, exact, hub)?;
        let freight_shares = match ruleset.rules.freight_spread {
            FreightSpread::Value => worth.clone(),
            FreightSpread::Weight => weights(shipment)?,
        };
        let mut values = Self {
            rate,
            charge_rate,
            fob: rounded(exact.goods, hub)?,
            price: rounded(times(goods, charge_rate)?, hub)?,
            customs_value: customs_value(valuation, totals)?,
            totals,
            lines: Vec::with_capacity(worth.len()),
            exact: None,
        };
        values.spread(valuation, shipment, &worth, &freight_shares)?;
        if exactly {
            values.exact = Some(values.exact_values(valuation, &worth, &freight_shares)?);
        }
        Ok(values)
    }

    /// Each total over the lines.
    fn spread(
        &mut self,
        valuation: Valuation,
        shipment: &Shipment,
        worth: &[Decimal],
        freight_shares: &[Decimal],
    ) -> Result<(), Error> {
        let prices = self.price.allocate(worth)?;
        let goods = self.totals.goods.allocate(worth)?;
        let freight = self.totals.freight.allocate(freight_shares)?;
        let insurance = self.totals.insurance.allocate(worth)?;
        for (place, line) in shipment.lines.iter().enumerate() {
            let parts = Parts { goods: goods[place], freight: freight[place], insurance: insurance[place] };
            self.lines.push(LineValues {
                price: prices[place],
                parts,
                customs_value: customs_value(valuation, parts)?,
                unit_price: worth[place] / Decimal::from(line.quantity),
                quantity: Decimal::from(line.quantity),
                worth: worth[place],
            });
        }
        Ok(())
    }

    fn exact_values(
        &self,
        valuation: Valuation,
        worth: &[Decimal],
        freight_shares: &[Decimal],
    ) -> Result<Vec<ExactValues>, Error> {
        let prices = shares(self.price.to_decimal(), worth)?;
        let mut values = shares(self.totals.goods.to_decimal(), worth)?;
        if valuation == Valuation::Cif {
            let freight = shares(self.totals.freight.to_decimal(), freight_shares)?;
            let insurance = shares(self.totals.insurance.to_decimal(), worth)?;
            for ((value, freight), insurance) in values.iter_mut().zip(freight).zip(insurance) {
                *value = sum([*value, freight, insurance])?;
            }
        }
        let lines = prices.into_iter().zip(values);
        Ok(lines.map(|(price, customs_value)| ExactValues { price, customs_value }).collect())
    }

    /// The shares by which consignment amounts are spread.
    pub(super) fn goods_shares(&self) -> Vec<Decimal> {
        self.lines.iter().map(|line| line.worth).collect()
    }

    pub(super) fn start(&self, currency: Currency) -> LandedCost {
        let amounts = |parts: Parts<Money>| Amounts {
            goods: parts.goods,
            freight: parts.freight,
            insurance: parts.insurance,
            ..Amounts::zero(currency)
        };
        LandedCost {
            currency,
            customs_value: self.customs_value,
            total: amounts(self.totals),
            lines: self.lines.iter().map(|line| amounts(line.parts)).collect(),
            charges: vec![Charges::default(); self.exact.as_ref().map_or(0, Vec::len)],
            rules: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

/// The totals. Where freight and insurance are part of the customs value that is rounded once over their sum, and the
/// goods carry the settlement; else each is rounded by itself.
fn totals(valuation: Valuation, exact: Parts<Decimal>, hub: Currency) -> Result<Parts<Money>, Error> {
    let (freight, insurance) = (rounded(exact.freight, hub)?, rounded(exact.insurance, hub)?);
    if valuation == Valuation::Fob {
        return Ok(Parts { goods: rounded(exact.goods, hub)?, freight, insurance });
    }
    let cif = rounded(sum([exact.goods, exact.freight, exact.insurance])?, hub)?;
    let goods = cif.checked_sub(freight)?.checked_sub(insurance)?;
    if !goods.is_negative() {
        return Ok(Parts { goods, freight, insurance });
    }
    // Goods of next to nothing under two parts that were both rounded up: the one that gained more bears it.
    let gained = |rounded: Money, exact: Decimal| rounded.to_decimal() - exact;
    let by_insurance = gained(insurance, exact.insurance) >= gained(freight, exact.freight);
    let (freight, insurance) = if by_insurance {
        (freight, insurance.checked_add(goods)?)
    } else {
        (freight.checked_add(goods)?, insurance)
    };
    Ok(Parts { goods: Money::zero(hub), freight, insurance })
}

fn customs_value(valuation: Valuation, parts: Parts<Money>) -> Result<Money, money::Error> {
    match valuation {
        Valuation::Fob => Ok(parts.goods),
        Valuation::Cif => parts.goods.checked_add(parts.freight)?.checked_add(parts.insurance),
    }
}

fn check(shipment: &Shipment) -> Result<(), Error> {
    if shipment.lines.is_empty() {
        return Err(Error::NoLines);
    }
    for (place, line) in shipment.lines.iter().enumerate() {
        if line.quantity < 1 {
            return Err(Error::Quantity(place));
        }
        for (field, amount) in [("unit_price", line.unit_price), ("discount", line.discount)] {
            if amount.is_negative() {
                return Err(Error::Negative(field));
            }
            if amount.currency() != shipment.goods_currency {
                let (found, goods) = (amount.currency(), shipment.goods_currency);
                return Err(Error::Currency { field, found, goods, hub: goods });
            }
        }
        if line.goods()?.is_negative() {
            return Err(Error::Discount(place));
        }
        let rates = [
            ("duty_rate", line.rates.duty),
            ("tax_rate", line.rates.tax),
            ("preference_rate", line.rates.preference),
        ];
        if let Some((name, _)) =
            rates.into_iter().find(|(_, rate)| rate.is_some_and(|rate| rate < Decimal::ZERO))
        {
            return Err(Error::Negative(name));
        }
    }
    Ok(())
}

fn rate(shipment: &Shipment, hub: Currency) -> Result<Decimal, Error> {
    if shipment.goods_currency == hub {
        return Ok(Decimal::ONE);
    }
    match shipment.customs_rate {
        None => Err(Error::NoRate { goods: shipment.goods_currency, hub }),
        Some(rate) if rate <= Decimal::ZERO => Err(Error::Rate),
        Some(rate) => Ok(rate),
    }
}

/// The rate that the buyer is charged at; the customs rate where none is known.
fn charge_rate(shipment: &Shipment, hub: Currency, rate: Decimal) -> Result<Decimal, Error> {
    match shipment.charge_rate.filter(|_| shipment.goods_currency != hub) {
        None => Ok(rate),
        Some(charge_rate) if charge_rate <= Decimal::ZERO => Err(Error::ChargeRate),
        Some(charge_rate) => Ok(charge_rate),
    }
}

/// Freight or insurance in the importing country's currency, exact.
fn side(
    field: &'static str,
    amount: Money,
    shipment: &Shipment,
    hub: Currency,
    rate: Decimal,
) -> Result<Decimal, Error> {
    if amount.is_negative() {
        return Err(Error::Negative(field));
    }
    if amount.currency() == hub {
        return Ok(amount.to_decimal());
    }
    if amount.currency() == shipment.goods_currency {
        return Ok(times(amount.to_decimal(), rate)?);
    }
    Err(Error::Currency { field, found: amount.currency(), goods: shipment.goods_currency, hub })
}

fn weights(shipment: &Shipment) -> Result<Vec<Decimal>, Error> {
    let weight = |(place, line): (usize, &crate::Line)| {
        let grams = line.weight_grams.filter(|grams| *grams >= 0).ok_or(Error::NoWeight(place))?;
        Ok(times(Decimal::from(grams), Decimal::from(line.quantity))?)
    };
    shipment.lines.iter().enumerate().map(weight).collect()
}
