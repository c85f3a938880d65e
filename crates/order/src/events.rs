//! What happened to an order, as events. The aggregate is the order and each event has a version of its own. The messages are
//! the events' own: what the API shows of a quote may change without them.

use events::Envelope;
use hub::Bearer;
use kernel::ConsignmentId;
use proto::Event;
use proto::order::events::v1 as event;
use proto::types::v1::Transport;

use crate::domain::order::{Order, OrderState};
use crate::domain::quote::{Carriage, QuotedConsignment, QuotedLine};
use crate::domain::returns::{Bearers, Cause, Return};

/// Stock and money are held.
pub(crate) fn confirmed(order: &Order) -> Result<Envelope, money::Error> {
    let terms = &order.terms;
    let consignments = terms.consignments.iter().map(quoted_consignment);
    let message = event::OrderConfirmed {
        order_id: order.id.to_string(),
        number: terms.number.clone(),
        buyer: terms.buyer.clone(),
        reservation_id: order.reservation_id().to_string(),
        hold_id: order.hold_id().to_string(),
        address: Some(terms.address.clone().into()),
        consignments: consignments.collect::<Result<_, _>>()?,
        price: Some(terms.price.try_into()?),
    };
    Ok(envelope(order, &message))
}

/// The order ended before completion.
pub(crate) fn cancelled(order: &Order) -> Envelope {
    let (was_confirmed, reason) = match &order.progress.state {
        OrderState::Cancelled { cause, paid_at } => (paid_at.is_some(), cause.reason.clone()),
        _ => (false, String::new()),
    };
    let message = event::OrderCancelled {
        order_id: order.id.to_string(),
        was_confirmed,
        reservation_id: order.reservation_id().to_string(),
        hold_id: order.hold_id().to_string(),
        reason,
    };
    envelope(order, &message)
}

/// The buyer has a consignment, or the time to object has passed.
pub(crate) fn consignment_received(order: &Order, consignment_id: ConsignmentId, by_buyer: bool) -> Envelope {
    let message = event::ConsignmentReceived {
        order_id: order.id.to_string(),
        consignment_id: consignment_id.to_string(),
        by_buyer,
    };
    envelope(order, &message)
}

/// Goods came back.
pub(crate) fn return_received(order: &Order, one: &Return) -> Result<Envelope, money::Error> {
    let message = event::ReturnReceived {
        order_id: order.id.to_string(),
        return_id: one.id.to_string(),
        consignment_id: one.consignment_id.to_string(),
        reservation_id: order.reservation_id().to_string(),
        lines: return_lines(one),
        refund: Some(one.refund()?.into()),
        seller_goods: one.seller_goods()?.map(Into::into),
        restock: one.state.answer().1,
        duty_and_tax: Some(one.duty_and_tax()?.into()),
        outward_costs: Some(one.request.charges.into()),
        terms: Some(return_terms(one)),
    };
    Ok(envelope(order, &message))
}

fn envelope<E: Event>(order: &Order, message: &E) -> Envelope {
    Envelope::of(order.id, order.version, order.progress.updated_at, message)
}

fn quoted_consignment(quoted: &QuotedConsignment) -> Result<event::QuotedConsignment, money::Error> {
    Ok(event::QuotedConsignment {
        consignment_id: quoted.id.to_string(),
        seller_id: quoted.seller_id.to_string(),
        seller_name: quoted.seller_name.clone(),
        from_country: quoted.from_country.clone(),
        lines: quoted.lines.iter().map(line).collect::<Result<_, _>>()?,
        price: Some(quoted.price.try_into()?),
        hub_price: Some(quoted.hub_price.try_into()?),
        seller_goods: Some(quoted.seller_goods.into()),
        carriage: Some(carriage(&quoted.carriage)),
        customs_value: Some(quoted.customs_value.into()),
        rules: quoted.rules.iter().cloned().map(Into::into).collect(),
        customs_rate: quoted.customs_rate.clone().map(Into::into),
        goods_rate: quoted.goods_rate.clone().map(Into::into),
        charges_rate: quoted.charges_rate.clone().map(Into::into),
        seller_collected_tax: Some(quoted.seller_collected_tax.into()),
    })
}

fn line(line: &QuotedLine) -> Result<event::QuotedLine, money::Error> {
    Ok(event::QuotedLine {
        variant_id: line.variant_id.to_string(),
        product_id: line.product_id.to_string(),
        sku: line.sku.clone(),
        title: line.title.clone(),
        quantity: line.quantity,
        unit_price: Some(line.unit_price.into()),
        discount: line.discount.map(Into::into),
        price: Some(line.price.try_into()?),
        hs_code: line.hs_code.clone(),
        origin: line.origin.clone(),
        weight_grams: line.weight_grams,
        category: line.category.clone(),
        permit: line.permit.clone().map(Into::into),
        certificate: line.claimed_certificate().cloned().map(Into::into),
    })
}

fn carriage(carriage: &Carriage) -> event::Carriage {
    event::Carriage {
        carrier: carriage.carrier.clone(),
        service: carriage.service.clone(),
        title: carriage.title.clone(),
        transport: carriage.transport.map_or(Transport::Unspecified, Into::into).into(),
        chargeable_grams: carriage.chargeable_grams,
        days_min: carriage.days_min,
        days_max: carriage.days_max,
        zone: carriage.zone.clone(),
    }
}

fn return_lines(one: &Return) -> Vec<event::ReturnLine> {
    let lines = one.request.lines.iter();
    lines
        .map(|line| event::ReturnLine { variant_id: line.variant_id.to_string(), quantity: line.quantity })
        .collect()
}

fn return_terms(one: &Return) -> event::ReturnTerms {
    let cause = match one.request.cause {
        Cause::ChangeOfMind => event::ReturnCause::ChangeOfMind,
        Cause::WrongOrDamaged => event::ReturnCause::WrongOrDamaged,
    };
    let bearer = |bearer: Bearer| -> i32 {
        match bearer {
            Bearer::Buyer => event::CostBearer::Buyer,
            Bearer::Seller => event::CostBearer::Seller,
            Bearer::Hub => event::CostBearer::Hub,
            Bearer::Customs => event::CostBearer::Customs,
        }
        .into()
    };
    let Bearers { outward_carriage, return_carriage, duty_and_tax } = one.request.bearers;
    event::ReturnTerms {
        cause: cause.into(),
        outward_carriage: bearer(outward_carriage),
        return_carriage: bearer(return_carriage),
        duty_and_tax: bearer(duty_and_tax),
    }
}
