//! The domain as messages: what clients see. Who may see what is decided here, in [`Viewer`].

use chrono::{DateTime, Utc};
use hub::Bearer;
use money::Money;
use proto::convert::timestamp;
use proto::order::internal::v1 as internal;
use proto::order::v1 as message;
use proto::types::v1 as types;
use trade::Price;

use super::checkout;
use super::payment_method::method;
use crate::domain::consignment::{Consignment, ConsignmentState, TrackingStep};
use crate::domain::order::{Order, OrderState, Progress};
use crate::domain::quote::{Carriage, Quote, QuotedConsignment, QuotedLine};
use crate::domain::returns::{self, Return, ReturnState};
use crate::domain::viewer::Viewer;
use crate::store::sagas::StoredSaga;

/// An order as it stands.
pub(crate) fn order(order: &Order, viewer: &Viewer) -> Result<message::Order, money::Error> {
    version(order, order.version, &order.progress, viewer)
}

/// An order as it stood at a version.
pub(crate) fn version(
    order: &Order,
    version: i64,
    progress: &Progress,
    viewer: &Viewer,
) -> Result<message::Order, money::Error> {
    let terms = &order.terms;
    let seen: Vec<(&QuotedConsignment, &Consignment)> = terms
        .consignments
        .iter()
        .zip(&progress.consignments)
        .filter(|(quoted, _)| viewer.sees_consignment(quoted))
        .collect();
    // The sum of what the viewer sees: for a buyer the whole price.
    let seen_price = Price::sum(seen.iter().map(|(quoted, _)| &quoted.price), order.currency())?;
    let refunded = Money::sum(seen.iter().map(|(_, consignment)| consignment.refunded), order.currency())?;
    let consignments = seen.into_iter().map(|(quoted, progress)| consignment_of(quoted, progress));
    let (cancel_reason, cancel_message) = match &progress.state {
        OrderState::Cancelled { cause, .. } => (cause.reason.clone(), cause.message.clone()),
        _ => (String::new(), String::new()),
    };
    let mut seen_order = message::Order {
        order_id: order.id.to_string(),
        number: terms.number.clone(),
        state: state(&progress.state).into(),
        version,
        quote_id: terms.quote_id.to_string(),
        price: Some(seen_price.try_into()?),
        consignments: consignments.collect::<Result<_, _>>()?,
        payment: Some(payment(order, progress, &seen_price)?),
        cancel_reason,
        cancel_message,
        created_at: Some(timestamp(order.created_at)),
        updated_at: Some(timestamp(progress.updated_at)),
        refunded: Some(refunded.into()),
        ..checkout::encode(terms)
    };
    if let Viewer::Seller(_) = viewer {
        hide_the_buyer(&mut seen_order);
    }
    Ok(seen_order)
}

/// What is between the buyer and the hub.
fn hide_the_buyer(order: &mut message::Order) {
    order.buyer.clear();
    order.quote_id.clear();
    order.client_reference.clear();
    order.attributes.clear();
    if let Some(payment) = &mut order.payment {
        payment.qr_payload.clear();
        payment.expires_at = None;
    }
}

fn payment(order: &Order, progress: &Progress, seen: &Price) -> Result<message::OrderPayment, money::Error> {
    let (qr_payload, expires_at) = match &progress.state {
        OrderState::AwaitingPayment { qr_payload, expires_at } => {
            (qr_payload.clone(), Some(timestamp(*expires_at)))
        }
        _ => (String::new(), None),
    };
    Ok(message::OrderPayment {
        method: method(order.terms.method).into(),
        amount: Some(seen.total()?.into()),
        qr_payload,
        expires_at,
        paid_at: progress.state.paid_at().map(timestamp),
    })
}

fn state(state: &OrderState) -> message::OrderState {
    match state {
        OrderState::Placing => message::OrderState::Placing,
        OrderState::AwaitingPayment { .. } => message::OrderState::AwaitingPayment,
        OrderState::Confirmed { .. } => message::OrderState::Confirmed,
        OrderState::Delivered { .. } => message::OrderState::Delivered,
        OrderState::Completed { .. } => message::OrderState::Completed,
        OrderState::Cancelled { .. } => message::OrderState::Cancelled,
    }
}

fn consignment_of(
    quoted: &QuotedConsignment,
    progress: &Consignment,
) -> Result<message::Consignment, money::Error> {
    Ok(message::Consignment {
        quoted: Some(quoted_consignment(quoted)?),
        state: consignment_state(progress.state).into(),
        tracking_number: progress.tracking_number.clone(),
        steps: progress.steps.iter().map(step).collect(),
        delivered_at: progress.delivery.map(|delivery| timestamp(delivery.delivered_at)),
        release_at: progress.delivery.map(|delivery| timestamp(delivery.release_at)),
        refunded: Some(progress.refunded.into()),
    })
}

fn consignment_state(state: ConsignmentState) -> message::ConsignmentState {
    match state {
        ConsignmentState::Planned => message::ConsignmentState::Planned,
        ConsignmentState::Booked => message::ConsignmentState::Booked,
        ConsignmentState::InTransit => message::ConsignmentState::InTransit,
        ConsignmentState::AtCustoms => message::ConsignmentState::AtCustoms,
        ConsignmentState::Cleared => message::ConsignmentState::Cleared,
        ConsignmentState::OutForDelivery => message::ConsignmentState::OutForDelivery,
        ConsignmentState::Delivered => message::ConsignmentState::Delivered,
        ConsignmentState::Received => message::ConsignmentState::Received,
        ConsignmentState::Released => message::ConsignmentState::Released,
        ConsignmentState::Cancelled => message::ConsignmentState::Cancelled,
    }
}

fn step(step: &TrackingStep) -> message::TrackingStep {
    message::TrackingStep {
        status: step.status.clone(),
        place: step.place.clone(),
        occurred_at: Some(timestamp(step.occurred_at)),
        note: step.note.clone(),
    }
}

/// A quote.
pub(crate) fn quote(quote: &Quote) -> Result<message::Quote, money::Error> {
    Ok(message::Quote {
        quote_id: quote.id.to_string(),
        currency: quote.currency.code().to_owned(),
        price: Some(quote.price()?.try_into()?),
        consignments: quote.consignments.iter().map(quoted_consignment).collect::<Result<_, _>>()?,
        warnings: quote.warnings.clone(),
        profile_hash: quote.profile_hash.clone(),
        created_at: Some(timestamp(quote.created_at)),
        expires_at: Some(timestamp(quote.expires_at)),
        postcode: quote.postcode.clone(),
    })
}

/// A consignment as quoted.
fn quoted_consignment(quoted: &QuotedConsignment) -> Result<message::QuotedConsignment, money::Error> {
    Ok(message::QuotedConsignment {
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

fn line(line: &QuotedLine) -> Result<message::QuotedLine, money::Error> {
    Ok(message::QuotedLine {
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

fn carriage(carriage: &Carriage) -> message::Carriage {
    message::Carriage {
        carrier: carriage.carrier.clone(),
        service: carriage.service.clone(),
        title: carriage.title.clone(),
        transport: carriage.transport.map_or(types::Transport::Unspecified, Into::into).into(),
        chargeable_grams: carriage.chargeable_grams,
        days_min: carriage.days_min,
        days_max: carriage.days_max,
        zone: carriage.zone.clone(),
    }
}

/// A return.
pub(crate) fn goods_return(one: &Return) -> Result<message::Return, money::Error> {
    let state = match &one.state {
        ReturnState::Requested => message::ReturnState::Requested,
        ReturnState::Approved { .. } => message::ReturnState::Approved,
        ReturnState::Rejected { .. } => message::ReturnState::Rejected,
        ReturnState::Received { .. } => message::ReturnState::Received,
        ReturnState::Refunded { .. } => message::ReturnState::Refunded,
    };
    let (answer, restock) = one.state.answer();
    Ok(message::Return {
        return_id: one.id.to_string(),
        order_id: one.order_id.to_string(),
        consignment_id: one.consignment_id.to_string(),
        seller_id: one.seller_id.to_string(),
        state: state.into(),
        lines: return_lines(one),
        reason: one.request.reason.clone(),
        answer: answer.to_owned(),
        refund: Some(one.refund()?.into()),
        created_at: Some(timestamp(one.created_at)),
        updated_at: Some(timestamp(one.updated_at)),
        restock,
        client_reference: one.client_reference.clone().unwrap_or_default(),
        terms: Some(return_terms(one)),
    })
}

/// Why goods go back, and who bears what they have cost.
fn return_terms(one: &Return) -> message::ReturnTerms {
    let cause = match one.request.cause {
        returns::Cause::ChangeOfMind => message::ReturnCause::ChangeOfMind,
        returns::Cause::WrongOrDamaged => message::ReturnCause::WrongOrDamaged,
    };
    let bearer = |bearer: Bearer| -> i32 {
        match bearer {
            Bearer::Buyer => message::CostBearer::Buyer,
            Bearer::Seller => message::CostBearer::Seller,
            Bearer::Hub => message::CostBearer::Hub,
            Bearer::Customs => message::CostBearer::Customs,
        }
        .into()
    };
    let returns::Bearers { outward_carriage, return_carriage, duty_and_tax } = one.request.bearers;
    message::ReturnTerms {
        cause: cause.into(),
        outward_carriage: bearer(outward_carriage),
        return_carriage: bearer(return_carriage),
        duty_and_tax: bearer(duty_and_tax),
    }
}

/// What goes back.
fn return_lines(one: &Return) -> Vec<message::ReturnLine> {
    let lines = one.request.lines.iter();
    lines
        .map(|line| message::ReturnLine { variant_id: line.variant_id.to_string(), quantity: line.quantity })
        .collect()
}

/// A saga, for operators. One that awaits payment is unsettled once its time is over.
pub(crate) fn saga(kept: &StoredSaga, now: DateTime<Utc>) -> internal::Saga {
    use crate::domain::saga::SagaStep;
    let overdue = matches!(&kept.saga.step, SagaStep::AwaitingPayment { expires_at } if *expires_at <= now);
    internal::Saga {
        saga_id: kept.saga.id.to_string(),
        order_id: kept.saga.order_id.to_string(),
        step: kept.saga.step.as_str().to_owned(),
        settled: kept.saga.step.is_settled() && !overdue,
        attempt: kept.saga.attempt,
        last_error: kept.last_error.clone(),
        updated_at: Some(timestamp(kept.moved_at)),
    }
}
