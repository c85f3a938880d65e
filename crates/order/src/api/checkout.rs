//! What the buyer gives to order a quote: read from the request, and shown with the order.

use std::collections::BTreeMap;

use hub::PaymentMethodCode;
use kernel::excerpt;
use proto::order::v1 as message;
use proto::types::v1 as types;
use rpc::{Caller, Violations};
use trade::Address;

use super::decode;
use super::payment_method::method_code;
use crate::domain::order::Checkout;
use crate::domain::terms::OrderTerms;
use crate::trade_policy::TradePolicy;

/// The longest line of an address, in characters.
const ADDRESS_CHARACTERS_MAX: usize = 200;
/// The longest short field of an address.
const ADDRESS_SHORT_CHARACTERS_MAX: usize = 60;
/// The most notes of an order, and how long their keys and values may be.
const ATTRIBUTES_MAX: usize = 20;
const ATTRIBUTE_KEY_CHARACTERS_MAX: usize = 60;
const ATTRIBUTE_VALUE_CHARACTERS_MAX: usize = 500;

/// What a buyer gives to order a quote.
pub(super) fn decode(
    message: &message::PlaceOrderRequest,
    caller: &Caller,
    trade_policy: &TradePolicy,
    violations: &mut Violations,
) -> Option<Checkout> {
    let address = address(message.address.as_ref(), trade_policy, violations);
    let method = method(message.payment_method, violations);
    let client_reference = decode::reference(&message.client_reference, violations);
    let attributes = attributes(&message.attributes, violations);
    let buyer = caller.subject.clone();
    Some(Checkout { buyer, address: address?, method: method?, client_reference, attributes })
}

/// Where an order goes: in the hub's country.
fn address(
    message: Option<&types::Address>,
    trade_policy: &TradePolicy,
    violations: &mut Violations,
) -> Option<Address> {
    let Some(message) = message else {
        violations.add("address", "is required");
        return None;
    };
    let postcode = decode::postcode(violations, "address.postcode", &message.postcode, 1, trade_policy);
    let mut text = |name: &str, value: &str, least, most| {
        violations.text(&format!("address.{name}"), value, least, most)
    };
    let address = Address {
        recipient: text("recipient", &message.recipient, 1, ADDRESS_CHARACTERS_MAX),
        line1: text("line1", &message.line1, 1, ADDRESS_CHARACTERS_MAX),
        line2: text("line2", &message.line2, 0, ADDRESS_CHARACTERS_MAX),
        city: text("city", &message.city, 1, ADDRESS_CHARACTERS_MAX),
        state: text("state", &message.state, 0, ADDRESS_CHARACTERS_MAX),
        phone: text("phone", &message.phone, 0, ADDRESS_SHORT_CHARACTERS_MAX),
        postcode,
        country: trade_policy.country,
    };
    let country = trade_policy.country;
    if message.country != country.as_str() {
        let found = excerpt(&message.country);
        violations.add("address.country", format!("is `{found}`; this hub delivers only in {country}"));
    }
    Some(address)
}

/// How an order is paid.
fn method(value: i32, violations: &mut Violations) -> Option<PaymentMethodCode> {
    let code = message::PaymentMethod::try_from(value).ok().and_then(method_code);
    if code.is_none() {
        violations.add("payment_method", "is required: one that GetHub lists");
    }
    code
}

/// What the client notes with an order.
fn attributes(
    attributes: &BTreeMap<String, String>,
    violations: &mut Violations,
) -> BTreeMap<String, String> {
    violations.count("attributes", attributes.len(), 0..=ATTRIBUTES_MAX);
    let mut read = BTreeMap::new();
    for (key, value) in attributes.iter().take(ATTRIBUTES_MAX) {
        let field = format!("attributes[{}]", excerpt(key));
        let name = violations.text(&field, key, 1, ATTRIBUTE_KEY_CHARACTERS_MAX);
        let value = violations.lines(&field, value, 0, ATTRIBUTE_VALUE_CHARACTERS_MAX);
        if name.len() < key.len() && !name.is_empty() {
            violations.add(field, "has a key with leading or trailing spaces");
        }
        read.insert(name, value);
    }
    read
}

/// The fields of an order that the buyer gave.
pub(super) fn encode(terms: &OrderTerms) -> message::Order {
    message::Order {
        buyer: terms.buyer.clone(),
        address: Some(terms.address.clone().into()),
        client_reference: terms.client_reference.clone().unwrap_or_default(),
        attributes: terms.attributes.clone(),
        ..message::Order::default()
    }
}
