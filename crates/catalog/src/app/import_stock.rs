//! What an import's row makes of the stock of a known SKU: nothing, a count as of a time, or an addition.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{SellerId, StockItemId, VariantId, excerpt};

use super::Error;
use super::import_rejection::{Rejection, RowError, SKU};
use crate::domain::product::{NewStock, Variant};
use crate::domain::row::{Field, Row};
use crate::domain::seller::UNITS_MAX;
use crate::store::stock::{self, AdjustmentReason, PreviousStatement, StockSince};

/// How long after a count of the same moment an addition is dated.
const AFTER_COUNT: chrono::Duration = chrono::Duration::milliseconds(1);

/// What the stock in rows is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StockMode {
    /// The first of a new SKU, and nothing for a known one.
    First,
    /// What was on the shelf as of a time.
    Set,
    /// What came, or left.
    Add,
}

/// What was made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stocked {
    Changed,
    Unchanged,
    Ignored,
}

/// What a row of a stream stated.
#[derive(Debug, Clone, Copy)]
struct Statement {
    row: i64,
    units: i64,
}

/// What rows of a stream stated of stock.
#[derive(Debug, Default)]
pub(crate) struct Statements {
    variants: HashMap<VariantId, Statement>,
    shelves: HashMap<StockItemId, Statement>,
}

/// What the rows stated that a stream has written.
#[derive(Debug, Default)]
pub(crate) struct Stated(Mutex<Statements>);

impl Stated {
    /// Goes on with what a transaction has written.
    pub(crate) fn add(&self, written: Statements) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.variants.extend(written.variants);
        all.shelves.extend(written.shelves);
    }
}

/// What holds for all rows of a stream.
#[derive(Debug)]
pub(crate) struct ImportOptions {
    pub(crate) stock_mode: StockMode,
    pub(crate) stock_as_of: DateTime<Utc>,
    /// Names the file; empty: nothing does.
    pub(crate) source: String,
    /// By its rows so far.
    pub(crate) stated: Stated,
}

/// The stock that the rows of one transaction of a stream state.
pub(super) struct Stocks<'a> {
    pub(super) seller_id: SellerId,
    pub(super) terms: &'a ImportOptions,
    pub(super) now: DateTime<Utc>,
    /// By rows of this transaction.
    pub(super) written: Statements,
}

impl Stocks<'_> {
    /// Remembers the first stock of a new SKU.
    pub(super) async fn first(&mut self, tx: &mut Tx, row: &Row, id: VariantId) -> Result<(), Error> {
        self.written.variants.insert(id, Statement { row: row.number, units: row.stock });
        self.remember(tx, row, id).await
    }

    /// Takes the row's stock over. A rejection changes nothing.
    pub(super) async fn take(
        &mut self,
        tx: &mut Tx,
        row: &Row,
        known: &Variant,
    ) -> Result<Stocked, RowError> {
        if !row.says(Field::Stock) {
            return Ok(Stocked::Unchanged);
        }
        let shelf = match row.variant.stock {
            NewStock::Shared(id) => id,
            NewStock::Own { .. } => known.stock_item_id,
        };
        if let Some(rejection) = self.contradicted(row, known, shelf) {
            return Err(rejection.into());
        }
        let source = self.terms.source.as_str();
        let before =
            if source.is_empty() { None } else { stock::previous_statement(tx, known.id, source).await? };
        let stated_as_of = self.terms.stock_as_of;
        let stocked = match (self.terms.stock_mode, before) {
            (StockMode::First, _) => return Ok(Stocked::Ignored),
            (StockMode::Add, Some(before)) => return Ok(self.added_before(row, before)?),
            (StockMode::Add, None) => self.add(tx, shelf, row.stock).await?,
            (StockMode::Set, before) => {
                let as_of = before.map_or(stated_as_of, |before| before.as_of.min(stated_as_of));
                self.count(tx, shelf, row.stock, as_of).await?
            }
        };
        self.remember(tx, row, known.id).await?;
        let statement = Statement { row: row.number, units: row.stock };
        self.written.variants.insert(known.id, statement);
        self.written.shelves.insert(shelf, statement);
        Ok(stocked)
    }

    /// Whether a row before said something else of this: of one shelf there is one count, of one SKU one addition.
    fn contradicted(&self, row: &Row, known: &Variant, shelf: StockItemId) -> Option<Rejection> {
        let all = self.terms.stated.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_sku = self.written.variants.get(&known.id).or_else(|| all.variants.get(&known.id));
        let of_shelf = self.written.shelves.get(&shelf).or_else(|| all.shelves.get(&shelf));
        match self.terms.stock_mode {
            StockMode::First => None,
            StockMode::Add => of_sku.map(|other| Rejection {
                field: SKU,
                problem: format!(
                    "`{}` is also in row {}, which was accepted: both rows would add their units",
                    excerpt(&known.goods.sku),
                    other.row
                ),
            }),
            StockMode::Set => {
                let other = of_sku.or(of_shelf).filter(|other| other.units != row.stock)?;
                let problem = format!(
                    "row {} states {} units of the same stock item and was accepted: {} contradicts it",
                    other.row, other.units, row.stock
                );
                Some(Rejection::of(Field::Stock, problem))
            }
        }
    }

    /// What a source added once is not added again; something else under its name is a mistake.
    fn added_before(&self, row: &Row, before: PreviousStatement) -> Result<Stocked, Rejection> {
        match before.units {
            Some(units) if units != row.stock => {
                let problem = format!(
                    "{units} were already added from `{}`, and the row says {}: give a different delivery a different name",
                    excerpt(&self.terms.source),
                    row.stock
                );
                Err(Rejection::of(Field::Stock, problem))
            }
            _ => Ok(Stocked::Ignored),
        }
    }

    async fn remember(&self, tx: &mut Tx, row: &Row, id: VariantId) -> Result<(), Error> {
        let terms = self.terms;
        if !terms.source.is_empty() {
            stock::put_source(tx, id, &terms.source, row.stock, terms.stock_as_of, self.now).await?;
        }
        Ok(())
    }

    /// So many came then, or left: a count of later has them in it.
    async fn add(&self, tx: &mut Tx, id: StockItemId, units: i64) -> Result<Stocked, RowError> {
        if units == 0 {
            return Ok(Stocked::Unchanged);
        }
        let as_of = self.terms.stock_as_of;
        let shelf = found(tx, id, as_of).await?;
        if let Some(counted) = shelf.counted_as_of.filter(|counted| as_of < *counted) {
            let problem = format!(
                "{units} as of {} are already included in the count as of {}, which was accepted before",
                second(as_of),
                second(counted)
            );
            return Err(Rejection::of(Field::Stock, problem).into());
        }
        // What comes with a count is on top of it, and stays so when the count is stated again.
        let at = shelf.counted_as_of.map_or(as_of, |counted| as_of.max(counted + AFTER_COUNT));
        let why = AdjustmentReason::Moved("import: added");
        if stock::adjust(tx, id, self.seller_id, units, UNITS_MAX, why, at).await? {
            return Ok(Stocked::Changed);
        }
        let problem = format!(
            "{} are on the shelf, {} of them reserved: with {units} more, there must be {} to {UNITS_MAX}",
            shelf.on_hand, shelf.reserved, shelf.reserved
        );
        Err(Rejection::of(Field::Stock, problem).into())
    }

    /// So many were there then: what moved since is on top of that.
    async fn count(
        &self,
        tx: &mut Tx,
        id: StockItemId,
        units: i64,
        as_of: DateTime<Utc>,
    ) -> Result<Stocked, RowError> {
        let shelf = found(tx, id, as_of).await?;
        if let Some(counted) = shelf.counted_as_of.filter(|counted| as_of < *counted) {
            let problem = format!(
                "{units} counted as of {}: a later count, as of {}, was already accepted",
                second(as_of),
                second(counted)
            );
            return Err(Rejection::of(Field::Stock, problem).into());
        }
        let left = units.saturating_add(shelf.moved);
        let delta = left.saturating_sub(shelf.on_hand);
        let why = AdjustmentReason::Counted("import: counted");
        let fits =
            delta == 0 || stock::adjust(tx, id, self.seller_id, delta, UNITS_MAX, why, self.now).await?;
        if fits {
            stock::put_counted(tx, id, as_of).await?;
            return Ok(if delta == 0 { Stocked::Unchanged } else { Stocked::Changed });
        }
        let problem = format!(
            "{units} counted as of {} and {} since then make {left}; {} are reserved: there must be {} to {UNITS_MAX}",
            second(as_of),
            shelf.moved,
            shelf.reserved,
            shelf.reserved
        );
        Err(Rejection::of(Field::Stock, problem).into())
    }
}

async fn found(tx: &mut Tx, id: StockItemId, as_of: DateTime<Utc>) -> Result<StockSince, Error> {
    stock::stock_since(tx, id, as_of).await?.ok_or_else(|| Error::not_found("stock item", id))
}

/// A time for people.
fn second(at: DateTime<Utc>) -> impl std::fmt::Display {
    at.format("%Y-%m-%dT%H:%M:%SZ")
}
