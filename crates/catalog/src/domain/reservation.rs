//! A hold of stock for an order.

use std::collections::BTreeMap;

use kernel::{OrderId, Refusal, ReservationId, StockItemId, VariantId};
use serde::{Deserialize, Serialize};

kernel::words! {
    /// Where a hold stands.
    pub(crate) enum ReservationState {
        /// Stock is held.
        Held = "held",
        /// Given back, or never to be held.
        Released = "released",
        /// The goods left the shelf.
        Dispatched = "dispatched",
        /// The goods left and came back: the order was cancelled.
        Returned = "returned",
    }
}

/// Units of a variant, and what they take of a shelf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReservedLine {
    pub(crate) variant_id: VariantId,
    pub(crate) quantity: i64,
    pub(crate) stock_item_id: StockItemId,
    /// Units of the shelf.
    pub(crate) units: i64,
}

/// What came back of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReturnedLine {
    pub(crate) variant_id: VariantId,
    pub(crate) quantity: i64,
    /// Units of the shelf.
    pub(crate) units: i64,
}

/// A hold.
#[derive(Debug, Clone)]
pub(crate) struct Reservation {
    pub(crate) id: ReservationId,
    pub(crate) order_id: OrderId,
    pub(crate) state: ReservationState,
    pub(crate) version: i64,
    pub(crate) lines: Vec<ReservedLine>,
}

impl Reservation {
    /// One that is there for the first time.
    pub(crate) fn new(
        id: ReservationId,
        order_id: OrderId,
        state: ReservationState,
        lines: Vec<ReservedLine>,
    ) -> Self {
        Self { id, order_id, state, version: 1, lines }
    }

    /// Refuses an order that is not its own.
    pub(crate) fn check_order(&self, order_id: OrderId) -> Result<(), Refusal> {
        if self.order_id == order_id {
            return Ok(());
        }
        Err(Refusal::new("RESERVATION_EXISTS", format!("the reservation is for order {}", self.order_id)))
    }
}

/// Units by shelf, in the order of its id: lines that share a shelf count together. `None` when they are more than
/// can be counted.
pub(crate) fn units_by_item<'a>(
    lines: impl IntoIterator<Item = &'a ReservedLine>,
) -> Option<BTreeMap<StockItemId, i64>> {
    let mut units: BTreeMap<StockItemId, i64> = BTreeMap::new();
    for line in lines {
        let sum = units.entry(line.stock_item_id).or_default();
        *sum = sum.checked_add(line.units)?;
    }
    Some(units)
}

/// The part of lines that these quantities are; `None` when they are of other goods or more.
pub(crate) fn part(
    lines: &[ReservedLine],
    quantities: &BTreeMap<VariantId, i64>,
) -> Option<Vec<ReservedLine>> {
    let one = |(variant_id, quantity): (&VariantId, &i64)| {
        let is_of =
            |line: &&ReservedLine| line.variant_id == *variant_id && (1..=line.quantity).contains(quantity);
        let line = lines.iter().find(is_of)?;
        let per_unit = line.units.checked_div(line.quantity)?;
        Some(ReservedLine { quantity: *quantity, units: per_unit.checked_mul(*quantity)?, ..line.clone() })
    };
    quantities.iter().map(one).collect()
}

/// The lines that remain after returned ones are subtracted.
pub(crate) fn without(lines: &[ReservedLine], back: &[ReturnedLine]) -> Vec<ReservedLine> {
    let left = |line: &ReservedLine| {
        let returned = back.iter().filter(|back| back.variant_id == line.variant_id);
        let (quantity, units) = returned.fold((line.quantity, line.units), |(quantity, units), back| {
            (quantity - back.quantity, units - back.units)
        });
        ReservedLine { quantity, units, ..line.clone() }
    };
    lines.iter().map(left).filter(|line| line.quantity > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_one_shelf_count_together() {
        let shelf = StockItemId::new();
        let line =
            |units| ReservedLine { variant_id: VariantId::new(), quantity: 1, stock_item_id: shelf, units };
        let units = units_by_item(&[line(2), line(3)]).unwrap();
        assert_eq!(units.into_iter().collect::<Vec<_>>(), [(shelf, 5)]);
        assert!(units_by_item(&[line(i64::MAX), line(1)]).is_none());
    }

    #[test]
    fn a_part_takes_its_share_of_the_shelf() {
        let variant_id = VariantId::new();
        let line = ReservedLine { variant_id, quantity: 3, stock_item_id: StockItemId::new(), units: 12 };
        let back = part(std::slice::from_ref(&line), &BTreeMap::from([(variant_id, 2)])).unwrap();
        assert_eq!((back[0].quantity, back[0].units), (2, 8));
        for wrong in [4, 0, -1] {
            assert!(part(std::slice::from_ref(&line), &BTreeMap::from([(variant_id, wrong)])).is_none());
        }
        let back = ReturnedLine { variant_id, quantity: back[0].quantity, units: back[0].units };
        let left = without(&[line], &[back]);
        assert_eq!((left[0].quantity, left[0].units), (1, 4));
    }
}
