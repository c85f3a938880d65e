//! The other services over gRPC: what [`crate::app::ports`] asks for.

mod catalog;
mod logistics;
mod payment;

use chrono::{DateTime, Utc};
use money::{Currency, Money};
use proto::convert::{self, Invalid};
use proto::types::v1 as types;
use rpc::status;
use tonic::{Code, Status};

pub(crate) use catalog::CatalogPeer;
pub(crate) use logistics::LogisticsPeer;
pub(crate) use payment::PaymentPeer;

use crate::app::ports::Error;
use crate::domain::Refusal;
use crate::domain::price::Price;
use crate::domain::quote::Rate;

/// What a failed call means. A status of these codes says that nothing was done; any other leaves that open.
fn failed(status: Status) -> Error {
    match status.code() {
        Code::FailedPrecondition | Code::NotFound | Code::AlreadyExists | Code::OutOfRange => {
            let reason = status::reason(&status).unwrap_or_else(|| "REFUSED".to_owned());
            let mut refusal = Refusal::new(reason, status.message());
            for key in METADATA {
                if let Some(value) = status::metadata(&status, key) {
                    refusal.metadata.push((key.to_owned(), value));
                }
            }
            Error::Refused(refusal)
        }
        Code::InvalidArgument | Code::Unimplemented => Error::Fault(status.message().to_owned()),
        code => Error::Away(format!("{code:?}: {}", status.message())),
    }
}

/// What of a refusal is passed on to the client.
const METADATA: [&str; 8] =
    ["variant_id", "seller_id", "product_id", "currency", "from_country", "offered", "id", "changed"];

fn fault(invalid: Invalid) -> Error {
    Error::Fault(format!("an answer that does not fit: {invalid}"))
}

fn missing(what: &str) -> Error {
    Error::Fault(format!("an answer without {what}"))
}

fn time(field: &str, at: Option<&prost_types::Timestamp>) -> Result<DateTime<Utc>, Error> {
    convert::datetime(field, at).map_err(fault)
}

fn id<K: std::str::FromStr>(text: &str) -> Result<K, Error>
where
    K::Err: std::fmt::Display,
{
    text.parse().map_err(|error: K::Err| Error::Fault(error.to_string()))
}

fn amount(field: &str, message: Option<&types::Money>) -> Result<Money, Error> {
    convert::money(field, message).map_err(fault)
}

/// An amount of `currency`, not below zero; nothing when there is none.
fn part(field: &str, message: Option<&types::Money>, currency: Currency) -> Result<Money, Error> {
    let Some(message) = message else { return Ok(Money::zero(currency)) };
    let part = amount(field, Some(message))?;
    if part.currency() == currency && !part.is_negative() {
        return Ok(part);
    }
    Err(Error::Fault(format!("{field}: {part} is no part of a price in {currency}")))
}

/// A price in the hub's currency whose parts add up to its total.
fn price(message: Option<&types::PriceParts>, currency: Currency) -> Result<Price, Error> {
    let message = message.ok_or_else(|| missing("a price"))?;
    let price = Price {
        goods: part("goods", message.goods.as_ref(), currency)?,
        carriage: part("carriage", message.carriage.as_ref(), currency)?,
        insurance: part("insurance", message.insurance.as_ref(), currency)?,
        duty: part("duty", message.duty.as_ref(), currency)?,
        tax: part("tax", message.tax.as_ref(), currency)?,
        fees: part("fees", message.fees.as_ref(), currency)?,
    };
    let total = amount("total", message.total.as_ref())?;
    if price.total()? == total {
        return Ok(price);
    }
    Err(Error::Fault(format!("the parts of a price do not add up to {total}")))
}

fn rate(message: &types::ExchangeRate) -> Result<Rate, Error> {
    Ok(Rate {
        from: convert::currency("from_currency", &message.from_currency).map_err(fault)?,
        to: convert::currency("to_currency", &message.to_currency).map_err(fault)?,
        rate: id(&message.rate)?,
        reference_rate: message.reference_rate.clone(),
        as_of: message.as_of.clone(),
        source: message.source.clone(),
        rate_id: message.rate_id.clone(),
    })
}
