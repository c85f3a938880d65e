//! Every shelf against its movements and its holds.

use db::{Query, Tx};
use kernel::StockItemId;

use super::{App, Error};
use crate::store::audit::{self, ShelfCheck, Stock};

/// What an audit found.
#[derive(Debug, Clone)]
pub(crate) struct Audit {
    pub(crate) stock: Stock,
    /// What does not add up, a sentence each.
    pub(crate) violations: Vec<String>,
    /// How many there are, told or not.
    pub(crate) violations_count: i64,
}

/// Violations that are told.
const VIOLATIONS_MAX: usize = 100;

/// Audits all stock.
#[derive(Debug)]
pub(crate) struct AuditStock;

impl Query<App> for AuditStock {
    type Output = Audit;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Audit, Error> {
        Ok(audit(tx).await?)
    }
}

/// Audits all stock, on one snapshot.
pub(crate) async fn audit(tx: &mut Tx) -> Result<Audit, db::Error> {
    let (stock, mut held) = (audit::stock(tx).await?, audit::held(tx).await?);
    let mut found = Audit { stock, violations: Vec::new(), violations_count: 0 };
    for shelf in audit::shelves(tx, held.keys().copied().collect()).await? {
        let id = StockItemId::from(shelf.stock_item_id);
        for sentence in violations(&shelf, held.remove(&id).unwrap_or_default()) {
            found.add(format!("{id} ({}): {sentence}", shelf.sku));
        }
    }
    for (id, units) in held {
        found.add(format!("open reservations of {units} are of a shelf {id} that does not exist"));
    }
    Ok(found)
}

impl Audit {
    fn add(&mut self, violation: String) {
        self.violations_count += 1;
        if self.violations.len() < VIOLATIONS_MAX {
            self.violations.push(violation);
        }
    }
}

fn violations(shelf: &ShelfCheck, held: i64) -> impl Iterator<Item = String> {
    let ShelfCheck { on_hand, reserved, moved, .. } = *shelf;
    let differs = (on_hand != moved)
        .then(|| format!("{on_hand} are on the shelf, but its movements add up to {moved}"));
    let held_otherwise = (reserved != held)
        .then(|| format!("{reserved} are reserved, but open reservations add up to {held}"));
    let oversold = (on_hand < reserved || reserved < 0)
        .then(|| format!("{reserved} are reserved out of {on_hand}: oversold"));
    [differs, held_otherwise, oversold].into_iter().flatten()
}
