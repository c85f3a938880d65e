//! What happened to an order, as events. The aggregate is the order and each event has a version of its own.

use events::Envelope;
use kernel::ConsignmentId;
use proto::order::events::v1 as event;

use crate::domain::order::{Order, State};
use crate::domain::returns::Return;
use crate::wire;

/// Stock and money are held.
pub(crate) fn confirmed(order: &Order) -> Result<Envelope, money::Error> {
    let terms = &order.terms;
    let consignments = terms.consignments.iter().map(wire::quoted_consignment);
    let message = event::OrderConfirmed {
        order_id: order.id.to_string(),
        number: terms.number.clone(),
        buyer: terms.buyer.clone(),
        reservation_id: order.reservation_id().to_string(),
        hold_id: order.hold_id().to_string(),
        address: Some(wire::address(&terms.address)),
        consignments: consignments.collect::<Result<_, _>>()?,
        price: Some(wire::price(&terms.price)?),
    };
    Ok(envelope("order.confirmed.v1", order, &message))
}

/// The order ended before completion.
pub(crate) fn cancelled(order: &Order) -> Envelope {
    let (was_confirmed, reason) = match &order.progress.state {
        State::Cancelled { cause, paid_at } => (paid_at.is_some(), cause.reason.clone()),
        _ => (false, String::new()),
    };
    let message = event::OrderCancelled {
        order_id: order.id.to_string(),
        was_confirmed,
        reservation_id: order.reservation_id().to_string(),
        hold_id: order.hold_id().to_string(),
        reason,
    };
    envelope("order.cancelled.v1", order, &message)
}

/// The buyer has a consignment, or the time to object has passed.
pub(crate) fn consignment_received(order: &Order, consignment_id: ConsignmentId, by_buyer: bool) -> Envelope {
    let message = event::ConsignmentReceived {
        order_id: order.id.to_string(),
        consignment_id: consignment_id.to_string(),
        by_buyer,
    };
    envelope("order.consignment_received.v1", order, &message)
}

/// Goods came back.
pub(crate) fn return_received(order: &Order, one: &Return) -> Result<Envelope, money::Error> {
    let message = event::ReturnReceived {
        order_id: order.id.to_string(),
        return_id: one.id.to_string(),
        consignment_id: one.consignment_id.to_string(),
        reservation_id: order.reservation_id().to_string(),
        lines: wire::return_lines(one),
        refund: Some(one.refund()?.into()),
        seller_goods: one.seller_goods()?.map(Into::into),
        restock: one.state.answer().1,
        duty_and_tax: Some(one.duty_and_tax()?.into()),
        outward_costs: Some(one.request.charges.into()),
        terms: Some(wire::return_terms(one)),
    };
    Ok(envelope("order.return_received.v1", order, &message))
}

fn envelope<M: prost::Message>(kind: &'static str, order: &Order, message: &M) -> Envelope {
    Envelope::new(kind, order.id, order.version, order.progress.updated_at, message)
}
