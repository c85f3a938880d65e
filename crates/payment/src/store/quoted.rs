//! What was quoted for a consignment in escrow, which is kept as order told it.

use hub::Profile;
use money::{Money, Rounding};
use prost::Message as _;
use proto::convert;
use proto::order::v1::QuotedConsignment;
use proto::types::v1::ExchangeRate;
use rust_decimal::Decimal;

use super::escrows::Escrow;
use crate::app::Error;
use crate::domain::settlement::Terms;

/// What was quoted for an escrow's consignment.
pub(crate) fn terms(escrow: &Escrow, hub: &Profile) -> Result<Terms, Error> {
    let quoted = QuotedConsignment::decode(escrow.consignment.as_slice())
        .map_err(|error| invalid("consignment", error.to_string()))?;
    let currency = hub.currency();
    let parts = quoted.hub_price.clone().unwrap_or_default();
    let amount = |part: Option<&proto::types::v1::Money>, field: &'static str| match part {
        None => Ok(Money::zero(currency)),
        Some(_) => convert::money(field, part).map_err(|error| invalid(field, error.problem)),
    };
    let goods = convert::money("seller_goods", quoted.seller_goods.as_ref());
    let goods = goods.map_err(|error| invalid("seller_goods", error.problem))?;
    let [carriage, insurance, duty, tax, fees] = [
        amount(parts.carriage.as_ref(), "carriage")?,
        amount(parts.insurance.as_ref(), "insurance")?,
        amount(parts.duty.as_ref(), "duty")?,
        amount(parts.tax.as_ref(), "tax")?,
        amount(parts.fees.as_ref(), "fees")?,
    ];
    let (goods_rate, charges_rate) = (
        rate(quoted.goods_rate.as_ref(), "goods_rate")?,
        rate(quoted.charges_rate.as_ref(), "charges_rate")?,
    );
    let price = quoted.price.clone().unwrap_or_default();
    let paid = |told: Option<&proto::types::v1::Money>, part: Money| match told {
        Some(_) => convert::money("price", told).map_err(|error| invalid("price", error.problem)),
        // What a quote charges: each part by itself, rounded up.
        None => Ok(part.convert(charges_rate, escrow.amount.currency(), Rounding::Up)?),
    };
    let paid_duty_and_tax = paid(price.duty.as_ref(), duty)?.checked_add(paid(price.tax.as_ref(), tax)?)?;
    let paid_outward = paid(price.carriage.as_ref(), carriage)?
        .checked_add(paid(price.insurance.as_ref(), insurance)?)?
        .checked_add(paid(price.fees.as_ref(), fees)?)?;
    Ok(Terms {
        order_id: escrow.order_id,
        consignment_id: escrow.consignment_id,
        seller_id: escrow.seller_id.clone(),
        carrier: quoted.carriage.as_ref().map(|carriage| carriage.carrier.clone()).unwrap_or_default(),
        country: hub.country().as_str().to_owned(),
        seller_goods: goods,
        carriage: carriage.checked_add(insurance)?,
        duty_and_tax: duty.checked_add(tax)?,
        fees,
        paid_duty_and_tax,
        paid_outward,
        goods_rate,
        charges_rate,
        commission_rate: escrow.commission_rate.unwrap_or(hub.terms().commission_rate),
    })
}

/// A rate that is missing is between one currency and itself.
fn rate(rate: Option<&ExchangeRate>, field: &'static str) -> Result<Decimal, Error> {
    let Some(rate) = rate else { return Ok(Decimal::ONE) };
    let parsed = rate.rate.parse::<Decimal>().ok().filter(|rate| *rate > Decimal::ZERO);
    parsed.ok_or_else(|| invalid(field, format!("`{}` is no rate above zero", rate.rate)))
}

fn invalid(field: &'static str, problem: String) -> Error {
    Error::Invalid { field, problem }
}
