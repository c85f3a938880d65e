//! Holding stock for an order: all lines or none, and only if they are what was quoted. What they are is read in the
//! transaction that holds them, by one statement: an edit that had ended before is seen, one that ends later comes after.

use std::collections::HashMap;

use db::{Command, Tx};
use kernel::{OrderId, ReservationId, StockItemId, VariantId};
use money::Money;
use uuid::Uuid;

use super::get_offers::{buyable, out_of_stock, refused};
use super::{App, Error};
use crate::domain::quoted::Attributes;
use crate::domain::reservation::{ReservationState, ReservedLine, units_by_item};
use crate::store::offers::{self, Offer};
use crate::store::{reservations, stock};

/// Reserves the lines, or returns the state of the reservation with this id. A refusal stores nothing: a retry may
/// succeed.
#[derive(Debug)]
pub(crate) struct Reserve {
    pub(crate) reservation_id: ReservationId,
    pub(crate) order_id: OrderId,
    pub(crate) wanted: Vec<LineToReserve>,
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
        let (id, order_id) = (self.reservation_id, self.order_id);
        let ids: Vec<VariantId> = self.wanted.iter().map(|line| line.variant_id).collect();
        let found: HashMap<Uuid, Offer> =
            offers::of(tx, &ids).await?.into_iter().map(|offer| (offer.variant_id, offer)).collect();
        let lines = self.lines(&found)?;
        if !reservations::put(tx, id, order_id, ReservationState::Held, &lines, app.clock.now()).await? {
            return stands(tx, id, order_id, &lines).await;
        }
        for line in &self.wanted {
            let Some(offer) = found.get(&line.variant_id.uuid()) else { continue };
            buyable(offer)?;
            check_quoted(offer, line)?;
            app.check_goods(offer)?;
        }
        let units = units_by_item(&lines)
            .ok_or_else(|| Error::refused("OUT_OF_STOCK", "that many cannot be reserved"))?;
        let held = stock::reserve(tx, &units).await?;
        if held.len() == units.len() {
            return Ok(ReservationState::Held);
        }
        // The first line whose shelf was short: as it is now, within the transaction that is rolled back.
        let offers = offers::of(tx, &ids).await?;
        let is_short = |offer: &&Offer| !held.contains(&StockItemId::from(offer.stock_item_id));
        let short = ids
            .iter()
            .find_map(|id| offers.iter().filter(is_short).find(|offer| offer.variant_id == id.uuid()));
        Err(short.map_or_else(|| Error::refused("OUT_OF_STOCK", "too few are left"), out_of_stock))
    }
}

impl Reserve {
    /// The lines with what they take of their shelves.
    fn lines(&self, found: &HashMap<Uuid, Offer>) -> Result<Vec<ReservedLine>, Error> {
        let line = |wanted: &LineToReserve| {
            let LineToReserve { variant_id, quantity, .. } = *wanted;
            let offer = found.get(&variant_id.uuid());
            let offer = offer.ok_or_else(|| Error::not_found("variant", variant_id))?;
            let units = quantity.checked_mul(offer.stock_units).ok_or_else(|| out_of_stock(offer))?;
            Ok(ReservedLine { variant_id, quantity, stock_item_id: offer.stock_item_id.into(), units })
        };
        self.wanted.iter().map(line).collect()
    }
}

/// The hold that is there already, as it stands now; not one of another order or of other lines.
async fn stands(
    tx: &mut Tx,
    id: ReservationId,
    order_id: OrderId,
    asked: &[ReservedLine],
) -> Result<ReservationState, Error> {
    let found = reservations::find(tx, id).await?;
    let (found, _) = found.ok_or_else(|| Error::not_found("reservation", id))?;
    if found.state == ReservationState::Released {
        let message = "this reservation was released: it can no longer hold stock";
        return Err(Error::refused("RESERVATION_RELEASED", message));
    }
    found.check_order(order_id)?;
    if !is_same(&found.lines, asked) {
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
