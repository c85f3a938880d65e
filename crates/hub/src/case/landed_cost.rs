//! `landed_cost`: a consignment into a hub's country.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use customs::{HsCode, LandedCost, Line, Rates, Shipment};
use kernel::Country;
use money::{Currency, Money};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;
use trade::Transport;

use crate::Profile;

/// The rules for goods from a country without a lane.
const RULESET_DEFAULT: &str = "import";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    hub: String,
    date: NaiveDate,
    transport: Transport,
    goods_currency: Currency,
    #[serde(default)]
    customs_rate: Option<Decimal>,
    /// As the buyer is charged; absent: the customs rate.
    #[serde(default)]
    charge_rate: Option<Decimal>,
    #[serde(default)]
    seller_registered: bool,
    /// Absent: as the hub's profile says.
    #[serde(default)]
    marketplace_registered: Option<bool>,
    #[serde(default)]
    freight: Option<String>,
    #[serde(default)]
    freight_currency: Option<Currency>,
    #[serde(default)]
    insurance: Option<String>,
    items: Vec<Item>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    origin: Country,
    from: Country,
    quantity: i64,
    unit_price: String,
    #[serde(default)]
    hs_code: Option<HsCode>,
    #[serde(default)]
    category: Option<String>,
    #[serde(default)]
    weight_grams: Option<i64>,
    #[serde(default)]
    preference: Option<String>,
    #[serde(default)]
    duty_rate: Option<Decimal>,
    #[serde(default)]
    tax_rate: Option<Decimal>,
    #[serde(default)]
    preference_rate: Option<Decimal>,
}

pub(super) fn run(
    input: &Input,
    profiles: &BTreeMap<String, Profile>,
) -> Result<BTreeMap<&'static str, Value>, String> {
    let profile = profiles.get(&input.hub).ok_or_else(|| {
        let known = profiles.keys().cloned().collect::<Vec<_>>().join(", ");
        format!("hub: `{}` is not one of {known}", input.hub)
    })?;
    let from = input.items.first().map(|item| item.from).ok_or("items: at least one is needed")?;
    let ruleset = profile.ruleset(from).or_else(|| profile.ruleset_named(RULESET_DEFAULT));
    let ruleset =
        ruleset.ok_or_else(|| format!("items[0].from: hub {} has no lane from {from}", input.hub))?;
    let cost =
        customs::landed_cost(ruleset, &shipment(input, profile)?).map_err(|error| error.to_string())?;
    outcome(&cost).map_err(|error| error.to_string())
}

fn shipment(input: &Input, profile: &Profile) -> Result<Shipment, String> {
    let amount = |field: &str, text: Option<&str>, currency: Currency| {
        Money::parse(text.unwrap_or("0"), currency).map_err(|error| format!("{field}: {error}"))
    };
    let currency = input.goods_currency;
    let line = |(place, item): (usize, &Item)| {
        Ok(Line {
            origin: item.origin,
            from: item.from,
            quantity: item.quantity,
            unit_price: amount(&format!("items[{place}].unit_price"), Some(&item.unit_price), currency)?,
            discount: Money::zero(currency),
            hs_code: item.hs_code.clone(),
            category: item.category.clone(),
            weight_grams: item.weight_grams,
            preference: item.preference.clone(),
            rates: Rates { duty: item.duty_rate, tax: item.tax_rate, preference: item.preference_rate },
        })
    };
    let side_currency = input.freight_currency.unwrap_or(currency);
    Ok(Shipment {
        date: input.date,
        transport: input.transport,
        goods_currency: currency,
        customs_rate: input.customs_rate,
        charge_rate: input.charge_rate,
        seller_registered: input.seller_registered,
        marketplace_registered: input.marketplace_registered.unwrap_or(profile.is_marketplace_registered()),
        freight: amount("freight", input.freight.as_deref(), side_currency)?,
        insurance: amount("insurance", input.insurance.as_deref(), side_currency)?,
        lines: input.items.iter().enumerate().map(line).collect::<Result<_, String>>()?,
    })
}

fn outcome(cost: &LandedCost) -> Result<BTreeMap<&'static str, Value>, money::Error> {
    let text = |money: Money| Value::String(money.amount());
    let total = &cost.total;
    Ok(BTreeMap::from([
        ("currency", Value::String(cost.currency.code().to_owned())),
        ("customs_value", text(cost.customs_value)),
        ("goods", text(total.goods)),
        ("freight", text(total.freight)),
        ("insurance", text(total.insurance)),
        ("duty", text(total.duty)),
        ("excise", text(total.excise)),
        ("tax", text(total.tax()?)),
        ("import_tax", text(total.import_tax)),
        ("seller_tax", text(total.seller_tax)),
        ("fees", text(total.fees)),
        ("landed", text(total.landed()?)),
        ("assumed", Value::Bool(cost.rules.iter().any(|rule| rule.assumed))),
    ]))
}
