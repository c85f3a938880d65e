//! Which rule is for a line.

use rust_decimal::Decimal;

use super::Error;
use super::values::Values;
use crate::amount::{rounded, times};
use crate::goods::first_of;
use crate::rules::{Band, Basis, Levy, Per, Rule, Seller};
use crate::{Line, Ruleset, Shipment};

/// The first rule of the levy that is for the line.
pub(super) fn rule_for<'a>(
    ruleset: &Ruleset,
    shipment: &Shipment,
    values: &Values,
    levy: &'a Levy,
    place: usize,
) -> Result<Option<&'a Rule>, Error> {
    for rule in levy.rules.iter().filter(|rule| rule.is_valid_on(shipment.date)) {
        if is_for(ruleset, shipment, values, rule, place)? {
            return Ok(Some(rule));
        }
    }
    Ok(None)
}

fn is_for(
    ruleset: &Ruleset,
    shipment: &Shipment,
    values: &Values,
    rule: &Rule,
    place: usize,
) -> Result<bool, Error> {
    let line = &shipment.lines[place];
    let by_transport = rule.transports.is_empty() || rule.transports.contains(&shipment.transport);
    let by_seller = match rule.seller {
        None => true,
        Some(Seller::Registered) => shipment.is_seller_registered(),
        Some(Seller::Unregistered) => !shipment.is_seller_registered(),
    };
    let by_class = (rule.only.is_empty() || is_one_of(ruleset, line, &rule.only))
        && !is_one_of(ruleset, line, &rule.except);
    if !by_transport || !by_seller || !by_class {
        return Ok(false);
    }
    match &rule.value {
        None => Ok(true),
        Some(band) if band.per == Per::Consignment => {
            consignment_in_band(ruleset, shipment, values, Some(band))
        }
        Some(band) => in_band(ruleset, shipment, values, band, item_value(values, place, band.basis)?),
    }
}

fn is_one_of(ruleset: &Ruleset, line: &Line, classes: &[String]) -> bool {
    first_of(&ruleset.reference.classes, classes, line.hs_code.as_ref(), line.category.as_deref()).is_some()
}

/// The class of a line among those that a rule has other rates for.
pub(super) fn class_of<'a>(ruleset: &Ruleset, line: &Line, rule: &'a Rule) -> Option<(&'a str, Decimal)> {
    let (code, category) = (line.hs_code.as_ref(), line.category.as_deref());
    let classes = &ruleset.reference.classes;
    let bears = |name: &str| classes.get(name).is_some_and(|class| class.rates(name, code, category));
    let (class, rate) = rule.class_rates.iter().find(|(name, _)| bears(name))?;
    Some((class, rate.0))
}

/// Whether the whole consignment's value is in the band; no band holds every value.
pub(super) fn consignment_in_band(
    ruleset: &Ruleset,
    shipment: &Shipment,
    values: &Values,
    band: Option<&Band>,
) -> Result<bool, Error> {
    let Some(band) = band else { return Ok(true) };
    let value = match band.basis {
        Basis::Cif => values.customs_value,
        Basis::Fob => values.fob,
        Basis::Price => values.price,
    };
    in_band(ruleset, shipment, values, band, value.to_decimal())
}

/// The value of one unit: its price at one rate or the other, or its part of the customs value.
fn item_value(values: &Values, place: usize, basis: Basis) -> Result<Decimal, money::Error> {
    let line = &values.lines[place];
    match basis {
        Basis::Fob => times(line.unit_price, values.rate),
        Basis::Price => times(line.unit_price, values.charge_rate),
        Basis::Cif => Ok(line.customs_value.to_decimal() / line.quantity),
    }
}

fn in_band(
    ruleset: &Ruleset,
    shipment: &Shipment,
    values: &Values,
    band: &Band,
    value: Decimal,
) -> Result<bool, Error> {
    let hub = ruleset.currency;
    let currency = band.currency.unwrap_or(hub);
    let rate = if currency == hub {
        Decimal::ONE
    } else if currency == shipment.goods_currency {
        // The rate that made the value: a price of 100 baht is at a bound of 100 baht.
        if band.basis == Basis::Price { values.charge_rate } else { values.rate }
    } else {
        let known = ruleset.reference.rates.iter().find(|known| known.currency == currency);
        known.ok_or(Error::NoReferenceRate(currency))?.rate
    };
    Ok(band.holds(rounded(value, hub)?, rate)?)
}
