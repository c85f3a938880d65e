//! The domain as messages and back, where events, documents of the release before and answers have it alike.

use chrono::NaiveDate;
use customs::landed_cost::AppliedRule;
use money::Money;
use prost::Message as _;
use proto::convert::{self, Invalid};
use proto::logistics::v1 as message;
use proto::types::v1 as types;

use crate::domain::booking::{Declared, DeclaredItem, Permit};
use crate::domain::landed::Certificate;
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
    let day = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
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

/// A declaration as the release before kept it.
pub(crate) fn read_declared(document: &[u8]) -> Result<Declared, Invalid> {
    let kept = message::Declaration::decode(document);
    let kept = kept.map_err(|error| Invalid::new("document", error.to_string()))?;
    let required = |field: &str, amount: Option<&types::Money>| convert::money(field, amount);
    Ok(Declared {
        customs_value: read_money("customs_value", kept.customs_value.as_ref())?,
        duty: read_money("duty", kept.duty.as_ref())?,
        import_tax: required("import_tax", kept.import_tax.as_ref())?,
        seller_collected_tax: required("seller_collected_tax", kept.seller_collected_tax.as_ref())?,
        fees: read_money("fees", kept.fees.as_ref())?,
        items: kept.items.iter().map(read_item).collect::<Result<_, _>>()?,
        rules: kept.rules.iter().map(read_rule).collect::<Result<_, _>>()?,
    })
}

fn read_item(item: &message::DeclaredItem) -> Result<DeclaredItem, Invalid> {
    Ok(DeclaredItem {
        description: item.description.clone(),
        hs_code: item.hs_code.clone(),
        origin: read_as("origin", &item.origin)?,
        quantity: item.quantity,
        unit_price: read_money("unit_price", item.unit_price.as_ref())?,
        weight_grams: item.weight_grams,
        permit: item.permit.as_ref().map(read_permit).transpose()?,
        certificate: item.certificate.as_ref().map(read_certificate).transpose()?,
    })
}

/// An authority's permission.
pub(crate) fn read_permit(permit: &types::Permit) -> Result<Permit, Invalid> {
    Ok(Permit {
        number: permit.number.clone(),
        authority: permit.authority.clone(),
        expires_on: read_as("permit.expires_on", &permit.expires_on)?,
    })
}

/// A proof of origin.
pub(crate) fn read_certificate(certificate: &types::OriginCertificate) -> Result<Certificate, Invalid> {
    Ok(Certificate {
        number: certificate.number.clone(),
        issued_on: read_as("certificate.issued_on", &certificate.issued_on)?,
        expires_on: read_as("certificate.expires_on", &certificate.expires_on)?,
    })
}

/// A rule behind an amount.
pub(crate) fn read_rule(rule: &types::AppliedRule) -> Result<AppliedRule, Invalid> {
    let day = |field: &str, text: &str| -> Result<Option<NaiveDate>, Invalid> {
        Some(text).filter(|text| !text.is_empty()).map(|text| read_as(field, text)).transpose()
    };
    Ok(AppliedRule {
        id: rule.rule_id.clone(),
        title: rule.title.clone(),
        source: rule.source.clone(),
        valid_from: day("rules.valid_from", &rule.valid_from)?,
        valid_to: day("rules.valid_to", &rule.valid_to)?,
        assumed: rule.assumed,
        explanation: rule.explanation.clone(),
    })
}

/// An amount, if there is one.
pub(crate) fn read_money(field: &str, amount: Option<&types::Money>) -> Result<Option<Money>, Invalid> {
    amount.map(|amount| convert::money(field, Some(amount))).transpose()
}

fn read_as<T>(field: &str, text: &str) -> Result<T, Invalid>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    text.parse().map_err(|error: T::Err| Invalid::new(field, error.to_string()))
}
