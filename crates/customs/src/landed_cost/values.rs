//! Goods, freight and insurance in the importing country's currency, by line.

use money::{Currency, Money};
use rust_decimal::Decimal;

use super::{Amounts, Error, LandedCost};
use crate::amount::{rounded, spread};
use crate::rules::{FreightSpread, Valuation};
use crate::{Ruleset, Shipment};

/// The values that rules compare and rates are taken of. Exact where nothing needs rounding yet.
pub(super) struct Values {
    /// Units of the importing country's currency for one of the goods'.
    pub(super) rate: Decimal,
    /// Of the whole consignment, rounded once.
    pub(super) customs_value: Money,
    /// Goods in the importing country's currency, rounded.
    goods: Money,
    freight: Money,
    insurance: Money,
    valuation: Valuation,
    pub(super) lines: Vec<LineValues>,
}

pub(super) struct LineValues {
    /// Price of the line in the importing country's currency.
    pub(super) goods: Money,
    pub(super) freight: Money,
    pub(super) insurance: Money,
    /// The line's part of the customs value.
    pub(super) customs_value: Money,
    /// The price of one unit in the importing country's currency, exact.
    pub(super) unit_price: Decimal,
    pub(super) quantity: Decimal,
    share: Decimal,
}

impl Values {
    pub(super) fn of(ruleset: &Ruleset, shipment: &Shipment) -> Result<Self, Error> {
        check(shipment)?;
        let hub = ruleset.currency;
        let rate = rate(shipment, hub)?;
        let mut line_goods = Vec::with_capacity(shipment.lines.len());
        for line in &shipment.lines {
            line_goods.push(line.unit_price.checked_mul(line.quantity)?.to_decimal());
        }
        let foreign_goods: Decimal = line_goods.iter().sum();
        let freight = side("freight", shipment.freight, shipment, hub, rate)?;
        let insurance = side("insurance", shipment.insurance, shipment, hub, rate)?;
        let goods = times(foreign_goods, rate)?;
        let cif = match ruleset.rules.valuation {
            Valuation::Cif => goods + freight + insurance,
            Valuation::Fob => goods,
        };
        let customs_value = rounded(cif, hub)?;
        let freight_shares = match ruleset.rules.freight_spread {
            FreightSpread::Value => line_goods.clone(),
            FreightSpread::Weight => weights(shipment)?,
        };
        let parts = Parts {
            goods: (rounded(goods, hub)?, goods),
            freight: (rounded(freight, hub)?, freight),
            insurance: (rounded(insurance, hub)?, insurance),
        };
        let lines = lines(ruleset, shipment, rate, customs_value, &parts, &line_goods, &freight_shares)?;
        Ok(Self {
            rate,
            customs_value,
            goods: parts.goods.0,
            freight: parts.freight.0,
            insurance: parts.insurance.0,
            valuation: ruleset.rules.valuation,
            lines,
        })
    }

    /// The shares by which consignment amounts are spread.
    pub(super) fn goods_shares(&self) -> Vec<Decimal> {
        self.lines.iter().map(|line| line.share).collect()
    }

    /// The goods' value at export, in the importing country's currency.
    pub(super) fn fob(&self) -> Money {
        self.goods
    }

    pub(super) fn start(&self, currency: Currency) -> Result<LandedCost, Error> {
        let zero = Amounts::zero(currency);
        let lines = self.lines.iter().map(|line| Amounts {
            goods: line.goods,
            freight: line.freight,
            insurance: line.insurance,
            ..zero
        });
        let total = Amounts { goods: self.goods, freight: self.freight, insurance: self.insurance, ..zero };
        let mut cost = LandedCost {
            currency,
            customs_value: self.customs_value,
            total,
            lines: lines.collect(),
            rules: Vec::new(),
            warnings: Vec::new(),
        };
        self.settle_rounding(&mut cost)?;
        Ok(cost)
    }

    /// Goods, freight and insurance were rounded one by one, the customs value once over their sum: where that
    /// differs by a minor unit the goods carry it, so that the parts add up to CIF + duty + tax + fees. By FOB the
    /// customs value leaves freight out, and there is nothing to settle.
    fn settle_rounding(&self, cost: &mut LandedCost) -> Result<(), Error> {
        if self.valuation == Valuation::Fob {
            return Ok(());
        }
        let parts = self.goods.checked_add(self.freight)?.checked_add(self.insurance)?;
        let cif = Money::sum(self.lines.iter().map(|line| line.customs_value), cost.currency)?;
        let difference = cif.checked_sub(parts)?;
        cost.total.goods = cost.total.goods.checked_add(difference)?;
        for (line, values) in cost.lines.iter_mut().zip(&self.lines) {
            line.goods = values.customs_value.checked_sub(line.freight)?.checked_sub(line.insurance)?;
        }
        Ok(())
    }
}

/// Rounded and exact.
struct Parts {
    goods: (Money, Decimal),
    freight: (Money, Decimal),
    insurance: (Money, Decimal),
}

fn lines(
    ruleset: &Ruleset,
    shipment: &Shipment,
    rate: Decimal,
    customs_value: Money,
    parts: &Parts,
    line_goods: &[Decimal],
    freight_shares: &[Decimal],
) -> Result<Vec<LineValues>, Error> {
    let goods = spread(parts.goods.0, line_goods)?;
    let freight = spread(parts.freight.0, freight_shares)?;
    let insurance = spread(parts.insurance.0, line_goods)?;
    let exact = |total: Decimal, shares: &[Decimal], place: usize| -> Decimal {
        let sum: Decimal = shares.iter().sum();
        let even = || Decimal::ONE / Decimal::from(shares.len());
        let part = if sum.is_zero() { even() } else { shares[place] / sum };
        total * part
    };
    let values: Vec<Decimal> = (0..line_goods.len())
        .map(|place| {
            let goods = exact(parts.goods.1, line_goods, place);
            match ruleset.rules.valuation {
                Valuation::Fob => goods,
                Valuation::Cif => {
                    let freight = exact(parts.freight.1, freight_shares, place);
                    goods + freight + exact(parts.insurance.1, line_goods, place)
                }
            }
        })
        .collect();
    let customs_values = spread(customs_value, &values)?;
    let mut lines = Vec::with_capacity(values.len());
    for (place, line) in shipment.lines.iter().enumerate() {
        lines.push(LineValues {
            goods: goods[place],
            freight: freight[place],
            insurance: insurance[place],
            customs_value: customs_values[place],
            unit_price: times(line.unit_price.to_decimal(), rate)?,
            quantity: Decimal::from(line.quantity),
            share: line_goods[place],
        });
    }
    Ok(lines)
}

fn check(shipment: &Shipment) -> Result<(), Error> {
    if shipment.lines.is_empty() {
        return Err(Error::NoLines);
    }
    for (place, line) in shipment.lines.iter().enumerate() {
        if line.quantity < 1 {
            return Err(Error::Quantity(place));
        }
        if line.unit_price.is_negative() {
            return Err(Error::Negative("unit_price"));
        }
        if line.unit_price.currency() != shipment.goods_currency {
            let (found, goods) = (line.unit_price.currency(), shipment.goods_currency);
            return Err(Error::Currency { field: "unit_price", found, goods, hub: goods });
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
        return times(amount.to_decimal(), rate);
    }
    Err(Error::Currency { field, found: amount.currency(), goods: shipment.goods_currency, hub })
}

fn weights(shipment: &Shipment) -> Result<Vec<Decimal>, Error> {
    let weight = |(place, line): (usize, &crate::Line)| {
        let grams = line.weight_grams.filter(|grams| *grams >= 0).ok_or(Error::NoWeight(place))?;
        times(Decimal::from(grams), Decimal::from(line.quantity))
    };
    shipment.lines.iter().enumerate().map(weight).collect()
}

fn times(amount: Decimal, rate: Decimal) -> Result<Decimal, Error> {
    amount.checked_mul(rate).ok_or(Error::Money(money::Error::Overflow))
}
