//! One levy: for every line its rule, its rate and its amount.

use std::collections::BTreeMap;

use money::Money;
use rust_decimal::Decimal;

use super::explain;
use super::matching;
use super::values::{ExactValues, Values};
use super::{Amounts, Charges, Error, LandedCost};
use crate::amount::{rounded, shares, sum, times};
use crate::rules::{Base, Collected, Levy, LevyKind, Rate, RoundedPer, Rule, Seller};
use crate::tariff::Column;
use crate::{Ruleset, Shipment};

/// A line's rule with its rate and its exact amount.
struct Charge<'a> {
    rule: &'a Rule,
    rate: Decimal,
    base: Money,
    exact: Decimal,
    /// The rate of the base before that was rounded to the minor unit, where that is asked for.
    of_exact_base: Decimal,
    /// What explains the rule, the rate and the base.
    why: Vec<String>,
}

/// Adds the levy's amounts to the cost.
pub(super) fn add(
    ruleset: &Ruleset,
    shipment: &Shipment,
    values: &Values,
    levy: &Levy,
    cost: &mut LandedCost,
) -> Result<(), Error> {
    let mut charges = Vec::with_capacity(shipment.lines.len());
    for place in 0..shipment.lines.len() {
        charges.push(charge(ruleset, shipment, values, levy, place, cost)?);
    }
    let mut amounts = vec![Money::zero(ruleset.currency); charges.len()];
    for collected in [Collected::Import, Collected::Seller] {
        add_collected(ruleset, levy, collected, &charges, &mut amounts, cost)?;
    }
    explain(levy, &charges, &amounts, cost)
}

fn charge<'a>(
    ruleset: &Ruleset,
    shipment: &Shipment,
    values: &Values,
    levy: &'a Levy,
    place: usize,
    cost: &mut LandedCost,
) -> Result<Option<Charge<'a>>, Error> {
    let Some(rule) = matching::rule_for(ruleset, shipment, values, levy, place)? else {
        // Excise is for some goods only; a duty or a tax says of all goods what they bear.
        if levy.kind == LevyKind::Excise {
            return Ok(None);
        }
        return Err(Error::NoRule { line: place, levy: levy.code.clone() });
    };
    let (rate, why) = rate(ruleset, shipment, levy, rule, place, cost)?;
    let why = why.into_iter().chain(on_the_sale(ruleset, shipment, values, rule)).collect();
    let parts = rule.base().iter().map(|base| base_of(*base, values, &cost.lines[place], place));
    let base = Money::sum(parts, ruleset.currency)?;
    let exact = times(base.to_decimal(), rate)?;
    let of_exact_base = match &values.exact {
        None => Decimal::ZERO,
        Some(exact) => {
            let parts =
                rule.base().iter().map(|base| exact_base_of(*base, &exact[place], &cost.charges[place]));
            times(sum(parts)?, rate)?
        }
    };
    Ok(Some(Charge { rule, rate, base, exact, of_exact_base, why }))
}

/// Who counts as the seller, and how its price came about.
fn on_the_sale(ruleset: &Ruleset, shipment: &Shipment, values: &Values, rule: &Rule) -> Vec<String> {
    let mut why = Vec::new();
    if rule.seller == Some(Seller::Registered) && shipment.marketplace_registered {
        why.push("the marketplace is registered and counts as the seller".to_owned());
    }
    let (goods, hub) = (shipment.goods_currency, ruleset.currency);
    if rule.base().contains(&Base::Price) && goods != hub {
        let rate = values.charge_rate.normalize();
        why.push(format!("the sale price is what the buyer is charged, at {rate} {hub} for 1 {goods}"));
    }
    why
}

fn base_of(base: Base, values: &Values, so_far: &Amounts, place: usize) -> Money {
    match base {
        Base::Price => values.lines[place].price,
        Base::Cif => values.lines[place].customs_value,
        Base::Duty => so_far.duty,
        Base::Excise => so_far.excise,
        Base::Fees => so_far.fees,
    }
}

fn exact_base_of(base: Base, values: &ExactValues, so_far: &Charges) -> Decimal {
    match base {
        Base::Price => values.price,
        Base::Cif => values.customs_value,
        Base::Duty => so_far.duty,
        Base::Excise => so_far.excise,
        Base::Fees => so_far.fees,
    }
}

fn rate(
    ruleset: &Ruleset,
    shipment: &Shipment,
    levy: &Levy,
    rule: &Rule,
    place: usize,
    cost: &mut LandedCost,
) -> Result<(Decimal, Option<String>), Error> {
    let line = &shipment.lines[place];
    match rule.rate {
        Rate::None => Ok((Decimal::ZERO, None)),
        Rate::Flat(rate) => {
            let (rate, why) = match matching::class_of(ruleset, line, rule) {
                Some((class, class_rate)) => (class_rate, Some(format!("the rate for {class}"))),
                None => (rate, None),
            };
            if let Some(claimed) =
                line.preference.as_deref().filter(|_| levy.kind == LevyKind::Duty && !rate.is_zero())
            {
                let warning =
                    format!("{} has no lower rate under {claimed}; the usual duty applies", rule.title);
                cost.warnings.push(warning);
            }
            Ok((rate, why))
        }
        Rate::Tariff => by_tariff(ruleset, shipment, levy, place, cost),
    }
}

fn by_tariff(
    ruleset: &Ruleset,
    shipment: &Shipment,
    levy: &Levy,
    place: usize,
    cost: &mut LandedCost,
) -> Result<(Decimal, Option<String>), Error> {
    let line = &shipment.lines[place];
    let (given, column) = match levy.kind {
        LevyKind::Duty => (line.rates.duty, Column::Duty),
        LevyKind::Excise => (None, Column::Excise),
        LevyKind::Tax => (line.rates.tax, Column::Tax),
    };
    let tariff = &ruleset.reference.tariff;
    if levy.kind == LevyKind::Duty
        && let Some(preferred) = preferred(ruleset, shipment, place, cost)
    {
        return Ok(preferred);
    }
    if let Some(rate) = given {
        return Ok((rate, None));
    }
    match tariff.find(line.hs_code.as_ref(), column) {
        Some(found) => {
            if found.illustrative {
                cost.warnings.push(format!("the tariff's rate of {} is illustrative", levy.title));
            }
            Ok((found.rate, found.prefix.map(|prefix| format!("by HS {}", prefix.as_str()))))
        }
        None if levy.kind == LevyKind::Excise => Ok((Decimal::ZERO, None)),
        None => Err(Error::NoTariff { line: place, levy: levy.code.clone() }),
    }
}

/// The rate under the preference that the line claims, when it qualifies and the rate is known.
fn preferred(
    ruleset: &Ruleset,
    shipment: &Shipment,
    place: usize,
    cost: &mut LandedCost,
) -> Option<(Decimal, Option<String>)> {
    let line = &shipment.lines[place];
    let claimed = line.preference.as_deref()?;
    let Some(preference) = ruleset.reference.preferences.iter().find(|known| known.code == claimed) else {
        cost.warnings.push(format!("the preference {claimed} is not granted here; the usual duty applies"));
        return None;
    };
    if let Some(refusal) = preference.refusal(line.origin, line.from) {
        cost.warnings.push(format!("{refusal}; the usual duty applies"));
        return None;
    }
    let why = Some(format!("under {} with {}", preference.title, preference.proof));
    if let Some(rate) = line.rates.preference {
        return Some((rate, why));
    }
    let Some(found) = ruleset.reference.tariff.find_preference(line.hs_code.as_ref(), claimed) else {
        let warning =
            format!("the tariff has no rate under {claimed} for these goods; the usual duty applies");
        cost.warnings.push(warning);
        return None;
    };
    if found.illustrative {
        cost.warnings.push(format!("the rate under {claimed} is illustrative"));
    }
    Some((found.rate, why))
}

/// Adds what these collect to the cost, and to the `amounts` of the lines.
fn add_collected(
    ruleset: &Ruleset,
    levy: &Levy,
    collected: Collected,
    charges: &[Option<Charge<'_>>],
    amounts: &mut [Money],
    cost: &mut LandedCost,
) -> Result<(), Error> {
    let of_lines = |part: fn(&Charge<'_>) -> Decimal| -> Vec<Decimal> {
        let collects = |charge: &&Charge<'_>| charge.rule.collected == collected;
        charges.iter().map(|charge| charge.as_ref().filter(collects).map(part).unwrap_or_default()).collect()
    };
    let exact = of_lines(|charge| charge.exact);
    let all = sum(exact.iter().copied())?;
    if all.is_zero() {
        return Ok(());
    }
    let lines: Vec<Money> = match ruleset.rules.rounded_per {
        RoundedPer::Consignment => rounded(all, ruleset.currency)?.allocate(&exact)?,
        RoundedPer::Line => {
            exact.iter().map(|exact| rounded(*exact, ruleset.currency)).collect::<Result<_, _>>()?
        }
    };
    let total = Money::sum(lines.iter().copied(), ruleset.currency)?;
    let slot = cost.total.slot(levy.kind, collected);
    *slot = slot.checked_add(total)?;
    if !cost.charges.is_empty() {
        let borne = match ruleset.rules.rounded_per {
            RoundedPer::Consignment => shares(total.to_decimal(), &of_lines(|charge| charge.of_exact_base))?,
            // What is rounded by itself is owed as it is.
            RoundedPer::Line => lines.iter().map(|line| line.to_decimal()).collect(),
        };
        for (charges, borne) in cost.charges.iter_mut().zip(borne) {
            *charges.slot(levy.kind) += borne;
        }
    }
    for ((line, of_levy), amount) in cost.lines.iter_mut().zip(amounts).zip(lines) {
        let slot = line.slot(levy.kind, collected);
        *slot = slot.checked_add(amount)?;
        *of_levy = of_levy.checked_add(amount)?;
    }
    Ok(())
}

/// Tells the rules with what they came to: their amounts add up to the levy's.
fn explain(
    levy: &Levy,
    charges: &[Option<Charge<'_>>],
    amounts: &[Money],
    cost: &mut LandedCost,
) -> Result<(), Error> {
    // By rule and rate, in the order of the lines.
    let mut by_rule: BTreeMap<(usize, Decimal), (&Charge<'_>, Money, Money)> = BTreeMap::new();
    let zero = Money::zero(cost.currency);
    for (charge, amount) in charges.iter().zip(amounts) {
        let Some(charge) = charge else { continue };
        let order = levy.rules.iter().position(|rule| std::ptr::eq(rule, charge.rule)).unwrap_or_default();
        let entry = by_rule.entry((order, charge.rate)).or_insert((charge, zero, zero));
        entry.1 = entry.1.checked_add(charge.base)?;
        entry.2 = entry.2.checked_add(*amount)?;
    }
    for (charge, base, amount) in by_rule.into_values() {
        if charge.rule.assumed {
            let note = charge.rule.note.as_deref().unwrap_or("nobody has confirmed it yet");
            cost.warnings.push(format!("{} is assumed: {note}", charge.rule.title));
        }
        cost.rules.push(explain::rule(charge.rule, charge.rate, base, amount, &charge.why));
    }
    Ok(())
}
