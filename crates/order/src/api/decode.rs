//! Reading requests: all that is wrong with one is told at once, by field.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Display;
use std::str::FromStr;

use kernel::Country;
use proto::order::v1 as message;
use proto::types::v1 as types;
use tonic::Status;

use crate::domain::order::{Address, PaymentMethod};
use crate::domain::pricing::{LINES_MAX, QUANTITY_MAX, Wish};
use crate::domain::returns::Cause;

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
/// How much of a wrong text an error repeats.
const SHOWN_CHARACTERS: usize = 40;

/// What is wrong with a request, collected.
#[derive(Debug, Default)]
pub(crate) struct Violations(Vec<(String, String)>);

impl Violations {
    /// Notes a problem of a field.
    pub(crate) fn add(&mut self, field: impl Into<String>, problem: impl Into<String>) {
        self.0.push((field.into(), problem.into()));
    }

    /// A required id; `None` notes what is wrong.
    pub(crate) fn id<K: FromStr>(&mut self, field: &str, text: &str) -> Option<K>
    where
        K::Err: Display,
    {
        match text.parse() {
            Ok(id) => Some(id),
            Err(error) => {
                let error: K::Err = error;
                let problem = if text.is_empty() { "is required".to_owned() } else { error.to_string() };
                self.add(field, problem);
                None
            }
        }
    }

    /// An id that may be missing.
    pub(crate) fn optional_id<K: FromStr>(&mut self, field: &str, text: &str) -> Option<K>
    where
        K::Err: Display,
    {
        if text.is_empty() { None } else { self.id(field, text) }
    }

    /// A text of `least` to `most` characters, without control characters.
    pub(crate) fn text(&mut self, field: &str, text: &str, least: usize, most: usize) -> String {
        let length = text.chars().count();
        if length < least && length == 0 {
            self.add(field, "is required");
        } else if !(least..=most).contains(&length) {
            self.add(field, format!("has {length} characters; {least} to {most} are allowed"));
        } else if text.chars().any(|character| character.is_control() && character != '\n') {
            self.add(field, "has control characters; only printable ones are allowed");
        }
        text.to_owned()
    }

    /// All of it as INVALID_ARGUMENT, if there is any.
    pub(crate) fn check(self) -> Result<(), Status> {
        if self.0.is_empty() {
            return Ok(());
        }
        let violations: Vec<(&str, &str)> =
            self.0.iter().map(|(field, problem)| (field.as_str(), problem.as_str())).collect();
        Err(rpc::status::invalid(&violations))
    }
}

/// What was decoded, or all that is wrong.
pub(crate) fn complete<T>(decoded: Option<T>, violations: Violations) -> Result<T, Status> {
    violations.check()?;
    // Each field that is missing has noted why.
    decoded.ok_or_else(|| rpc::status::internal("a request was neither decoded nor refused"))
}

/// The lines of a quote.
pub(crate) fn wishes(lines: &[message::QuoteLine], violations: &mut Violations) -> Vec<Wish> {
    if lines.is_empty() || lines.len() > LINES_MAX {
        violations.add("lines", format!("has {} lines; 1 to {LINES_MAX} are allowed", lines.len()));
        return Vec::new();
    }
    let mut seen = BTreeSet::new();
    let mut wishes = Vec::with_capacity(lines.len());
    for (place, line) in lines.iter().enumerate() {
        let field = format!("lines[{place}].variant_id");
        let variant_id = violations.id(&field, &line.variant_id);
        if variant_id.is_some_and(|id| !seen.insert(id)) {
            violations.add(field, "is named twice; each variant may come once");
        }
        if !(1..=QUANTITY_MAX).contains(&line.quantity) {
            let problem = format!("{} must be 1 to {QUANTITY_MAX}", line.quantity);
            violations.add(format!("lines[{place}].quantity"), problem);
        }
        wishes.extend(variant_id.map(|variant_id| Wish { variant_id, quantity: line.quantity }));
    }
    wishes
}

/// The lines of a return; none: the whole consignment.
pub(crate) fn return_lines(
    lines: &[message::ReturnLine],
    violations: &mut Violations,
) -> Vec<(kernel::VariantId, i64)> {
    if lines.len() > LINES_MAX {
        violations.add("lines", format!("has {} lines; at most {LINES_MAX} are allowed", lines.len()));
        return Vec::new();
    }
    let mut seen = BTreeSet::new();
    let mut units = Vec::with_capacity(lines.len());
    for (place, line) in lines.iter().enumerate() {
        let field = format!("lines[{place}].variant_id");
        let variant_id = violations.id(&field, &line.variant_id);
        if variant_id.is_some_and(|id| !seen.insert(id)) {
            violations.add(field, "is named twice; each variant may come once");
        }
        if !(1..=QUANTITY_MAX).contains(&line.quantity) {
            let problem = format!("{} must be 1 to {QUANTITY_MAX}", line.quantity);
            violations.add(format!("lines[{place}].quantity"), problem);
        }
        units.extend(variant_id.map(|variant_id| (variant_id, line.quantity)));
    }
    units
}

/// Where an order goes: in the hub's country.
pub(crate) fn address(
    message: Option<&types::Address>,
    country: Country,
    violations: &mut Violations,
) -> Option<Address> {
    let Some(message) = message else {
        violations.add("address", "is required");
        return None;
    };
    let mut text = |name: &str, value: &str, least, most| {
        violations.text(&format!("address.{name}"), value, least, most)
    };
    let (long, short) = (ADDRESS_CHARACTERS_MAX, ADDRESS_SHORT_CHARACTERS_MAX);
    let address = Address {
        recipient: text("recipient", &message.recipient, 1, long),
        line1: text("line1", &message.line1, 1, long),
        line2: text("line2", &message.line2, 0, long),
        city: text("city", &message.city, 1, long),
        state: text("state", &message.state, 0, long),
        postcode: text("postcode", &message.postcode, 1, short),
        country: message.country.clone(),
        phone: text("phone", &message.phone, 0, short),
    };
    if message.country != country.as_str() {
        let found: String = message.country.chars().take(SHOWN_CHARACTERS).collect();
        violations.add("address.country", format!("is `{found}`; this hub delivers in {country}"));
    }
    Some(address)
}

/// How an order is paid.
pub(crate) fn method(value: i32, violations: &mut Violations) -> Option<PaymentMethod> {
    match message::PaymentMethod::try_from(value) {
        Ok(message::PaymentMethod::Wallet) => Some(PaymentMethod::Wallet),
        Ok(message::PaymentMethod::Promptpay) => Some(PaymentMethod::Promptpay),
        Ok(message::PaymentMethod::Duitnow) => Some(PaymentMethod::Duitnow),
        Ok(message::PaymentMethod::Unspecified) | Err(_) => {
            violations.add("payment_method", "is required: one that GetHub names");
            None
        }
    }
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
            violations.add("cause", format!("{value} is no cause of a return"));
            Cause::ChangeOfMind
        }
    }
}

/// What the client notes with an order.
pub(crate) fn attributes(
    attributes: &HashMap<String, String>,
    violations: &mut Violations,
) -> BTreeMap<String, String> {
    if attributes.len() > ATTRIBUTES_MAX {
        let problem = format!("has {} notes; at most {ATTRIBUTES_MAX} are allowed", attributes.len());
        violations.add("attributes", problem);
    }
    let sorted: BTreeMap<String, String> =
        attributes.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    for (key, value) in sorted.iter().take(ATTRIBUTES_MAX) {
        let shown: String = key.chars().take(SHOWN_CHARACTERS).collect();
        violations.text("attributes", key, 1, ATTRIBUTE_KEY_CHARACTERS_MAX);
        violations.text(&format!("attributes[{shown}]"), value, 0, ATTRIBUTE_VALUE_CHARACTERS_MAX);
    }
    sorted
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
            violations.add("state", format!("{value} is no state of an order"));
            ""
        }
    }
}
