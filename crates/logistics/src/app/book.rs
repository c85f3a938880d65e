//! An order was confirmed: each of its consignments gets its S10 number, its label and its declaration.

use std::collections::BTreeMap;
use std::vec;

use chrono::{DateTime, Utc};
use customs::S10;
use db::{Batched, Command, Entry, Outcome, Tx};
use hub::S10Range;
use kernel::{DeclarationId, OrderId, ShipmentId};
use trade::Address;
use uuid::Uuid;

use super::serial_blocks::TakenSerials;
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
        db::run_alone(self, app, tx).await
    }
}

impl Batched<App> for BookOrder {
    fn key(&self) -> Uuid {
        self.order_id.uuid()
    }

    /// An order that cannot be booked fails all: it is rare, and their halves find it.
    async fn run_all(
        batch: &[Entry<'_, Self>],
        app: &App,
        tx: &mut Tx,
    ) -> Result<Vec<Outcome<App, Self>>, Error> {
        let orders: Vec<&Self> = batch.iter().map(Entry::command).collect();
        let (booked, serials) = book(&orders, app, tx).await?;
        let mut events = Vec::new();
        for (entry, shipments) in batch.iter().zip(&booked) {
            entry.in_span(|| events.extend(shipments.iter().map(events::consignment_booked)));
        }
        app.outbox.put_all(tx, &events).await?;
        serials.use_up();
        Ok(booked.into_iter().map(|_| Ok(())).collect())
    }
}

/// Books those of the orders that nobody has decided; the shipments of each, and the serials that they took. Tables and
/// rows are locked in one order: `orders` by id, the carriers' serials by name, then what is new.
async fn book<'a>(
    orders: &[&'a BookOrder],
    app: &'a App,
    tx: &mut Tx,
) -> Result<(Vec<Vec<Shipment>>, Serials<'a>), Error> {
    let ids = orders.iter().map(|order| order.order_id).collect();
    let mut decided = decide(tx, ids, BookingState::Booked).await?;
    // Of two of one order, the first.
    let to_book: Vec<&'a [Consignment]> = orders
        .iter()
        .map(|order| if decided.remove(&order.order_id) { &*order.consignments } else { &[] })
        .collect();
    let mut serials = app.take_serials(tx, &to_book).await?;
    let now = app.clock.now();
    let mut booked = Vec::with_capacity(orders.len());
    for (order, consignments) in orders.iter().zip(&to_book) {
        let shipments = consignments.iter().map(|consignment| {
            let number = app.tracking_number(consignment, &mut serials)?;
            Ok(order.shipment(app, consignment, number, now))
        });
        booked.push(shipments.collect::<Result<Vec<Shipment>, Error>>()?);
    }
    shipments::put(tx, booked.iter().flatten()).await?;
    let declared = booked.iter().flatten().zip(to_book.iter().copied().flatten());
    let drafts = declared.filter_map(|(shipment, consignment)| {
        Some((shipment.declaration_id?, shipment.id, &consignment.declared))
    });
    declarations::put(tx, &drafts.collect::<Vec<_>>()).await?;
    Ok((booked, serials))
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
            ready_at: None,
            contents: consignment.contents(),
        };
        shipment.next_step_at = app.next_step_at(&shipment, now);
        shipment
    }
}

/// Serials that are taken for a batch.
#[derive(Default)]
struct Serials<'a> {
    /// By carrier.
    next: BTreeMap<&'a str, vec::IntoIter<u32>>,
    /// Those of them that were taken ahead.
    ahead: Vec<TakenSerials<'a>>,
}

impl Serials<'_> {
    fn use_up(self) {
        self.ahead.into_iter().for_each(TakenSerials::use_up);
    }
}

impl App {
    /// Takes a serial for each consignment, of its carrier's range.
    async fn take_serials<'a>(
        &'a self,
        tx: &mut Tx,
        orders: &[&'a [Consignment]],
    ) -> Result<Serials<'a>, Error> {
        let mut wanted: BTreeMap<&str, usize> = BTreeMap::new();
        for consignment in orders.iter().copied().flatten() {
            *wanted.entry(&consignment.carrier).or_default() += 1;
        }
        let mut serials = Serials::default();
        for (carrier, count) in wanted {
            let range = self.range_of(carrier)?;
            // Those that were taken ahead, then from the database.
            let ahead = self.serials.take(carrier, count);
            let mut next = ahead.serials().to_vec();
            serials.ahead.push(ahead);
            let missing = count - next.len();
            if missing > 0 {
                let missing = u32::try_from(missing).unwrap_or(u32::MAX);
                let more = serials::take(tx, carrier, range.serial_from, range.serial_to, missing).await?;
                next.extend(more.ok_or_else(|| used_up(carrier))?);
            }
            serials.next.insert(carrier, next.into_iter());
        }
        Ok(serials)
    }

    /// The next number of the carrier's range; it ends with the country that the parcel leaves from.
    fn tracking_number(&self, consignment: &Consignment, serials: &mut Serials<'_>) -> Result<String, Error> {
        let Consignment { carrier, from, .. } = consignment;
        let range = self.range_of(carrier)?;
        let serial = serials.next.get_mut(carrier.as_str()).and_then(Iterator::next);
        let number = S10::new(&range.indicator, serial.ok_or_else(|| used_up(carrier))?, *from);
        Ok(number.map_err(|error| Error::invalid("s10", error.to_string()))?.to_string())
    }

    fn range_of(&self, carrier: &str) -> Result<&S10Range, Error> {
        let found = self.hub.carrier(carrier).map(|carrier| &carrier.s10);
        found.ok_or_else(|| Error::invalid("carrier", format!("{carrier} is not a carrier of this hub")))
    }
}

fn used_up(carrier: &str) -> Error {
    Error::Fault(format!(
        "the S10 numbers of carrier {carrier} are used up: raise its serial_to, then replay the parked event"
    ))
}

#[cfg(test)]
mod tests;
