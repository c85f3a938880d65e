//! Reading requests: every field that is wrong is told at once.

use std::cmp::Ordering;

use chrono::NaiveDate;
use customs::HsCode;
use hub::{Parcel, Profile};
use kernel::ShipmentId;
use money::Money;
use proto::convert::{self, Invalid};
use proto::logistics::internal::v1::{
    ConsignmentToQuote, LineToQuote, QuoteLandedCostRequest, RecordTrackingEventRequest,
};
use proto::logistics::v1::{self as wire, QuoteCarriageRequest};
use proto::types::v1::{Dimensions, OriginCertificate, Permit};
use rpc::{Caller, Role, Violations};
use rust_decimal::Decimal;

use crate::app::get_shipment::{GetShipment, ShipmentName};
use crate::app::quote_carriage::QuoteCarriage;
use crate::app::quote_landed_cost::QuoteLandedCost;
use crate::app::record_tracking::RecordTrackingEvent;
use crate::domain::landed_cost::{Consignment, Goods};
use crate::domain::owner::Owner;
use crate::domain::shipment::ShipmentState;
use crate::store::shipments::Filter;

/// Consignments of one call.
const CONSIGNMENTS_MAX: usize = 50;
/// Lines of one consignment.
const LINES_MAX: usize = 500;
const QUANTITY_MAX: i64 = 1_000_000;
const WEIGHT_GRAMS_MAX: i64 = 1_000_000;
const SIDE_MM_MAX: i64 = 10_000;
const CERTIFICATE_NUMBER_MAX: usize = 60;
const PERMIT_NUMBER_MAX: usize = 60;
const PERMIT_AUTHORITY_MAX: usize = 120;

/// Characters of a carrier's code.
pub(super) const CARRIER_MAX: usize = 60;
const POSTCODE_MAX: usize = 20;
const SERVICE_MAX: usize = 60;
const REFERENCE_MAX: usize = 100;
const PLACE_MAX: usize = 120;
const NOTE_MAX: usize = 500;

pub(super) fn quote_landed_cost(
    message: &QuoteLandedCostRequest,
    hub: &Profile,
    violations: &mut Violations,
) -> QuoteLandedCost {
    violations.count("consignments", message.consignments.len(), 1..=CONSIGNMENTS_MAX);
    let read = message.consignments.iter().take(CONSIGNMENTS_MAX).enumerate();
    let consignments = read.filter_map(|(index, message)| consignment(index, message, violations)).collect();
    let postcode = postcode(&message.postcode, hub, violations);
    let carriage_service = violations.text("carriage_service", &message.carriage_service, 0, SERVICE_MAX);
    QuoteLandedCost { consignments, postcode, carriage_service, with_charges: !message.without_charges }
}

pub(super) fn quote_carriage(
    message: &QuoteCarriageRequest,
    hub: &Profile,
    violations: &mut Violations,
) -> Option<QuoteCarriage> {
    let from = violations.code("from_country", &message.from_country);
    let parcel = parcel("", 1, message.weight_grams, message.dimensions.as_ref(), violations);
    let postcode = postcode(&message.postcode, hub, violations);
    Some(QuoteCarriage { from: from?, parcel: parcel?, postcode })
}

pub(super) fn record_tracking_event(
    message: &RecordTrackingEventRequest,
    caller: Caller,
    violations: &mut Violations,
) -> Option<RecordTrackingEvent> {
    let carrier_reference =
        violations.text("carrier_reference", &message.carrier_reference, 1, REFERENCE_MAX);
    let number: Option<customs::S10> = violations.code("tracking_number", &message.tracking_number);
    let state = violations.take(state(message.state()));
    let place = violations.text("place", &message.place, 0, PLACE_MAX);
    let occurred_at = message.occurred_at.as_ref();
    let occurred_at = occurred_at.map(|at| violations.take(convert::datetime("occurred_at", Some(at))));
    let note = violations.lines("note", &message.note, 0, NOTE_MAX);
    Some(RecordTrackingEvent {
        carrier_reference,
        tracking_number: number?.to_string(),
        state: state?,
        place,
        occurred_at: occurred_at.flatten(),
        note,
        carrier: (caller.role == Role::Carrier).then_some(caller.subject),
    })
}

/// By its id, or its S10 number with or without spaces.
pub(super) fn get_shipment(
    shipment_id: &str,
    caller: Caller,
    violations: &mut Violations,
) -> Option<GetShipment> {
    let named = match shipment_id.parse::<customs::S10>() {
        Ok(number) => ShipmentName::Number(number.to_string()),
        Err(_) => ShipmentName::Id(violations.id("shipment_id", shipment_id)?),
    };
    Some(GetShipment { owner: owner(caller), named })
}

/// Which of its consignments a seller wants to see.
pub(super) fn filter(
    message: &wire::ListConsignmentsRequest,
    caller: &Caller,
    violations: &mut Violations,
) -> Option<Filter> {
    let state = violations.take(any_state(message.state));
    let booked_from = message.booked_from.as_ref().map(|at| convert::datetime("booked_from", Some(at)));
    let booked_until = message.booked_until.as_ref().map(|at| convert::datetime("booked_until", Some(at)));
    let booked_from = violations.take(booked_from.transpose());
    let booked_until = violations.take(booked_until.transpose());
    let (booked_from, booked_until) = (booked_from?, booked_until?);
    if booked_from.zip(booked_until).is_some_and(|(from, until)| from > until) {
        violations.add("booked_until", "must not be before booked_from");
    }
    Some(Filter { seller_id: caller.subject.clone(), state: state?, booked_from, booked_until })
}

/// Shipments that are named, each once.
pub(super) fn shipment_ids(
    named: &[String],
    most: usize,
    violations: &mut Violations,
) -> Option<Vec<ShipmentId>> {
    if !violations.count("shipment_ids", named.len(), 1..=most) {
        return None;
    }
    let mut ids = Vec::with_capacity(named.len());
    for (index, id) in named.iter().enumerate() {
        let field = format!("shipment_ids[{index}]");
        let Some(id) = violations.id(&field, id) else { continue };
        if ids.contains(&id) {
            violations.add(field, format!("{id} is named twice"));
        }
        ids.push(id);
    }
    (ids.len() == named.len()).then_some(ids)
}

/// A state to look for; `None`: any.
fn any_state(value: i32) -> Result<Option<ShipmentState>, Invalid> {
    match wire::ShipmentState::try_from(value) {
        Ok(wire::ShipmentState::Unspecified) => Ok(None),
        Ok(wire::ShipmentState::Booked) => Ok(Some(ShipmentState::Booked)),
        Ok(wire::ShipmentState::Cancelled) => Ok(Some(ShipmentState::Cancelled)),
        Ok(reported) => state(reported).map(Some),
        Err(_) => Err(Invalid::new("state", format!("{value} is not a state: 0 to 10 are"))),
    }
}

/// Whose parcels a caller sees.
pub(super) fn owner(caller: Caller) -> Owner {
    match caller.role {
        Role::Seller => Owner::Seller(caller.subject),
        Role::Operator => Owner::Anyone,
        _ => Owner::Buyer(caller.subject),
    }
}

/// A state that a carrier can report.
fn state(state: wire::ShipmentState) -> Result<ShipmentState, Invalid> {
    Ok(match state {
        wire::ShipmentState::PickedUp => ShipmentState::PickedUp,
        wire::ShipmentState::ExportCleared => ShipmentState::ExportCleared,
        wire::ShipmentState::Departed => ShipmentState::Departed,
        wire::ShipmentState::Arrived => ShipmentState::Arrived,
        wire::ShipmentState::ImportAssessed => ShipmentState::ImportAssessed,
        wire::ShipmentState::Released => ShipmentState::Released,
        wire::ShipmentState::OutForDelivery => ShipmentState::OutForDelivery,
        wire::ShipmentState::Delivered => ShipmentState::Delivered,
        wire::ShipmentState::Unspecified | wire::ShipmentState::Booked | wire::ShipmentState::Cancelled => {
            return Err(Invalid::new("state", "must be one of PICKED_UP to DELIVERED"));
        }
    })
}

/// A postcode of the hub's country, or none.
fn postcode(postcode: &str, hub: &Profile, violations: &mut Violations) -> String {
    let postcode = violations.postcode("postcode", postcode, 0, POSTCODE_MAX);
    if !postcode.is_empty()
        && let Some(problem) = hub.postcode_problem(&postcode)
    {
        violations.add("postcode", problem);
    }
    postcode
}

/// Units of one size and weight.
fn parcel(
    path: &str,
    quantity: i64,
    weight_grams: i64,
    dimensions: Option<&Dimensions>,
    violations: &mut Violations,
) -> Option<Parcel> {
    if dimensions.is_none() {
        violations.add(format!("{path}dimensions"), "is required");
    }
    let size = dimensions?;
    let mut number = |field: &str, value: i64, most: i64| {
        let read = violations.quantity(&format!("{path}{field}"), value, most);
        read.and_then(|value| u64::try_from(value).ok())
    };
    let (quantity, weight_grams) =
        (number("quantity", quantity, QUANTITY_MAX), number("weight_grams", weight_grams, WEIGHT_GRAMS_MAX));
    let sides = [
        number("dimensions.length_mm", size.length_mm, SIDE_MM_MAX),
        number("dimensions.width_mm", size.width_mm, SIDE_MM_MAX),
        number("dimensions.height_mm", size.height_mm, SIDE_MM_MAX),
    ];
    let [length_mm, width_mm, height_mm] = sides;
    Some(Parcel {
        quantity: quantity?,
        weight_grams: weight_grams?,
        length_mm: length_mm?,
        width_mm: width_mm?,
        height_mm: height_mm?,
    })
}

fn consignment(
    index: usize,
    message: &ConsignmentToQuote,
    violations: &mut Violations,
) -> Option<Consignment> {
    let path = format!("consignments[{index}].");
    violations.count(&format!("{path}lines"), message.lines.len(), 1..=LINES_MAX);
    let lines = message.lines.iter().take(LINES_MAX).enumerate();
    let goods: Vec<Goods> = lines
        .filter_map(|(line, message)| read_goods(&format!("{path}lines[{line}]."), message, violations))
        .collect();
    let from = violations.code(&format!("{path}from_country"), &message.from_country);
    let charge_rate = violations.take(exchange_rate(&format!("{path}charge_rate"), &message.charge_rate));
    let currency = goods.first()?.unit_price.currency();
    if let Some(other) = goods.iter().position(|goods| goods.unit_price.currency() != currency) {
        let field = format!("{path}lines[{other}].unit_price.currency");
        violations.add(field, format!("must be {currency}, as the first line's"));
    }
    Some(Consignment {
        from: from?,
        currency,
        seller_tax_registered: message.seller_tax_registered,
        charge_rate: charge_rate?,
        goods,
    })
}

fn certificate(
    path: &str,
    message: &OriginCertificate,
    violations: &mut Violations,
) -> Option<trade::OriginCertificate> {
    let number = violations.text(&format!("{path}.number"), &message.number, 1, CERTIFICATE_NUMBER_MAX);
    let issued_on = violations.day(&format!("{path}.issued_on"), &message.issued_on);
    let expires_on = violations.day(&format!("{path}.expires_on"), &message.expires_on);
    Some(trade::OriginCertificate { number, issued_on: issued_on?, expires_on: expires_on? })
}

/// The last day of a permit.
fn permit_until(path: &str, message: &Permit, violations: &mut Violations) -> Option<NaiveDate> {
    violations.text(&format!("{path}.number"), &message.number, 0, PERMIT_NUMBER_MAX);
    violations.text(&format!("{path}.authority"), &message.authority, 0, PERMIT_AUTHORITY_MAX);
    violations.day(&format!("{path}.expires_on"), &message.expires_on)
}

/// A rate of exchange; none when the text is empty.
fn exchange_rate(field: &str, text: &str) -> Result<Option<Decimal>, Invalid> {
    if text.is_empty() {
        return Ok(None);
    }
    let rate = Decimal::from_str_exact(text).ok().filter(|rate| *rate > Decimal::ZERO);
    rate.map(Some).ok_or_else(|| Invalid::new(field, "must be a decimal number above 0"))
}

/// What is taken off the price of a line: at most that price.
fn discount(
    field: &str,
    message: &LineToQuote,
    unit_price: Money,
    violations: &mut Violations,
) -> Option<Money> {
    if message.discount.is_none() {
        return Some(Money::zero(unit_price.currency()));
    }
    let discount = violations.amount(field, message.discount.as_ref())?;
    // A price that nobody can count is refused where it is worked out.
    let price = unit_price.checked_mul(message.quantity).ok();
    let is_more = |price: Money| discount.checked_cmp(price).map_or(true, Ordering::is_gt);
    if discount.is_negative() || price.is_some_and(is_more) {
        let currency = unit_price.currency();
        violations.add(field, format!("must be in {currency}, from 0 to the price of the units"));
        return None;
    }
    Some(discount)
}

fn read_goods(path: &str, message: &LineToQuote, violations: &mut Violations) -> Option<Goods> {
    let field = |name: &str| format!("{path}{name}");
    let parcel =
        parcel(path, message.quantity, message.weight_grams, message.dimensions.as_ref(), violations);
    let unit_price = violations.amount(&field("unit_price"), message.unit_price.as_ref());
    let discount = unit_price.and_then(|price| discount(&field("discount"), message, price, violations));
    // The catalogue has held it to the edition when the goods were listed.
    let hs_code = HsCode::kept(&message.hs_code);
    let hs_code = violations.take(hs_code.map_err(|error| Invalid::new(field("hs_code"), error.to_string())));
    let origin = violations.code(&field("origin"), &message.origin);
    let category = violations.text(&field("category"), &message.category, 0, 100);
    let preference = violations.text(&field("preference"), &message.preference, 0, 20);
    let certificate = message
        .certificate
        .as_ref()
        .and_then(|message| certificate(&field("certificate"), message, violations));
    let permit_until =
        message.permit.as_ref().and_then(|message| permit_until(&field("permit"), message, violations));
    Some(Goods {
        parcel: parcel?,
        quantity: message.quantity,
        unit_price: unit_price?,
        discount: discount?,
        hs_code: hs_code?,
        origin: origin?,
        category,
        preference: Some(preference).filter(|code| !code.is_empty()),
        certificate,
        permit_until,
    })
}
