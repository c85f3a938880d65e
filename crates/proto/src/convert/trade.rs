//! The types of a trade that services share, as messages and back.

use chrono::NaiveDate;
use money::{Currency, Money};
use rust_decimal::Decimal;
use trade::{Address, AppliedRule, ExchangeRate, OriginCertificate, Permit, Price, Transport};

use super::{Invalid, currency, money, parse, parse_optional};
use crate::types::v1 as types;

impl From<Address> for types::Address {
    fn from(address: Address) -> Self {
        let Address { recipient, line1, line2, city, state, postcode, country, phone } = address;
        Self { recipient, line1, line2, city, state, postcode, country: country.to_string(), phone }
    }
}

/// A required address. Its words are taken as they are; who takes an address from people reads them himself.
pub fn address(field: &str, message: Option<types::Address>) -> Result<Address, Invalid> {
    let message = message.ok_or_else(|| Invalid::new(field, "is required"))?;
    let types::Address { recipient, line1, line2, city, state, postcode, country, phone } = message;
    let country = parse(&format!("{field}.country"), &country)?;
    Ok(Address { recipient, line1, line2, city, state, postcode, country, phone })
}

impl TryFrom<Price> for types::PriceParts {
    type Error = money::Error;

    fn try_from(price: Price) -> Result<Self, money::Error> {
        Ok(Self {
            goods: Some(price.goods().into()),
            carriage: Some(price.carriage().into()),
            insurance: Some(price.insurance().into()),
            duty: Some(price.duty().into()),
            tax: Some(price.tax().into()),
            fees: Some(price.fees().into()),
            total: Some(price.total()?.into()),
            discount: discount(price.discount()),
        })
    }
}

/// A required price in a currency: its parts are not below zero and add up to its total. A part that is missing is zero.
pub fn price(field: &str, message: Option<&types::PriceParts>, currency: Currency) -> Result<Price, Invalid> {
    let message = message.ok_or_else(|| Invalid::new(field, "is required"))?;
    let read = |name: &str, amount: &Option<types::Money>| {
        part(&format!("{field}.{name}"), amount.as_ref(), currency)
    };
    let parts = [
        read("goods", &message.goods)?,
        read("carriage", &message.carriage)?,
        read("insurance", &message.insurance)?,
        read("duty", &message.duty)?,
        read("tax", &message.tax)?,
        read("fees", &message.fees)?,
    ];
    let total = money(&format!("{field}.total"), message.total.as_ref())?;
    let discount = read("discount", &message.discount)?;
    let price = Price::new(parts).and_then(|price| Ok((price.with_discount(discount)?, price.total()?)));
    match price.map_err(|error| Invalid::new(field, error.to_string()))? {
        (price, sum) if sum == total => Ok(price),
        _ => Err(Invalid::new(field, format!("its parts do not add up to {total}"))),
    }
}

/// What was taken off a price; missing: nothing.
#[must_use]
pub fn discount(amount: Money) -> Option<types::Money> {
    (!amount.is_zero()).then(|| amount.into())
}

/// A part of a price: an amount of its currency, not below zero; one that is missing is zero.
pub fn part(field: &str, message: Option<&types::Money>, currency: Currency) -> Result<Money, Invalid> {
    let Some(message) = message else { return Ok(Money::zero(currency)) };
    let part = money(field, Some(message))?;
    if part.currency() == currency && !part.is_negative() {
        return Ok(part);
    }
    Err(Invalid::new(field, format!("{part} is not a part of a price in {currency}")))
}

impl From<AppliedRule> for types::AppliedRule {
    fn from(rule: AppliedRule) -> Self {
        let day = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
        Self {
            rule_id: rule.rule_id,
            title: rule.title,
            source: rule.source,
            valid_from: day(rule.valid_from),
            valid_to: day(rule.valid_to),
            assumed: rule.assumed,
            explanation: rule.explanation,
        }
    }
}

/// A rule behind an amount.
pub fn applied_rule(field: &str, message: types::AppliedRule) -> Result<AppliedRule, Invalid> {
    let day = |name: &str, text: &str| parse_optional(&format!("{field}.{name}"), text);
    Ok(AppliedRule {
        valid_from: day("valid_from", &message.valid_from)?,
        valid_to: day("valid_to", &message.valid_to)?,
        rule_id: message.rule_id,
        title: message.title,
        source: message.source,
        assumed: message.assumed,
        explanation: message.explanation,
    })
}

impl From<ExchangeRate> for types::ExchangeRate {
    fn from(rate: ExchangeRate) -> Self {
        Self {
            from_currency: rate.from.code().to_owned(),
            to_currency: rate.to.code().to_owned(),
            rate: rate.rate.to_string(),
            reference_rate: rate.reference_rate.to_string(),
            as_of: rate.as_of.to_string(),
            source: rate.source,
            rate_id: rate.rate_id,
        }
    }
}

/// A rate of exchange.
pub fn exchange_rate(field: &str, message: types::ExchangeRate) -> Result<ExchangeRate, Invalid> {
    let decimal = |name: &str, text: &str| -> Result<Decimal, Invalid> {
        let field = format!("{field}.{name}");
        let rate: Decimal = parse(&field, text)?;
        if rate > Decimal::ZERO {
            Ok(rate)
        } else {
            Err(Invalid::new(field, format!("{rate} must be more than 0")))
        }
    };
    Ok(ExchangeRate {
        from: currency(&format!("{field}.from_currency"), &message.from_currency)?,
        to: currency(&format!("{field}.to_currency"), &message.to_currency)?,
        rate: decimal("rate", &message.rate)?,
        reference_rate: decimal("reference_rate", &message.reference_rate)?,
        as_of: parse(&format!("{field}.as_of"), &message.as_of)?,
        source: message.source,
        rate_id: message.rate_id,
    })
}

impl From<Permit> for types::Permit {
    fn from(permit: Permit) -> Self {
        Self { number: permit.number, authority: permit.authority, expires_on: permit.expires_on.to_string() }
    }
}

/// An authority's permission, as another service passes it on.
pub fn permit(field: &str, message: types::Permit) -> Result<Permit, Invalid> {
    let expires_on = parse(&format!("{field}.expires_on"), &message.expires_on)?;
    Ok(Permit { number: message.number, authority: message.authority, expires_on })
}

impl From<OriginCertificate> for types::OriginCertificate {
    fn from(certificate: OriginCertificate) -> Self {
        Self {
            number: certificate.number,
            issued_on: certificate.issued_on.to_string(),
            expires_on: certificate.expires_on.to_string(),
        }
    }
}

/// A proof of origin, as another service passes it on.
pub fn certificate(field: &str, message: types::OriginCertificate) -> Result<OriginCertificate, Invalid> {
    Ok(OriginCertificate {
        issued_on: parse(&format!("{field}.issued_on"), &message.issued_on)?,
        expires_on: parse(&format!("{field}.expires_on"), &message.expires_on)?,
        number: message.number,
    })
}

impl From<Transport> for types::Transport {
    fn from(transport: Transport) -> Self {
        match transport {
            Transport::Air => Self::Air,
            Transport::Post => Self::Post,
            Transport::Sea => Self::Sea,
            Transport::Road => Self::Road,
        }
    }
}

/// How a consignment travels, if that is said.
pub fn transport(message: types::Transport) -> Option<Transport> {
    match message {
        types::Transport::Unspecified => None,
        types::Transport::Air => Some(Transport::Air),
        types::Transport::Post => Some(Transport::Post),
        types::Transport::Sea => Some(Transport::Sea),
        types::Transport::Road => Some(Transport::Road),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_read_as_it_was_written() {
        let myr = |minor| Money::new(minor, Currency::MYR).unwrap();
        let full = Price::new([1, 2, 3, 4, 5, 6].map(myr)).unwrap();
        for (price, discount) in [(full, None), (full.with_discount(myr(7)).unwrap(), Some(7))] {
            let message = types::PriceParts::try_from(price).unwrap();
            assert_eq!(message.discount.as_ref().map(|off| off.minor_units), discount);
            assert_eq!(super::price("price", Some(&message), Currency::MYR).unwrap(), price);
        }
        let other = types::PriceParts {
            discount: Some(Money::zero(Currency::THB).into()),
            ..full.try_into().unwrap()
        };
        assert_eq!(super::price("price", Some(&other), Currency::MYR).unwrap_err().field, "price.discount");
    }
}
