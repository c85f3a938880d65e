//! Holding stock for an order: all lines or none, and only if they are what was quoted. What they are is read in the
//! transaction that holds them, by one statement: an edit that had ended before is seen, one that ends later comes after.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use db::{Batched, Command, Entry, Outcome, Tx};
use kernel::{OrderId, ReservationId, StockItemId, VariantId};
use money::Money;
use uuid::Uuid;

use super::get_offers::{buyable, out_of_stock, refused};
use super::{App, Error};
use crate::domain::quoted::Attributes;
use crate::domain::reservation::{Reservation, ReservationState, ReservedLine, units_by_item};
use crate::store::offers::{self, Offer};
use crate::store::{reservations, stock};

/// About what a line is in the statements of a batch, in bytes.
const LINE_BYTES: usize = 256;

/// Reserves the lines, or returns the state of the reservation with this id. A refusal stores nothing: a retry may
/// succeed.
#[derive(Debug)]
pub(crate) struct Reserve {
    pub(crate) reservation_id: ReservationId,
    pub(crate) order_id: OrderId,
    pub(crate) wanted: Vec<LineToReserve>,
    /// On whose behalf, as far as that is said.
    pub(crate) tenant: String,
}

/// What is to be held.
#[derive(Debug)]
pub(crate) struct LineToReserve {
    pub(crate) variant_id: VariantId,
    pub(crate) quantity: i64,
    /// The price in the quote.
    pub(crate) unit_price: Money,
    /// What it was when it was quoted; an order service of an earlier release does not say.
    pub(crate) quoted: Option<Attributes>,
}

impl Command<App> for Reserve {
    type Output = ReservationState;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<ReservationState, Error> {
        db::run_alone(self, app, tx).await
    }
}

impl Batched<App> for Reserve {
    fn key(&self) -> Uuid {
        self.reservation_id.uuid()
    }

    fn tenant(&self) -> &str {
        &self.tenant
    }

    fn bytes(&self) -> usize {
        self.wanted.len() * LINE_BYTES
    }

    /// Who is refused is decided by what was read, and leaves nothing behind; who is not, by the shelves themselves: if
    /// others came first, by what they have left. Reservations are locked before shelves, as in all commands that change
    /// both.
    async fn run_all(
        batch: &[Entry<'_, Self>],
        app: &App,
        tx: &mut Tx,
    ) -> Result<Vec<Outcome<App, Self>>, Error> {
        let mut offered = Offered::read(batch, tx).await?;
        let mut asked: Vec<Result<Asked<'_>, Error>> =
            batch.iter().map(|entry| offered.ask(entry.command(), app)).collect();
        let readable = || asked.iter().flatten();
        let granted: Vec<&Reservation> =
            readable().filter(|asked| asked.granted.is_ok()).map(|asked| &asked.reservation).collect();
        let written = reservations::put(tx, &granted, app.clock.now()).await?;
        let others: Vec<ReservationId> =
            readable().map(|asked| asked.reservation.id).filter(|id| !written.contains(id)).collect();
        let others: HashMap<ReservationId, Reservation> = reservations::find_all(tx, &others)
            .await?
            .into_iter()
            .map(|(found, _)| (found.id, found))
            .collect();
        // Units were kept for those that have theirs already, and others may have been refused for want of them.
        let was_refused =
            |asked: &Reservation| !written.contains(&asked.id) && !others.contains_key(&asked.id);
        if written.len() < granted.len() && readable().any(|asked| was_refused(&asked.reservation)) {
            return Err(Error::Superseded);
        }
        let mut new: Vec<&mut Asked<'_>> =
            asked.iter_mut().flatten().filter(|asked| !others.contains_key(&asked.reservation.id)).collect();
        hold(&mut new, &mut offered, app, tx).await?;

        let outcome = |asked: Result<Asked<'_>, Error>| {
            let Asked { reservation, granted, .. } = asked?;
            match others.get(&reservation.id) {
                Some(found) => stands(found, &reservation),
                None => granted.map(|()| ReservationState::Held),
            }
        };
        Ok(asked.into_iter().map(outcome).collect())
    }
}

/// Holds the units of those that are granted theirs. If others came first, it is decided again by what they have left of
/// the shelves, which are locked then.
async fn hold(
    asked: &mut [&mut Asked<'_>],
    offered: &mut Offered,
    app: &App,
    tx: &mut Tx,
) -> Result<(), Error> {
    let wanted = units(asked)?;
    let held = stock::reserve(tx, &wanted).await?;
    if held.len() == wanted.len() {
        return Ok(());
    }
    let back = wanted.iter().filter(|(shelf, _)| held.contains(shelf));
    stock::release(tx, &back.map(|(shelf, units)| (*shelf, *units)).collect()).await?;
    offered.free.extend(stock::lock_free(tx, wanted.into_keys()).await?);
    let mut refused = Vec::new();
    for asked in asked.iter_mut() {
        let again = offered.grant(asked.command, &asked.reservation.lines, app);
        match (&asked.granted, &again) {
            (Ok(()), Err(_)) => refused.push(asked.reservation.id),
            // It was not written, and reservations are locked before shelves.
            (Err(_), Ok(())) => return Err(Error::Superseded),
            _ => {}
        }
        asked.granted = again;
    }
    reservations::take_out(tx, refused.into_iter().collect()).await?;
    let wanted = units(asked)?;
    if stock::reserve(tx, &wanted).await?.len() == wanted.len() {
        Ok(())
    } else {
        Err(Error::Invariant("a locked shelf has changed"))
    }
}

/// What those that are granted take of each shelf.
fn units(asked: &[&mut Asked<'_>]) -> Result<BTreeMap<StockItemId, i64>, Error> {
    let granted = asked.iter().filter(|asked| asked.granted.is_ok());
    let units = units_by_item(granted.flat_map(|asked| &asked.reservation.lines));
    units.ok_or(Error::Invariant("units that are free can be counted"))
}

/// What a command asks for, and whether it may have it.
struct Asked<'a> {
    command: &'a Reserve,
    reservation: Reservation,
    granted: Result<(), Error>,
}

/// What there is of what is asked for.
struct Offered {
    offers: HashMap<Uuid, Offer>,
    /// What is left of their shelves.
    free: HashMap<StockItemId, i64>,
}

impl Offered {
    async fn read(commands: &[Entry<'_, Reserve>], tx: &mut Tx) -> Result<Self, Error> {
        let variants: BTreeSet<VariantId> =
            commands.iter().flat_map(|command| &command.wanted).map(|line| line.variant_id).collect();
        let variants: Vec<VariantId> = variants.into_iter().collect();
        let offers: HashMap<Uuid, Offer> =
            offers::of(tx, &variants).await?.into_iter().map(|offer| (offer.variant_id, offer)).collect();
        let free = offers.values().map(|offer| (offer.stock_item_id.into(), offer.stock_free)).collect();
        Ok(Self { offers, free })
    }

    /// What it asks for, if that can be said.
    fn ask<'a>(&mut self, command: &'a Reserve, app: &App) -> Result<Asked<'a>, Error> {
        let reservation = command.reservation(&self.offers)?;
        let granted = self.grant(command, &reservation.lines, app);
        Ok(Asked { command, reservation, granted })
    }

    /// Takes its units from those that are free, or says why it may not have them.
    fn grant(&mut self, command: &Reserve, lines: &[ReservedLine], app: &App) -> Result<(), Error> {
        for line in &command.wanted {
            let Some(offer) = self.offers.get(&line.variant_id.uuid()) else { continue };
            buyable(offer)?;
            check_quoted(offer, line)?;
            app.check_goods(offer)?;
        }
        let units = units_by_item(lines)
            .ok_or_else(|| Error::refused("OUT_OF_STOCK", "that many cannot be reserved"))?;
        // The first line whose shelf is short.
        for line in lines {
            let (wanted, left) = (units.get(&line.stock_item_id), self.free.get(&line.stock_item_id));
            if let (Some(left), Some(offer)) = (left, self.offers.get(&line.variant_id.uuid()))
                && wanted > Some(left)
            {
                return Err(out_of_stock(&Offer { stock_free: *left, ..offer.clone() }));
            }
        }
        for (shelf, units) in &units {
            self.free.entry(*shelf).and_modify(|left| *left = left.saturating_sub(*units));
        }
        Ok(())
    }
}

impl Reserve {
    /// The hold that is asked for: the lines with what they take of their shelves.
    fn reservation(&self, offers: &HashMap<Uuid, Offer>) -> Result<Reservation, Error> {
        let line = |wanted: &LineToReserve| {
            let LineToReserve { variant_id, quantity, .. } = *wanted;
            let offer = offers.get(&variant_id.uuid());
            let offer = offer.ok_or_else(|| Error::not_found("variant", variant_id))?;
            let units = quantity.checked_mul(offer.stock_units).ok_or_else(|| out_of_stock(offer))?;
            Ok(ReservedLine { variant_id, quantity, stock_item_id: offer.stock_item_id.into(), units })
        };
        let lines: Result<Vec<ReservedLine>, Error> = self.wanted.iter().map(line).collect();
        Ok(Reservation::new(self.reservation_id, self.order_id, ReservationState::Held, lines?))
    }
}

/// The hold that is there already, as it stands now; not one of another order or of other lines.
fn stands(found: &Reservation, asked: &Reservation) -> Result<ReservationState, Error> {
    if found.state == ReservationState::Released {
        let message = "this reservation was released: it can no longer hold stock";
        return Err(Error::refused("RESERVATION_RELEASED", message));
    }
    found.check_order(asked.order_id)?;
    if !is_same(&found.lines, &asked.lines) {
        let message = "this reservation is for other goods or other quantities";
        return Err(Error::refused("RESERVATION_EXISTS", message));
    }
    Ok(found.state)
}

/// Whether both are of the same variants and quantities; what these take of a shelf may have changed since.
fn is_same(held: &[ReservedLine], asked: &[ReservedLine]) -> bool {
    let sorted = |lines: &[ReservedLine]| {
        let mut lines: Vec<(VariantId, i64)> =
            lines.iter().map(|line| (line.variant_id, line.quantity)).collect();
        lines.sort_unstable();
        lines
    };
    sorted(held) == sorted(asked)
}

/// The price holds as quoted; what the goods are must be as quoted, since duty, tax and carriage were worked out by it.
fn check_quoted(offer: &Offer, line: &LineToReserve) -> Result<(), Error> {
    let quoted = line.unit_price;
    let changed = match &line.quoted {
        Some(quoted) => offer.attributes().changed_since(quoted),
        None if offer.price_minor == quoted.minor() && offer.currency == quoted.currency().code() => {
            Vec::new()
        }
        None => vec!["unit_price"],
    };
    if changed.is_empty() {
        return Ok(());
    }
    let changed = changed.join(",");
    let message = format!("`{}` has changed since it was quoted ({changed}); ask for a new quote", offer.sku);
    Err(refused("QUOTE_STALE", message, offer).about("changed", changed).into())
}
