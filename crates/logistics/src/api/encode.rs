//! The domain's types as messages.

use customs::landed_cost::Charges;
use hub::CarriageOption;
use proto::convert::timestamp;
use proto::logistics::internal::v1::{ExactCharges, QuotedLandedCost};
use proto::logistics::v1 as message;
use proto::types::v1 as types;
use rust_decimal::Decimal;

use crate::domain::landed_cost::LandedQuote;
use crate::domain::shipment::{Content, DeclarationState, Shipment, TrackingEvent};
use crate::store::declarations::Declaration;
use crate::wire::{declared, state};

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
        transport: types::Transport::from(shipment.transport).into(),
        state: state(shipment.state).into(),
        from_country: shipment.from.to_string(),
        chargeable_grams: shipment.chargeable_grams,
        events: steps.into_iter().map(step).collect(),
        declaration_id: shipment.declaration_id.map(|id| id.to_string()).unwrap_or_default(),
        address: Some(shipment.address.into()),
        created_at: Some(timestamp(shipment.created_at)),
        ready_at: shipment.ready_at.map(timestamp),
        contents: shipment.contents.into_iter().map(content).collect(),
        version: shipment.version,
    }
}

fn content(Content { description, quantity }: Content) -> message::Content {
    message::Content { description, quantity }
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
        transport: types::Transport::from(option.transport).into(),
        chargeable_grams: i64::try_from(option.chargeable_grams).unwrap_or(i64::MAX),
        price: Some(option.price.into()),
        days_min: i32::try_from(option.days_min).unwrap_or(i32::MAX),
        days_max: i32::try_from(option.days_max).unwrap_or(i32::MAX),
        zone: Some(option.zone),
    }
}

pub(super) fn landed(landed: LandedQuote) -> Result<QuotedLandedCost, money::Error> {
    Ok(QuotedLandedCost {
        carriage: Some(carriage(landed.carriage)),
        price: Some(landed.price.try_into()?),
        customs_value: Some(landed.customs_value.into()),
        seller_collected_tax: Some(landed.seller_tax.into()),
        lines: landed.lines.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
        rules: landed.rules.into_iter().map(Into::into).collect(),
        customs_rate: landed.customs_rate.map(Into::into),
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
