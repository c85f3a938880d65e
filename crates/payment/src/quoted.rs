//! What order quoted for a consignment, read into this service's own terms.

use hub::Profile;
use kernel::OrderId;
use money::{Currency, Money, Rounding};
use prost::Message as _;
use proto::convert;
use proto::order::events::v1::QuotedConsignment;
use proto::types::v1::ExchangeRate;
use rust_decimal::Decimal;

use crate::app::Error;
use crate::domain::AmountTooLarge;
use crate::domain::terms::SettlementTerms;

/// What an escrow says of a consignment that its quote does not.
#[derive(Debug)]
pub(crate) struct Escrowed {
    pub(crate) order_id: OrderId,
    /// The buyer's.
    pub(crate) currency: Currency,
    /// The hub's part when the order was confirmed; `None` where it was not kept: the profile's of today.
    pub(crate) commission_rate: Option<Decimal>,
}

/// The terms of a consignment that is kept as order told it.
pub(crate) fn decode(
    consignment: &[u8],
    escrowed: &Escrowed,
    hub: &Profile,
) -> Result<SettlementTerms, Error> {
    let quoted = QuotedConsignment::decode(consignment);
    terms(&quoted.map_err(|error| Error::invalid("consignment", error.to_string()))?, escrowed, hub)
}

/// The terms of a consignment.
pub(crate) fn terms(
    quoted: &QuotedConsignment,
    escrowed: &Escrowed,
    hub: &Profile,
) -> Result<SettlementTerms, Error> {
    let consignment_id = quoted.consignment_id.parse();
    let currency = hub.currency();
    let parts = quoted.hub_price.clone().unwrap_or_default();
    let amount = |part: Option<&proto::types::v1::Money>, field: &'static str| match part {
        None => Ok(Money::zero(currency)),
        Some(_) => convert::money(field, part).map_err(|error| Error::invalid(field, error.problem)),
    };
    let goods = convert::money("seller_goods", quoted.seller_goods.as_ref());
    let goods = goods.map_err(|error| Error::invalid("seller_goods", error.problem))?;
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
        Some(_) => convert::money("price", told).map_err(|error| Error::invalid("price", error.problem)),
        // What a quote charges: each part by itself, rounded up.
        None => Ok(part.convert(charges_rate, escrowed.currency, Rounding::Up).map_err(AmountTooLarge)?),
    };
    let sum = |one: Money, other: Money| one.checked_add(other).map_err(AmountTooLarge);
    let paid_duty_and_tax = sum(paid(price.duty.as_ref(), duty)?, paid(price.tax.as_ref(), tax)?)?;
    let paid_outward =
        sum(paid(price.carriage.as_ref(), carriage)?, paid(price.insurance.as_ref(), insurance)?)?;
    let paid_outward = sum(paid_outward, paid(price.fees.as_ref(), fees)?)?;
    Ok(SettlementTerms {
        order_id: escrowed.order_id,
        consignment_id: consignment_id
            .map_err(|error: kernel::IdError| Error::invalid("consignment_id", error.to_string()))?,
        seller_id: quoted.seller_id.clone(),
        carrier: quoted.carriage.as_ref().map(|carriage| carriage.carrier.clone()).unwrap_or_default(),
        country: hub.country().as_str().to_owned(),
        seller_goods: goods,
        carriage: sum(carriage, insurance)?,
        duty_and_tax: sum(duty, tax)?,
        fees,
        paid_duty_and_tax,
        paid_outward,
        goods_rate,
        charges_rate,
        commission_rate: escrowed.commission_rate.unwrap_or(hub.terms().commission_rate),
    })
}

/// A rate that is missing is between one currency and itself.
fn rate(rate: Option<&ExchangeRate>, field: &'static str) -> Result<Decimal, Error> {
    let Some(rate) = rate else { return Ok(Decimal::ONE) };
    let parsed = rate.rate.parse::<Decimal>().ok().filter(|rate| *rate > Decimal::ZERO);
    parsed.ok_or_else(|| Error::invalid(field, format!("`{}` is not a rate above zero", rate.rate)))
}
