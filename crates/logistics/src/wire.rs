//! The domain as messages, where events, stored documents and answers have it alike.

use customs::landed_cost::AppliedRule;
use proto::logistics::v1 as message;
use proto::types::v1 as types;

use crate::domain::booking::{Declared, DeclaredItem};
use crate::domain::shipment::State;

/// A state.
pub(crate) fn state(state: State) -> message::ShipmentState {
    use message::ShipmentState;
    match state {
        State::Booked => ShipmentState::Booked,
        State::PickedUp => ShipmentState::PickedUp,
        State::ExportCleared => ShipmentState::ExportCleared,
        State::Departed => ShipmentState::Departed,
        State::Arrived => ShipmentState::Arrived,
        State::ImportAssessed => ShipmentState::ImportAssessed,
        State::Released => ShipmentState::Released,
        State::OutForDelivery => ShipmentState::OutForDelivery,
        State::Delivered => ShipmentState::Delivered,
        State::Cancelled => ShipmentState::Cancelled,
    }
}

/// A declaration as it is drawn up; what comes later (its state, its times) is not in it.
pub(crate) fn declared(declared: &Declared) -> message::Declaration {
    message::Declaration {
        customs_value: declared.customs_value.map(Into::into),
        duty: declared.duty.map(Into::into),
        import_tax: Some(declared.import_tax.into()),
        seller_collected_tax: Some(declared.seller_collected_tax.into()),
        fees: declared.fees.map(Into::into),
        incoterm: "DDP".to_owned(),
        items: declared.items.iter().map(item).collect(),
        rules: declared.rules.iter().cloned().map(rule).collect(),
        ..message::Declaration::default()
    }
}

fn item(item: &DeclaredItem) -> message::DeclaredItem {
    message::DeclaredItem {
        description: item.description.clone(),
        hs_code: item.hs_code.clone(),
        origin: item.origin.to_string(),
        quantity: item.quantity,
        unit_price: item.unit_price.map(Into::into),
        weight_grams: item.weight_grams,
        permit: item.permit.as_ref().map(|permit| types::Permit {
            number: permit.number.clone(),
            authority: permit.authority.clone(),
            expires_on: permit.expires_on.to_string(),
        }),
        certificate: item.certificate.as_ref().map(|certificate| types::OriginCertificate {
            number: certificate.number.clone(),
            issued_on: certificate.issued_on.to_string(),
            expires_on: certificate.expires_on.to_string(),
        }),
    }
}

/// A rule behind an amount.
pub(crate) fn rule(rule: AppliedRule) -> types::AppliedRule {
    let day = |day: Option<chrono::NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
    types::AppliedRule {
        rule_id: rule.id,
        title: rule.title,
        source: rule.source,
        valid_from: day(rule.valid_from),
        valid_to: day(rule.valid_to),
        assumed: rule.assumed,
        explanation: rule.explanation,
    }
}
