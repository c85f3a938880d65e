//! Reading requests: a field that is wrong is named.

use chrono::NaiveDate;
use customs::HsCode;
use hub::{Parcel, Profile};
use kernel::Country;
use proto::convert::{self, Invalid};
use proto::logistics::internal::v1::{
    ConsignmentToQuote, LineToQuote, QuoteLandedCostRequest, RecordTrackingEventRequest,
};
use proto::logistics::v1::{QuoteCarriageRequest, ShipmentState};
use proto::types::v1::{Dimensions, OriginCertificate};
use rpc::{Caller, Role};
use rust_decimal::Decimal;
use tonic::Status;

use crate::app::get_shipment::{GetShipment, Named};
use crate::app::quote_carriage::QuoteCarriage;
use crate::app::quote_landed_cost::QuoteLandedCost;
use crate::app::record_tracking::RecordTrackingEvent;
use crate::domain::landed::{Certificate, Consignment, Goods};
use crate::domain::owner::Owner;
use crate::domain::shipment::State;

/// Consignments of one call.
const CONSIGNMENTS_MAX: usize = 50;
/// Lines of one consignment.
const LINES_MAX: usize = 500;
const QUANTITY_MAX: i64 = 1_000_000;
const WEIGHT_GRAMS_MAX: i64 = 1_000_000;
const SIDE_MM_MAX: i64 = 10_000;
const CERTIFICATE_NUMBER_MAX: usize = 60;

const POSTCODE_MAX: usize = 20;
const SERVICE_MAX: usize = 60;
const REFERENCE_MAX: usize = 100;
const PLACE_MAX: usize = 120;
const NOTE_MAX: usize = 500;

pub(super) fn quote_landed_cost(
    asked: &QuoteLandedCostRequest,
    hub: &Profile,
) -> Result<QuoteLandedCost, Status> {
    let read = || {
        if asked.consignments.is_empty() || asked.consignments.len() > CONSIGNMENTS_MAX {
            return Err(Invalid::new("consignments", format!("must be 1 to {CONSIGNMENTS_MAX}")));
        }
        let consignments = asked.consignments.iter().enumerate();
        let consignments = consignments.map(|(place, asked)| consignment(place, asked));
        Ok(QuoteLandedCost {
            consignments: consignments.collect::<Result<_, _>>()?,
            postcode: postcode(&asked.postcode, hub)?,
            carriage_service: text("carriage_service", &asked.carriage_service, 0, SERVICE_MAX)?,
        })
    };
    read().map_err(|error| invalid(&error))
}

pub(super) fn quote_carriage(asked: &QuoteCarriageRequest, hub: &Profile) -> Result<QuoteCarriage, Status> {
    let read = || {
        Ok(QuoteCarriage {
            from: country("from_country", &asked.from_country)?,
            parcel: parcel("", 1, asked.weight_grams, asked.dimensions.as_ref())?,
            postcode: postcode(&asked.postcode, hub)?,
        })
    };
    read().map_err(|error| invalid(&error))
}

pub(super) fn record_tracking_event(
    asked: &RecordTrackingEventRequest,
    caller: Caller,
) -> Result<RecordTrackingEvent, Status> {
    let read = || {
        let occurred_at = asked.occurred_at.as_ref().map(|at| convert::datetime("occurred_at", Some(at)));
        Ok(RecordTrackingEvent {
            carrier_reference: text("carrier_reference", &asked.carrier_reference, 1, REFERENCE_MAX)?,
            tracking_number: asked
                .tracking_number
                .parse()
                .map(|number: customs::S10| number.to_string())
                .map_err(|error: customs::s10::Error| Invalid::new("tracking_number", error.to_string()))?,
            state: state(asked.state())?,
            place: text("place", &asked.place, 0, PLACE_MAX)?,
            occurred_at: occurred_at.transpose()?,
            note: convert::lines("note", &asked.note, 0, NOTE_MAX)?,
            carrier: (caller.role == Role::Carrier).then_some(caller.subject),
        })
    };
    read().map_err(|error| invalid(&error))
}

/// By its id, or its S10 number with or without spaces.
pub(super) fn get_shipment(shipment_id: &str, caller: Caller) -> Result<GetShipment, Status> {
    let named = match shipment_id.parse::<customs::S10>() {
        Ok(number) => Named::Number(number.to_string()),
        Err(_) => Named::Id(id("shipment_id", shipment_id)?),
    };
    Ok(GetShipment { owner: owner(caller), named })
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
fn state(state: ShipmentState) -> Result<State, Invalid> {
    Ok(match state {
        ShipmentState::PickedUp => State::PickedUp,
        ShipmentState::ExportCleared => State::ExportCleared,
        ShipmentState::Departed => State::Departed,
        ShipmentState::Arrived => State::Arrived,
        ShipmentState::ImportAssessed => State::ImportAssessed,
        ShipmentState::Released => State::Released,
        ShipmentState::OutForDelivery => State::OutForDelivery,
        ShipmentState::Delivered => State::Delivered,
        ShipmentState::Unspecified | ShipmentState::Booked | ShipmentState::Cancelled => {
            return Err(Invalid::new("state", "must be one of PICKED_UP to DELIVERED"));
        }
    })
}

/// A postcode of the hub's country, or none.
fn postcode(postcode: &str, hub: &Profile) -> Result<String, Invalid> {
    let text = convert::postcode("postcode", postcode, 0, POSTCODE_MAX)?;
    match hub.postcode_problem(&text) {
        Some(problem) if !text.is_empty() => Err(Invalid::new("postcode", problem)),
        _ => Ok(text),
    }
}

fn invalid(error: &Invalid) -> Status {
    rpc::status::invalid(&[(&error.field, &error.problem)])
}

pub(super) fn id<K: kernel::Kind>(field: &str, text: &str) -> Result<kernel::Id<K>, Status> {
    text.parse().map_err(|error: kernel::IdError| rpc::status::invalid(&[(field, &error.to_string())]))
}

/// A line of text; see [`convert::text`].
fn text(field: &str, text: &str, least: usize, most: usize) -> Result<String, Invalid> {
    convert::text(field, text, least, most).map(str::to_owned)
}

fn country(field: &str, text: &str) -> Result<Country, Invalid> {
    text.parse().map_err(|error: kernel::CountryError| Invalid::new(field, error.to_string()))
}

/// A day, YYYY-MM-DD.
fn day(field: &str, text: &str) -> Result<NaiveDate, Invalid> {
    kernel::day(text).map_err(|error| Invalid::new(field, error.to_string()))
}

/// Units of one size and weight.
fn parcel(
    path: &str,
    quantity: i64,
    weight_grams: i64,
    dimensions: Option<&Dimensions>,
) -> Result<Parcel, Invalid> {
    let size = dimensions.ok_or_else(|| Invalid::new(format!("{path}dimensions"), "is required"))?;
    let number = |field: &str, value: i64, most: i64| {
        let value = convert::quantity(&format!("{path}{field}"), value, most)?;
        u64::try_from(value).map_err(|error| Invalid::new(format!("{path}{field}"), error.to_string()))
    };
    Ok(Parcel {
        quantity: number("quantity", quantity, QUANTITY_MAX)?,
        weight_grams: number("weight_grams", weight_grams, WEIGHT_GRAMS_MAX)?,
        length_mm: number("dimensions.length_mm", size.length_mm, SIDE_MM_MAX)?,
        width_mm: number("dimensions.width_mm", size.width_mm, SIDE_MM_MAX)?,
        height_mm: number("dimensions.height_mm", size.height_mm, SIDE_MM_MAX)?,
    })
}

fn consignment(place: usize, asked: &ConsignmentToQuote) -> Result<Consignment, Invalid> {
    let path = format!("consignments[{place}].");
    if asked.lines.is_empty() || asked.lines.len() > LINES_MAX {
        return Err(Invalid::new(format!("{path}lines"), format!("must be 1 to {LINES_MAX}")));
    }
    let goods = asked.lines.iter().enumerate();
    let goods = goods.map(|(line, asked)| read_goods(&format!("{path}lines[{line}]."), asked));
    let goods = goods.collect::<Result<Vec<_>, _>>()?;
    let currency = goods.first().map(|first| first.unit_price.currency());
    let currency = currency.ok_or_else(|| Invalid::new(format!("{path}lines"), "is empty"))?;
    if let Some(other) = goods.iter().position(|goods| goods.unit_price.currency() != currency) {
        let field = format!("{path}lines[{other}].unit_price.currency");
        return Err(Invalid::new(field, format!("must be {currency}, as the first line's")));
    }
    Ok(Consignment {
        from: country(&format!("{path}from_country"), &asked.from_country)?,
        currency,
        seller_tax_registered: asked.seller_tax_registered,
        charge_rate: exchange_rate(&format!("{path}charge_rate"), &asked.charge_rate)?,
        goods,
    })
}

fn certificate(path: &str, asked: &OriginCertificate) -> Result<Certificate, Invalid> {
    Ok(Certificate {
        number: text(&format!("{path}.number"), &asked.number, 1, CERTIFICATE_NUMBER_MAX)?,
        issued_on: day(&format!("{path}.issued_on"), &asked.issued_on)?,
        expires_on: day(&format!("{path}.expires_on"), &asked.expires_on)?,
    })
}

/// A rate of exchange; none when the text is empty.
fn exchange_rate(field: &str, text: &str) -> Result<Option<Decimal>, Invalid> {
    if text.is_empty() {
        return Ok(None);
    }
    let rate = Decimal::from_str_exact(text).ok().filter(|rate| *rate > Decimal::ZERO);
    rate.map(Some).ok_or_else(|| Invalid::new(field, "must be a decimal number above 0"))
}

fn read_goods(path: &str, asked: &LineToQuote) -> Result<Goods, Invalid> {
    let field = |name: &str| format!("{path}{name}");
    // The catalogue has held it to the edition when the goods were listed.
    let hs_code = HsCode::kept(&asked.hs_code);
    let preference = text(&field("preference"), &asked.preference, 0, 20)?;
    Ok(Goods {
        parcel: parcel(path, asked.quantity, asked.weight_grams, asked.dimensions.as_ref())?,
        quantity: asked.quantity,
        unit_price: convert::money(&field("unit_price"), asked.unit_price.as_ref())?,
        hs_code: hs_code
            .map_err(|error: customs::hs_code::Error| Invalid::new(field("hs_code"), error.to_string()))?,
        origin: country(&field("origin"), &asked.origin)?,
        category: text(&field("category"), &asked.category, 0, 100)?,
        preference: Some(preference).filter(|code| !code.is_empty()),
        certificate: asked
            .certificate
            .as_ref()
            .map(|asked| certificate(&field("certificate"), asked))
            .transpose()?,
        permit_until: asked
            .permit
            .as_ref()
            .map(|permit| day(&field("permit.expires_on"), &permit.expires_on))
            .transpose()?,
    })
}
