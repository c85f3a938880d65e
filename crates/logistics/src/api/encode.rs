//! The domain's types as messages.

use customs::Transport;
use customs::landed_cost::{Amounts, Charges};
use hub::CarriageOption;
use proto::convert::timestamp;
use proto::logistics::internal::v1::{ExactCharges, QuotedLandedCost};
use proto::logistics::v1 as message;
use proto::types::v1 as types;
use rust_decimal::Decimal;

use crate::domain::customs_rate::CustomsRate;
use crate::domain::landed::Landed;
use crate::domain::shipment::{Address, DeclarationState, Shipment, TrackingEvent};
use crate::store::declarations::Declaration;
use crate::wire::{declared, rule, state};

fn transport(transport: Transport) -> i32 {
    let transport = match transport {
        Transport::Air => types::Transport::Air,
        Transport::Post => types::Transport::Post,
        Transport::Sea => types::Transport::Sea,
        Transport::Road => types::Transport::Road,
    };
    transport.into()
}

pub(super) fn shipment(shipment: Shipment, steps: Vec<TrackingEvent>) -> message::Shipment {
    message::Shipment {
        shipment_id: shipment.id.to_string(),
        consignment_id: shipment.consignment_id.to_string(),
        order_id: shipment.order_id.to_string(),
        order_number: shipment.order_number,
        seller_id: shipment.seller_id,
        tracking_number: shipment.tracking_number,
        carrier: shipment.carrier,
        service: shipment.service,
        transport: transport(shipment.transport),
        state: state(shipment.state).into(),
        from_country: shipment.from.to_string(),
        chargeable_grams: shipment.chargeable_grams,
        events: steps.into_iter().map(step).collect(),
        declaration_id: shipment.declaration_id.map(|id| id.to_string()).unwrap_or_default(),
        address: Some(address(shipment.address)),
        created_at: Some(timestamp(shipment.created_at)),
    }
}

fn address(address: Address) -> types::Address {
    types::Address {
        recipient: address.recipient,
        line1: address.line1,
        line2: address.line2,
        city: address.city,
        state: address.state,
        postcode: address.postcode,
        country: address.country,
        phone: address.phone,
    }
}

fn step(event: TrackingEvent) -> message::TrackingEvent {
    message::TrackingEvent {
        tracking_event_id: event.id.to_string(),
        state: state(event.state).into(),
        place: event.place,
        occurred_at: Some(timestamp(event.occurred_at)),
        note: event.note,
    }
}

pub(super) fn declaration(found: &Declaration) -> message::Declaration {
    let state = match found.state {
        DeclarationState::Drafted => message::DeclarationState::Drafted,
        DeclarationState::Lodged => message::DeclarationState::Lodged,
        DeclarationState::Assessed => message::DeclarationState::Assessed,
        DeclarationState::Released => message::DeclarationState::Released,
        DeclarationState::Withdrawn => message::DeclarationState::Withdrawn,
    };
    message::Declaration {
        declaration_id: found.id.to_string(),
        shipment_id: found.shipment_id.to_string(),
        state: state.into(),
        lodged_at: found.lodged_at.map(timestamp),
        released_at: found.released_at.map(timestamp),
        ..declared(&found.declared)
    }
}

pub(super) fn carriage(option: CarriageOption) -> message::CarriageOption {
    message::CarriageOption {
        carrier: option.carrier,
        service: option.service,
        title: option.title,
        transport: transport(option.transport),
        chargeable_grams: i64::try_from(option.chargeable_grams).unwrap_or(i64::MAX),
        price: Some(option.price.into()),
        days_min: i32::try_from(option.days_min).unwrap_or(i32::MAX),
        days_max: i32::try_from(option.days_max).unwrap_or(i32::MAX),
        zone: Some(option.zone),
    }
}

pub(super) fn landed(landed: Landed) -> Result<QuotedLandedCost, money::Error> {
    Ok(QuotedLandedCost {
        carriage: Some(carriage(landed.carriage)),
        price: Some(price(&landed.total)?),
        customs_value: Some(landed.customs_value.into()),
        seller_collected_tax: Some(landed.total.seller_tax.into()),
        lines: landed.lines.iter().map(price).collect::<Result<_, _>>()?,
        rules: landed.rules.into_iter().map(rule).collect(),
        customs_rate: landed.customs_rate.map(rate),
        warnings: landed.warnings,
        charges: landed.charges.iter().map(exact_charges).collect(),
    })
}

fn exact_charges(charges: &Charges) -> ExactCharges {
    let text = |amount: Decimal| amount.normalize().to_string();
    ExactCharges {
        duty: text(charges.duty + charges.excise),
        tax: text(charges.tax),
        fees: text(charges.fees),
    }
}

fn price(amounts: &Amounts) -> Result<types::PriceParts, money::Error> {
    Ok(types::PriceParts {
        goods: Some(amounts.goods.into()),
        carriage: Some(amounts.freight.into()),
        insurance: Some(amounts.insurance.into()),
        duty: Some(amounts.duty.checked_add(amounts.excise)?.into()),
        tax: Some(amounts.tax()?.into()),
        fees: Some(amounts.fees.into()),
        total: Some(amounts.landed()?.into()),
    })
}

fn rate(rate: CustomsRate) -> types::ExchangeRate {
    types::ExchangeRate {
        from_currency: rate.from.code().to_owned(),
        to_currency: rate.to.code().to_owned(),
        rate: rate.reference.rate.normalize().to_string(),
        reference_rate: rate.reference.rate.normalize().to_string(),
        as_of: rate.reference.as_of.to_string(),
        source: rate.reference.source,
        rate_id: String::new(),
    }
}
