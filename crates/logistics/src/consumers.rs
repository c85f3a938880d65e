//! What order tells, into the use cases.

use std::sync::Arc;

use async_trait::async_trait;
use db::{Command as _, Entry, Tx};
use events::{Consumer, Envelope, Handled, Handler, HandlerError};
use money::{Currency, Money};
use proto::Event as _;
use proto::convert::{self, Invalid, optional_money, parse};
use proto::order::events::v1::{OrderConfirmed, QuotedConsignment, QuotedLine};

use crate::app::App;
use crate::app::book::BookOrder;
use crate::domain::booking::{Consignment, Declared, DeclaredItem};

/// Hears order. A cancelled order asks by gRPC, since it must know the answer.
pub(crate) fn consumers(app: &Arc<App>) -> Vec<Consumer> {
    vec![Consumer {
        name: "logistics.order",
        services: &["order"],
        kinds: &[OrderConfirmed::KIND],
        batched: &[OrderConfirmed::KIND],
        handler: Arc::new(OrderEvents(app.clone())),
    }]
}

struct OrderEvents(Arc<App>);

#[async_trait]
impl Handler for OrderEvents {
    async fn handle(&self, tx: &mut Tx, event: &Envelope) -> Result<(), HandlerError> {
        Ok(self.read(event)?.run(&self.0, tx).await?)
    }

    async fn handle_all(
        &self,
        tx: &mut Tx,
        events: &[Entry<'_, Envelope>],
    ) -> Result<Vec<Handled>, HandlerError> {
        events::run_all(events, |event| self.read(event), |_, ()| Ok(()), &*self.0, tx).await
    }
}

impl OrderEvents {
    fn read(&self, event: &Envelope) -> Result<BookOrder, HandlerError> {
        Ok(booking(event.decode()?, self.0.hub.currency())?)
    }
}

/// Reads what a confirmed order is to be booked as; `hub` is the hub's currency.
fn booking(order: OrderConfirmed, hub: Currency) -> Result<BookOrder, Invalid> {
    let read = |quoted| consignment(quoted, hub);
    Ok(BookOrder {
        order_id: parse("order_id", &order.order_id)?,
        order_number: order.number,
        buyer: order.buyer,
        address: convert::address("address", order.address)?,
        consignments: order.consignments.into_iter().map(read).collect::<Result<_, _>>()?,
    })
}

fn consignment(mut quoted: QuotedConsignment, hub: Currency) -> Result<Consignment, Invalid> {
    let carriage = quoted.carriage.take().ok_or_else(|| Invalid::new("carriage", "is required"))?;
    let transport = convert::transport(carriage.transport());
    Ok(Consignment {
        id: parse("consignment_id", &quoted.consignment_id)?,
        seller_id: std::mem::take(&mut quoted.seller_id),
        seller_name: std::mem::take(&mut quoted.seller_name),
        from: parse("from_country", &quoted.from_country)?,
        carrier: carriage.carrier,
        service: carriage.service,
        transport: transport.ok_or_else(|| Invalid::new("carriage.transport", "is required"))?,
        chargeable_grams: carriage.chargeable_grams,
        days_min: carriage.days_min.into(),
        declared: declared(quoted, hub)?,
    })
}

/// What is declared. The tax of the price includes what the seller collects, which is not taken at import.
fn declared(quoted: QuotedConsignment, hub: Currency) -> Result<Declared, Invalid> {
    let price = quoted.hub_price.unwrap_or_default();
    let tax = optional_money("hub_price.tax", price.tax.as_ref())?.unwrap_or(Money::zero(hub));
    let seller_tax = optional_money("seller_collected_tax", quoted.seller_collected_tax.as_ref())?;
    let rule = |rule| convert::applied_rule("rules", rule);
    let seller_tax = seller_tax.unwrap_or(Money::zero(hub));
    let import_tax = tax.checked_sub(seller_tax);
    let import_tax = import_tax.map_err(|error| Invalid::new("seller_collected_tax", error.to_string()))?;
    Ok(Declared {
        customs_value: optional_money("customs_value", quoted.customs_value.as_ref())?,
        duty: optional_money("hub_price.duty", price.duty.as_ref())?,
        import_tax,
        seller_collected_tax: seller_tax,
        fees: optional_money("hub_price.fees", price.fees.as_ref())?,
        items: quoted.lines.into_iter().map(item).collect::<Result<_, _>>()?,
        rules: quoted.rules.into_iter().map(rule).collect::<Result<_, _>>()?,
    })
}

fn item(line: QuotedLine) -> Result<DeclaredItem, Invalid> {
    let permit = line.permit.map(|permit| convert::permit("permit", permit));
    let certificate = line.certificate.map(|certificate| convert::certificate("certificate", certificate));
    Ok(DeclaredItem {
        description: line.title,
        hs_code: line.hs_code,
        origin: parse("origin", &line.origin)?,
        quantity: line.quantity,
        unit_price: optional_money("unit_price", line.unit_price.as_ref())?,
        discount: optional_money("discount", line.discount.as_ref())?,
        weight_grams: line.weight_grams.saturating_mul(line.quantity),
        permit: permit.transpose()?,
        certificate: certificate.transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use kernel::ConsignmentId;
    use prost::Message as _;
    use proto::logistics::v1 as message;
    use proto::order::events::v1::Carriage;
    use proto::types::v1::{self as types, PriceParts};

    use super::*;
    use crate::wire;

    fn amount(currency: &str, minor_units: i64) -> Option<types::Money> {
        Some(types::Money { currency: currency.to_owned(), minor_units })
    }

    fn quoted() -> QuotedConsignment {
        QuotedConsignment {
            consignment_id: ConsignmentId::new().to_string(),
            from_country: "TH".to_owned(),
            carriage: Some(Carriage { transport: types::Transport::Post.into(), ..Carriage::default() }),
            ..QuotedConsignment::default()
        }
    }

    fn declaration(quoted: QuotedConsignment) -> message::Declaration {
        wire::declared(&consignment(quoted, Currency::MYR).unwrap().declared)
    }

    fn sales_tax() -> types::AppliedRule {
        types::AppliedRule {
            rule_id: "sales-tax@2024-01-01".to_owned(),
            title: "Sales tax".to_owned(),
            source: "P.U.(A) 409/2023".to_owned(),
            valid_from: "2024-01-01".to_owned(),
            valid_to: String::new(),
            assumed: true,
            explanation: "10 %".to_owned(),
        }
    }

    /// Field by field: what is kept of a declaration is read as long as there are declarations.
    #[test]
    fn a_declaration_repeats_what_was_quoted() {
        let rule = sales_tax();
        let permit = types::Permit {
            number: "NPRA-2026-114".to_owned(),
            authority: "NPRA".to_owned(),
            expires_on: "9999-12-31".to_owned(),
        };
        let certificate = types::OriginCertificate {
            number: "D-2026-00417".to_owned(),
            issued_on: "2026-01-31".to_owned(),
            expires_on: "2027-01-30".to_owned(),
        };
        let line = QuotedLine {
            title: "Silk scarf".to_owned(),
            quantity: 2,
            unit_price: amount("THB", 45_000),
            discount: amount("THB", 500),
            hs_code: "621410".to_owned(),
            origin: "TH".to_owned(),
            weight_grams: 120,
            permit: Some(permit.clone()),
            certificate: Some(certificate.clone()),
            ..QuotedLine::default()
        };
        let parts = PriceParts {
            duty: amount("MYR", 500),
            tax: amount("MYR", 1_300),
            fees: amount("MYR", 0),
            ..PriceParts::default()
        };
        let drawn_up = declaration(QuotedConsignment {
            lines: vec![line],
            hub_price: Some(parts),
            customs_value: amount("MYR", 13_400),
            seller_collected_tax: amount("MYR", 1_200),
            rules: vec![rule.clone()],
            ..quoted()
        });
        let expected = message::Declaration {
            customs_value: amount("MYR", 13_400),
            duty: amount("MYR", 500),
            import_tax: amount("MYR", 100),
            seller_collected_tax: amount("MYR", 1_200),
            fees: amount("MYR", 0),
            incoterm: "DDP".to_owned(),
            items: vec![message::DeclaredItem {
                description: "Silk scarf".to_owned(),
                hs_code: "621410".to_owned(),
                origin: "TH".to_owned(),
                quantity: 2,
                unit_price: amount("THB", 45_000),
                discount: amount("THB", 500),
                weight_grams: 240,
                permit: Some(permit),
                certificate: Some(certificate),
            }],
            rules: vec![rule],
            ..message::Declaration::default()
        };
        assert_eq!(drawn_up, expected);
        // And back, as one of the release before is read.
        let declared = wire::read_declared(&drawn_up.encode_to_vec()).unwrap();
        assert_eq!(wire::declared(&declared), expected);
        // What is stored has these names.
        let stored = serde_json::to_value(&declared).unwrap();
        assert_eq!(stored["items"][0]["certificate"]["number"], "D-2026-00417");
        assert_eq!(serde_json::from_value::<Declared>(stored).unwrap(), declared);
    }

    #[test]
    fn what_was_not_quoted_is_not_declared_and_tax_is_nothing() {
        let expected = message::Declaration {
            import_tax: amount("MYR", 0),
            seller_collected_tax: amount("MYR", 0),
            incoterm: "DDP".to_owned(),
            ..message::Declaration::default()
        };
        assert_eq!(declaration(quoted()), expected);
    }
}
