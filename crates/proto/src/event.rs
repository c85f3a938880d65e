//! What each event is called.

use crate::{catalog, logistics, order, payment};

/// The message of an event.
pub trait Event: prost::Message + Default {
    /// The event's kind, such as `order.confirmed.v1`, which stands in its envelope. A message that reads differently is
    /// another kind.
    const KIND: &'static str;
}

macro_rules! events {
    ($($message:path = $kind:literal,)*) => {
        $(impl Event for $message {
            const KIND: &'static str = $kind;
        })*
        #[cfg(test)]
        const KINDS: &[(&str, &str)] = &[$((stringify!($message), $kind)),*];
    };
}

events! {
    catalog::events::v1::SellerChanged = "catalog.seller_changed.v1",
    catalog::events::v1::StockDispatched = "catalog.stock_dispatched.v1",
    catalog::events::v1::StockReturned = "catalog.stock_returned.v1",
    order::events::v1::OrderConfirmed = "order.confirmed.v1",
    order::events::v1::OrderCancelled = "order.cancelled.v1",
    order::events::v1::ConsignmentReceived = "order.consignment_received.v1",
    order::events::v1::ReturnReceived = "order.return_received.v1",
    payment::events::v1::PaymentReceived = "payment.received.v1",
    payment::events::v1::EscrowHeld = "payment.escrow_held.v1",
    payment::events::v1::EscrowReleased = "payment.escrow_released.v1",
    payment::events::v1::RefundCompleted = "payment.refund_completed.v1",
    payment::events::v1::RefundFailed = "payment.refund_failed.v1",
    logistics::events::v1::ConsignmentBooked = "logistics.consignment_booked.v1",
    logistics::events::v1::TrackingRecorded = "logistics.tracking_recorded.v1",
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use prost::Message as _;
    use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorSet};

    use super::*;
    use crate::types::v1 as types;

    /// The protos of the release before, which a rolling upgrade meets.
    const RELEASED: &[u8] = include_bytes!("../../../proto/released.binpb");

    /// The messages and enums of a set of protos by their full names, such as `.entrepot.order.v1.Quote`.
    struct Protos {
        messages: BTreeMap<String, DescriptorProto>,
        enums: BTreeMap<String, EnumDescriptorProto>,
    }

    impl Protos {
        fn read(descriptors: &[u8]) -> Self {
            let mut read = Self { messages: BTreeMap::new(), enums: BTreeMap::new() };
            for file in FileDescriptorSet::decode(descriptors).unwrap().file {
                let name = |name: &str| format!(".{}.{name}", file.package());
                for message in &file.message_type {
                    read.messages.insert(name(message.name()), message.clone());
                }
                for one in &file.enum_type {
                    read.enums.insert(name(one.name()), one.clone());
                }
            }
            read
        }

        /// All that decides how a message is written and read, down to its innermost fields, without the names of types.
        fn form(&self, message: &str) -> Vec<String> {
            let fields = self.messages[message].field.iter().flat_map(|field| {
                let (name, number) = (field.name(), field.number());
                let types = (field.label(), field.r#type(), field.proto3_optional());
                let inner = match field.type_name() {
                    "" => Vec::new(),
                    of if self.messages.contains_key(of) => self.form(of),
                    of => self.enums[of]
                        .value
                        .iter()
                        .map(|one| format!("{}={}", one.name(), one.number()))
                        .collect(),
                };
                let inner = inner.into_iter().map(move |inner| format!("{name}.{inner}"));
                std::iter::once(format!("{name}={number} {types:?}")).chain(inner).collect::<Vec<_>>()
            });
            fields.collect()
        }
    }

    /// A field may come in between releases; none changes or goes.
    #[test]
    fn events_read_what_was_released() {
        let (released, today) = (Protos::read(RELEASED), Protos::read(crate::FILE_DESCRIPTOR_SET));
        let events = released.messages.keys().filter(|name| name.contains(".events.v1."));
        let mut compared = 0;
        for event in events {
            let now = today.form(event);
            let lost: Vec<String> =
                released.form(event).into_iter().filter(|line| !now.contains(line)).collect();
            assert_eq!(lost, Vec::<String>::new(), "{event}");
            compared += 1;
        }
        assert!(compared >= KINDS.len(), "{compared}");
    }

    /// The same bytes, read as a message of the API and as one of an event, are the same.
    #[test]
    fn the_api_and_the_events_read_each_others_consignments() {
        let money = |minor_units| Some(types::Money { currency: "MYR".to_owned(), minor_units });
        let price =
            Some(types::PriceParts { goods: money(1), tax: money(2), total: money(3), ..Default::default() });
        let line = order::v1::QuotedLine {
            variant_id: "variant_1".to_owned(),
            title: "Silk scarf".to_owned(),
            quantity: 3,
            unit_price: money(7),
            price: price.clone(),
            permit: Some(types::Permit { number: "1".to_owned(), ..Default::default() }),
            certificate: Some(types::OriginCertificate { number: "2".to_owned(), ..Default::default() }),
            ..Default::default()
        };
        let carriage = order::v1::Carriage {
            carrier: "asean-post".to_owned(),
            transport: types::Transport::Post.into(),
            days_max: 9,
            zone: Some(String::new()),
            ..Default::default()
        };
        let quoted = order::v1::QuotedConsignment {
            consignment_id: "consignment_1".to_owned(),
            lines: vec![line],
            price: price.clone(),
            hub_price: price,
            seller_goods: money(11),
            carriage: Some(carriage),
            rules: vec![types::AppliedRule { assumed: true, ..Default::default() }],
            goods_rate: Some(types::ExchangeRate { rate: "0.13".to_owned(), ..Default::default() }),
            seller_collected_tax: money(13),
            ..Default::default()
        };
        let bytes = quoted.encode_to_vec();
        let event = order::events::v1::QuotedConsignment::decode(bytes.as_slice()).unwrap();
        assert_eq!(event.encode_to_vec(), bytes);
        assert_eq!(event.carriage.as_ref().unwrap().zone, Some(String::new()));
        assert_eq!(order::v1::QuotedConsignment::decode(event.encode_to_vec().as_slice()).unwrap(), quoted);
    }

    /// A kind is the service and what has happened: those who subscribe by name rely on it.
    #[test]
    fn a_kind_is_named_after_its_message() {
        for (message, kind) in KINDS {
            let path = message.replace(char::is_whitespace, "");
            let (service, name) = (path.split_once("::").unwrap().0, path.rsplit_once("::").unwrap().1);
            let mut snake = String::new();
            for letter in name.chars() {
                if letter.is_uppercase() && !snake.is_empty() {
                    snake.push('_');
                }
                snake.extend(letter.to_lowercase());
            }
            let happened = snake.strip_prefix(&format!("{service}_")).unwrap_or(&snake);
            assert_eq!(*kind, format!("{service}.{happened}.v1"));
        }
    }
}
