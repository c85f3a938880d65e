//! An order was confirmed: each of its consignments gets its S10 number, its label and its declaration.

use chrono::{DateTime, Duration, Utc};
use customs::{S10, Transport};
use db::Tx;
use kernel::{ConsignmentId, Country, DeclarationId, OrderId, ShipmentId};
use prost::Message as _;
use proto::logistics::v1 as wire;
use proto::order::events::v1::OrderConfirmed;
use proto::order::v1::{Carriage, QuotedConsignment};

use super::{App, Error};
use crate::domain::sandbox_carrier;
use crate::domain::shipment::{Address, Shipment, State};
use crate::facts;
use crate::store::orders::{Fate, decide};
use crate::store::{declarations, serials, shipments};

impl App {
    /// Books all consignments of a confirmed order; an order that was cancelled before, or is booked, is left alone.
    pub(crate) async fn book(
        &self,
        tx: &mut Tx,
        order_id: OrderId,
        order: &OrderConfirmed,
    ) -> Result<(), Error> {
        if !decide(tx, order_id, Fate::Booked).await? {
            return Ok(());
        }
        let now = self.clock.now();
        for consignment in &order.consignments {
            let shipment = self.shipment(tx, order_id, order, consignment, now).await?;
            shipments::put(tx, &shipment).await?;
            if let Some(id) = shipment.declaration_id {
                let document = declaration(consignment, self.hub.currency().code());
                declarations::put(tx, id, shipment.id, &document.encode_to_vec()).await?;
            }
            self.outbox.put(tx, &facts::consignment_booked(&shipment, now)).await?;
        }
        Ok(())
    }

    async fn shipment(
        &self,
        tx: &mut Tx,
        order_id: OrderId,
        order: &OrderConfirmed,
        consignment: &QuotedConsignment,
        now: DateTime<Utc>,
    ) -> Result<Shipment, Error> {
        let carriage = consignment.carriage.clone().ok_or_else(|| invalid("carriage", "is missing"))?;
        let consignment_id: ConsignmentId =
            consignment.consignment_id.parse().map_err(|error| invalid("consignment_id", error))?;
        let from: Country =
            consignment.from_country.parse().map_err(|error| invalid("from_country", error))?;
        let tracking_number = self.s10(tx, &carriage.carrier, from).await?;
        let mut shipment = Shipment {
            id: ShipmentId::new(),
            consignment_id,
            order_id,
            order_number: order.number.clone(),
            buyer: order.buyer.clone(),
            seller_id: consignment.seller_id.clone(),
            sender: consignment.seller_name.clone(),
            tracking_number,
            transport: transport(&carriage)?,
            from,
            chargeable_grams: carriage.chargeable_grams,
            days_min: carriage.days_min.into(),
            carrier: carriage.carrier,
            service: carriage.service,
            address: address(order.address.clone().unwrap_or_default()),
            state: State::Booked,
            version: 1,
            next_step_at: None,
            created_at: now,
            declaration_id: (from != self.hub.country()).then(DeclarationId::new),
        };
        shipment.next_step_at = self.next_step_at(&shipment, now);
        Ok(shipment)
    }

    /// When the sandbox carrier moves it on; never in a hub whose carriers are real.
    pub(super) fn next_step_at(&self, shipment: &Shipment, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if !self.sandbox.enabled {
            return None;
        }
        let day = Duration::from_std(self.sandbox.day).ok()?;
        sandbox_carrier::next(shipment).map(|_| now + sandbox_carrier::stay(shipment, day))
    }

    /// The next number of the carrier's range; it ends with the country that the parcel leaves from.
    async fn s10(&self, tx: &mut Tx, carrier: &str, from: Country) -> Result<String, Error> {
        let found = self.hub.carrier(carrier);
        let range = &found.ok_or_else(|| invalid("carrier", format!("{carrier} is none of this hub's")))?.s10;
        let serial = serials::next(tx, carrier, range.serial_from, range.serial_to).await?;
        let serial = serial.ok_or_else(|| {
            Error::Exhausted(format!(
                "the S10 numbers of carrier {carrier} are used up: raise its serial_to, then replay the parked event"
            ))
        })?;
        let number = S10::new(&range.indicator, serial, from).map_err(|error| invalid("s10", error))?;
        Ok(number.to_string())
    }
}

fn invalid(field: &'static str, problem: impl std::fmt::Display) -> Error {
    Error::Invalid { field, problem: problem.to_string() }
}

fn transport(carriage: &Carriage) -> Result<Transport, Error> {
    use proto::types::v1::Transport as Wire;
    Ok(match carriage.transport() {
        Wire::Air => Transport::Air,
        Wire::Post => Transport::Post,
        Wire::Sea => Transport::Sea,
        Wire::Road => Transport::Road,
        Wire::Unspecified => return Err(invalid("carriage.transport", "is missing")),
    })
}

fn address(address: proto::types::v1::Address) -> Address {
    Address {
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

/// What is declared: the amounts are in the hub's currency, delivered duty paid.
fn declaration(consignment: &QuotedConsignment, currency: &str) -> wire::Declaration {
    use proto::types::v1::Money;
    let none = || Money { currency: currency.to_owned(), minor_units: 0 };
    let price = consignment.hub_price.clone().unwrap_or_default();
    let seller_tax = consignment.seller_collected_tax.clone().unwrap_or_else(none);
    let tax = price.tax.unwrap_or_else(none);
    let import_tax = Money { minor_units: tax.minor_units.saturating_sub(seller_tax.minor_units), ..tax };
    wire::Declaration {
        customs_value: consignment.customs_value.clone(),
        duty: price.duty,
        import_tax: Some(import_tax),
        seller_collected_tax: Some(seller_tax),
        fees: price.fees,
        incoterm: "DDP".to_owned(),
        items: consignment.lines.iter().map(item).collect(),
        rules: consignment.rules.clone(),
        ..wire::Declaration::default()
    }
}

fn item(line: &proto::order::v1::QuotedLine) -> wire::DeclaredItem {
    wire::DeclaredItem {
        description: line.title.clone(),
        hs_code: line.hs_code.clone(),
        origin: line.origin.clone(),
        quantity: line.quantity,
        unit_price: line.unit_price.clone(),
        weight_grams: line.weight_grams.saturating_mul(line.quantity),
        permit: line.permit.clone(),
        certificate: line.certificate.clone(),
    }
}
