//! The domain as messages and back, where documents of the release before and answers have it alike.

use prost::Message as _;
use proto::convert::{self, Invalid, optional_money, parse};
use proto::logistics::v1 as message;

use crate::domain::booking::{Declared, DeclaredItem};
use crate::domain::shipment::ShipmentState;

/// A state.
pub(crate) fn state(state: ShipmentState) -> message::ShipmentState {
    match state {
        ShipmentState::Booked => message::ShipmentState::Booked,
        ShipmentState::PickedUp => message::ShipmentState::PickedUp,
        ShipmentState::ExportCleared => message::ShipmentState::ExportCleared,
        ShipmentState::Departed => message::ShipmentState::Departed,
        ShipmentState::Arrived => message::ShipmentState::Arrived,
        ShipmentState::ImportAssessed => message::ShipmentState::ImportAssessed,
        ShipmentState::Released => message::ShipmentState::Released,
        ShipmentState::OutForDelivery => message::ShipmentState::OutForDelivery,
        ShipmentState::Delivered => message::ShipmentState::Delivered,
        ShipmentState::Cancelled => message::ShipmentState::Cancelled,
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
        rules: declared.rules.iter().cloned().map(Into::into).collect(),
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
        discount: item.discount.map(Into::into),
        weight_grams: item.weight_grams,
        permit: item.permit.clone().map(Into::into),
        certificate: item.certificate.clone().map(Into::into),
    }
}

/// A declaration as the release before kept it.
pub(crate) fn read_declared(document: &[u8]) -> Result<Declared, Invalid> {
    let kept = message::Declaration::decode(document);
    let kept = kept.map_err(|error| Invalid::new("document", error.to_string()))?;
    Ok(Declared {
        customs_value: optional_money("customs_value", kept.customs_value.as_ref())?,
        duty: optional_money("duty", kept.duty.as_ref())?,
        import_tax: convert::money("import_tax", kept.import_tax.as_ref())?,
        seller_collected_tax: convert::money("seller_collected_tax", kept.seller_collected_tax.as_ref())?,
        fees: optional_money("fees", kept.fees.as_ref())?,
        items: kept.items.into_iter().map(read_item).collect::<Result<_, _>>()?,
        rules: kept
            .rules
            .into_iter()
            .map(|rule| convert::applied_rule("rules", rule))
            .collect::<Result<_, _>>()?,
    })
}

fn read_item(item: message::DeclaredItem) -> Result<DeclaredItem, Invalid> {
    let certificate = item.certificate.map(|certificate| convert::certificate("certificate", certificate));
    Ok(DeclaredItem {
        description: item.description,
        hs_code: item.hs_code,
        origin: parse("origin", &item.origin)?,
        quantity: item.quantity,
        unit_price: optional_money("unit_price", item.unit_price.as_ref())?,
        discount: optional_money("discount", item.discount.as_ref())?,
        weight_grams: item.weight_grams,
        permit: item.permit.map(|permit| convert::permit("permit", permit)).transpose()?,
        certificate: certificate.transpose()?,
    })
}
