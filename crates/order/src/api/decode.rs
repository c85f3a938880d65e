//! Reading requests: all that is wrong with one is told at once, by field.

use std::collections::{BTreeMap, BTreeSet};

use hub::PaymentMethodCode;
use kernel::{VariantId, excerpt};
use proto::order::v1 as message;
use proto::types::v1 as types;
use rpc::{Caller, GuestSecret, Violations};
use trade::{Address, Permit};

use crate::domain::order::Checkout;
use crate::domain::pricing::{LINES_MAX, QUANTITY_MAX, RequestedLine};
use crate::domain::returns::Cause;
use crate::trade_policy::TradePolicy;
use crate::wire;

/// The longest line of an address, in characters.
const ADDRESS_CHARACTERS_MAX: usize = 200;
/// The longest short field of an address.
const ADDRESS_SHORT_CHARACTERS_MAX: usize = 60;
/// The longest reference of a client.
pub(crate) const REFERENCE_CHARACTERS_MAX: usize = 100;
/// The most notes of an order, and how long their keys and values may be.
const ATTRIBUTES_MAX: usize = 20;
const ATTRIBUTE_KEY_CHARACTERS_MAX: usize = 60;
const ATTRIBUTE_VALUE_CHARACTERS_MAX: usize = 500;
const POSTCODE_CHARACTERS_MAX: usize = 20;
/// The longest number and authority of a permit.
const PERMIT_NUMBER_CHARACTERS_MAX: usize = 60;
const PERMIT_AUTHORITY_CHARACTERS_MAX: usize = 120;

/// A postcode of the hub's country; of at least no characters, it may be empty.
pub(crate) fn postcode(
    violations: &mut Violations,
    field: &str,
    text: &str,
    least: usize,
    trade_policy: &TradePolicy,
) -> String {
    let postcode = violations.postcode(field, text, least, POSTCODE_CHARACTERS_MAX);
    if !postcode.is_empty()
        && let Some(problem) = trade_policy.postcode_problem(&postcode)
    {
        violations.add(field, problem);
    }
    postcode
}

/// The lines of a quote.
pub(crate) fn requested(lines: &[message::QuoteLine], violations: &mut Violations) -> Vec<RequestedLine> {
    violations.count("lines", lines.len(), 1..=LINES_MAX);
    let mut seen = BTreeSet::new();
    let mut requested = Vec::with_capacity(lines.len().min(LINES_MAX));
    for (place, line) in lines.iter().take(LINES_MAX).enumerate() {
        let variant_id = goods(place, &line.variant_id, line.quantity, &mut seen, violations);
        let permit = permit(&format!("lines[{place}].permit"), line.permit.as_ref(), violations);
        requested.extend(variant_id.map(|variant_id| RequestedLine {
            variant_id,
            quantity: line.quantity,
            permit,
        }));
    }
    requested
}

/// Which variant a line names, and that it is the only one that does.
fn goods(
    place: usize,
    variant_id: &str,
    quantity: i64,
    seen: &mut BTreeSet<VariantId>,
    violations: &mut Violations,
) -> Option<VariantId> {
    let field = format!("lines[{place}].variant_id");
    let variant_id = violations.id(&field, variant_id);
    if variant_id.is_some_and(|id| !seen.insert(id)) {
        violations.add(field, "is listed twice; each variant may appear once");
    }
    violations.quantity(&format!("lines[{place}].quantity"), quantity, QUANTITY_MAX);
    variant_id
}

/// The permit of a line. One with a blank field is none: goods that need a permit are then refused.
fn permit(field: &str, message: Option<&types::Permit>, violations: &mut Violations) -> Option<Permit> {
    let message = message?;
    let number =
        violations.text(&format!("{field}.number"), &message.number, 0, PERMIT_NUMBER_CHARACTERS_MAX);
    let authority = violations.text(
        &format!("{field}.authority"),
        &message.authority,
        0,
        PERMIT_AUTHORITY_CHARACTERS_MAX,
    );
    let is_blank = |text: &str| !text.chars().any(char::is_alphanumeric);
    if is_blank(&message.expires_on) {
        return None;
    }
    let expires_on = violations.day(&format!("{field}.expires_on"), &message.expires_on)?;
    (!is_blank(&number) && !is_blank(&authority)).then_some(Permit { number, authority, expires_on })
}

/// The lines of a return; none: the whole consignment.
pub(crate) fn return_lines(
    lines: &[message::ReturnLine],
    violations: &mut Violations,
) -> Vec<(VariantId, i64)> {
    violations.count("lines", lines.len(), 0..=LINES_MAX);
    let mut seen = BTreeSet::new();
    let mut units = Vec::with_capacity(lines.len().min(LINES_MAX));
    for (place, line) in lines.iter().take(LINES_MAX).enumerate() {
        let variant_id = goods(place, &line.variant_id, line.quantity, &mut seen, violations);
        units.extend(variant_id.map(|variant_id| (variant_id, line.quantity)));
    }
    units
}

/// What a buyer gives to order a quote.
pub(crate) fn checkout(
    message: &message::PlaceOrderRequest,
    caller: &Caller,
    trade_policy: &TradePolicy,
    violations: &mut Violations,
) -> Option<Checkout> {
    let address = address(message.address.as_ref(), trade_policy, violations);
    let method = method(message.payment_method, violations);
    let client_reference = reference(&message.client_reference, violations);
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
    let postcode = postcode(violations, "address.postcode", &message.postcode, 1, trade_policy);
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

/// The secret of a guest, if there is one.
pub(crate) fn guest_secret(text: &str, violations: &mut Violations) -> Option<GuestSecret> {
    if text.is_empty() {
        return None;
    }
    GuestSecret::parse(text).map_err(|problem| violations.add("guest_secret", problem)).ok()
}

/// Whom a caller proves to be: himself by his token, and a guest by the secret.
pub(crate) fn principals(caller: Option<&Caller>, secret: Option<&GuestSecret>) -> Vec<String> {
    caller.map(Caller::principal).into_iter().chain(secret.map(GuestSecret::principal)).collect()
}

/// How an order is paid.
fn method(value: i32, violations: &mut Violations) -> Option<PaymentMethodCode> {
    let code = message::PaymentMethod::try_from(value).ok().and_then(wire::method_code);
    if code.is_none() {
        violations.add("payment_method", "is required: one that GetHub lists");
    }
    code
}

/// The client's own reference, if there is one.
pub(crate) fn reference(text: &str, violations: &mut Violations) -> Option<String> {
    let text = violations.text("client_reference", text, 0, REFERENCE_CHARACTERS_MAX);
    (!text.is_empty()).then_some(text)
}

/// Why goods go back; not said: the buyer does not want them.
pub(crate) fn cause(value: i32, violations: &mut Violations) -> Cause {
    match message::ReturnCause::try_from(value) {
        Ok(message::ReturnCause::Unspecified | message::ReturnCause::ChangeOfMind) => Cause::ChangeOfMind,
        Ok(message::ReturnCause::WrongOrDamaged) => Cause::WrongOrDamaged,
        Err(_) => {
            violations.add("cause", format!("{value} is not a cause of a return"));
            Cause::ChangeOfMind
        }
    }
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

/// The state that a list of orders is narrowed to; empty: all.
pub(crate) fn state(value: i32, violations: &mut Violations) -> &'static str {
    match message::OrderState::try_from(value) {
        Ok(message::OrderState::Unspecified) => "",
        Ok(message::OrderState::Placing) => "placing",
        Ok(message::OrderState::AwaitingPayment) => "awaiting_payment",
        Ok(message::OrderState::Confirmed) => "confirmed",
        Ok(message::OrderState::Delivered) => "delivered",
        Ok(message::OrderState::Completed) => "completed",
        Ok(message::OrderState::Cancelled) => "cancelled",
        Err(_) => {
            violations.add("state", format!("{value} is not a state of an order"));
            ""
        }
    }
}
