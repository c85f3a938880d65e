//! An order was confirmed: each of its consignments gets its S10 number, its label and its declaration.

use chrono::{DateTime, Utc};
use customs::S10;
use db::{Command, Tx};
use kernel::{Country, DeclarationId, OrderId, ShipmentId};
use trade::Address;

use super::{App, Error};
use crate::domain::booking::Consignment;
use crate::domain::shipment::{Shipment, ShipmentState};
use crate::events;
use crate::store::orders::{BookingState, decide};
use crate::store::{declarations, serials, shipments};

/// Books all consignments of a confirmed order; an order that was cancelled before, or is booked, is left alone.
#[derive(Debug)]
pub(crate) struct BookOrder {
    pub(crate) order_id: OrderId,
    /// The order's number for people.
    pub(crate) order_number: String,
    pub(crate) buyer: String,
    pub(crate) address: Address,
    pub(crate) consignments: Vec<Consignment>,
}

impl Command<App> for BookOrder {
    type Output = ();

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<(), Error> {
        if !decide(tx, self.order_id, BookingState::Booked).await? {
            return Ok(());
        }
        let now = app.clock.now();
        for consignment in &self.consignments {
            let tracking_number = app.s10(tx, &consignment.carrier, consignment.from).await?;
            let shipment = self.shipment(app, consignment, tracking_number, now);
            shipments::put(tx, &shipment).await?;
            if let Some(id) = shipment.declaration_id {
                declarations::put(tx, id, shipment.id, &consignment.declared).await?;
            }
            app.outbox.put(tx, &events::consignment_booked(&shipment, now)).await?;
        }
        Ok(())
    }
}

impl BookOrder {
    fn shipment(
        &self,
        app: &App,
        consignment: &Consignment,
        tracking_number: String,
        now: DateTime<Utc>,
    ) -> Shipment {
        let mut shipment = Shipment {
            id: ShipmentId::new(),
            consignment_id: consignment.id,
            order_id: self.order_id,
            order_number: self.order_number.clone(),
            buyer: self.buyer.clone(),
            seller_id: consignment.seller_id.clone(),
            sender: consignment.seller_name.clone(),
            tracking_number,
            carrier: consignment.carrier.clone(),
            service: consignment.service.clone(),
            transport: consignment.transport,
            from: consignment.from,
            chargeable_grams: consignment.chargeable_grams,
            days_min: consignment.days_min,
            address: self.address.clone(),
            state: ShipmentState::Booked,
            version: 1,
            next_step_at: None,
            created_at: now,
            declaration_id: (consignment.from != app.hub.country()).then(DeclarationId::new),
        };
        shipment.next_step_at = app.next_step_at(&shipment, now);
        shipment
    }
}

impl App {
    /// The next number of the carrier's range; it ends with the country that the parcel leaves from.
    async fn s10(&self, tx: &mut Tx, carrier: &str, from: Country) -> Result<String, Error> {
        let found = self.hub.carrier(carrier);
        let range = &found
            .ok_or_else(|| Error::invalid("carrier", format!("{carrier} is not a carrier of this hub")))?
            .s10;
        let serial = match self.serials.take(carrier) {
            Some(serial) => Some(serial),
            None => {
                let taken = serials::take(tx, carrier, range.serial_from, range.serial_to, 1).await?;
                taken.map(|serial| serial.start)
            }
        };
        let serial = serial.ok_or_else(|| {
            Error::Fault(format!(
                "the S10 numbers of carrier {carrier} are used up: raise its serial_to, then replay the parked event"
            ))
        })?;
        let number = S10::new(&range.indicator, serial, from)
            .map_err(|error| Error::invalid("s10", error.to_string()))?;
        Ok(number.to_string())
    }
}
