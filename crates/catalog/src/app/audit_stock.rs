//! Every shelf against its movements and its holds.

use db::{Query, Tx};
use kernel::StockItemId;

use super::{App, Error};
use crate::store::audit;

/// What an audit found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Audit {
    pub(crate) stock_items: i64,
    pub(crate) on_hand: i64,
    pub(crate) reserved: i64,
    pub(crate) dispatched: i64,
    /// What does not add up, a sentence each.
    pub(crate) violations: Vec<String>,
}

/// Violations that are told.
const VIOLATIONS_MAX: usize = 100;

/// Audits all stock.
#[derive(Debug)]
pub(crate) struct AuditStock;

impl Query<App> for AuditStock {
    type Output = Audit;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Audit, Error> {
        let (shelves, held) = (audit::shelves(tx).await?, audit::held(tx).await?);
        let mut found = Audit::default();
        for shelf in shelves {
            found.stock_items += 1;
            found.on_hand += shelf.on_hand;
            found.reserved += shelf.reserved;
            found.dispatched += shelf.dispatched;
            let id = StockItemId::from(shelf.stock_item_id);
            let mut violated = |sentence: String| {
                if found.violations.len() < VIOLATIONS_MAX {
                    found.violations.push(format!("{id} ({}): {sentence}", shelf.sku));
                }
            };
            if shelf.on_hand != shelf.moved {
                violated(format!(
                    "{} are on the shelf, but its movements add up to {}",
                    shelf.on_hand, shelf.moved
                ));
            }
            let by_holds = held.get(&id).copied().unwrap_or_default();
            if shelf.reserved != by_holds {
                violated(format!(
                    "{} are reserved, but open reservations add up to {by_holds}",
                    shelf.reserved
                ));
            }
            if shelf.on_hand < shelf.reserved || shelf.reserved < 0 {
                violated(format!("{} are reserved out of {}: oversold", shelf.reserved, shelf.on_hand));
            }
        }
        Ok(found)
    }
}
