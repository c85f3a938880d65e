//! A hold of stock for an order.

use std::collections::BTreeMap;

use kernel::{OrderId, ReservationId, StockItemId, VariantId};
use serde::{Deserialize, Serialize};

/// Where a hold stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Stock is held.
    Held,
    /// Given back, or never to be held.
    Released,
    /// The goods left the shelf.
    Dispatched,
    /// The goods left and came back: the order was cancelled.
    Returned,
}

impl State {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Released => "released",
            Self::Dispatched => "dispatched",
            Self::Returned => "returned",
        }
    }

    /// As it is in the database; what is none of the others holds nothing.
    pub(crate) fn parse(text: &str) -> Self {
        match text {
            "held" => Self::Held,
            "dispatched" => Self::Dispatched,
            "returned" => Self::Returned,
            _ => Self::Released,
        }
    }
}

/// Units of a variant, and what they take of a shelf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) variant_id: VariantId,
    pub(crate) quantity: i64,
    pub(crate) stock_item_id: StockItemId,
    /// Units of the shelf.
    pub(crate) units: i64,
}

/// What came back of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Back {
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
    pub(crate) state: State,
    pub(crate) version: i64,
    pub(crate) lines: Vec<Line>,
}

/// A hold that is named for an order is another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the hold is for order {0}")]
pub(crate) struct OfAnother(OrderId);

impl Reservation {
    /// Refuses an order that is not its own.
    pub(crate) fn check_order(&self, order_id: OrderId) -> Result<(), OfAnother> {
        if self.order_id == order_id { Ok(()) } else { Err(OfAnother(self.order_id)) }
    }
}

/// Units by shelf, in the order of its id: lines that share a shelf count together. `None` when they are more than
/// can be counted.
pub(crate) fn units_by_item(lines: &[Line]) -> Option<BTreeMap<StockItemId, i64>> {
    let mut units: BTreeMap<StockItemId, i64> = BTreeMap::new();
    for line in lines {
        let sum = units.entry(line.stock_item_id).or_default();
        *sum = sum.checked_add(line.units)?;
    }
    Some(units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_one_shelf_count_together() {
        let shelf = StockItemId::new();
        let line = |units| Line { variant_id: VariantId::new(), quantity: 1, stock_item_id: shelf, units };
        let units = units_by_item(&[line(2), line(3)]).unwrap();
        assert_eq!(units.into_iter().collect::<Vec<_>>(), [(shelf, 5)]);
        assert!(units_by_item(&[line(i64::MAX), line(1)]).is_none());
    }
}
