//! What an import's row makes of the stock of a known SKU: nothing, a count as of a time, or an addition.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{SellerId, StockItemId, VariantId};

use super::Error;
use super::import_products::{Rejection, Terms, rejected};
use crate::domain::product::{NewStock, Variant};
use crate::domain::row::{Field, Row};
use crate::domain::seller::UNITS_MAX;
use crate::store::stock::{self, Why};

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

/// Takes the row's stock over. A rejection changes nothing.
pub(super) async fn take(
    tx: &mut Tx,
    seller_id: SellerId,
    terms: &Terms,
    row: &Row,
    known: &Variant,
    now: DateTime<Utc>,
) -> Result<Result<Stocked, Rejection>, Error> {
    if !row.says(Field::Stock) {
        return Ok(Ok(Stocked::Unchanged));
    }
    let shelf = match row.variant.stock {
        NewStock::Shared(id) => id,
        NewStock::Own { .. } => known.stock_item_id,
    };
    let before = match terms.source.as_str() {
        "" => None,
        source => stock::source(tx, known.id, source).await?,
    };
    let outcome = match (terms.stock_mode, before) {
        (StockMode::First, _) | (StockMode::Add, Some(_)) => return Ok(Ok(Stocked::Ignored)),
        (StockMode::Add, None) => add(tx, seller_id, shelf, row.stock, now).await?,
        (StockMode::Set, before) => {
            let as_of = before.map_or(terms.stock_as_of, |before| before.min(terms.stock_as_of));
            count(tx, seller_id, shelf, row.stock, as_of, now).await?
        }
    };
    if outcome.is_ok() {
        remember(tx, terms, known.id, now).await?;
    }
    Ok(outcome)
}

async fn remember(tx: &mut Tx, terms: &Terms, id: VariantId, now: DateTime<Utc>) -> Result<(), Error> {
    if !terms.source.is_empty() {
        stock::put_source(tx, id, &terms.source, terms.stock_as_of, now).await?;
    }
    Ok(())
}

async fn add(
    tx: &mut Tx,
    seller_id: SellerId,
    id: StockItemId,
    units: i64,
    now: DateTime<Utc>,
) -> Result<Result<Stocked, Rejection>, Error> {
    if units == 0 {
        return Ok(Ok(Stocked::Unchanged));
    }
    if stock::adjust(tx, id, seller_id, units, UNITS_MAX, Why::Moved("import: added"), now).await? {
        return Ok(Ok(Stocked::Changed));
    }
    let item = stock::find(tx, id).await?.ok_or_else(|| Error::not_found("stock item", id))?;
    let problem = format!(
        "{} are on the shelf and orders hold {}: with {units} more, between {} and {UNITS_MAX} must be there",
        item.on_hand, item.reserved, item.reserved
    );
    rejected(Field::Stock, problem)
}

/// So many were there then: what moved since is on top of that.
async fn count(
    tx: &mut Tx,
    seller_id: SellerId,
    id: StockItemId,
    units: i64,
    as_of: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Result<Stocked, Rejection>, Error> {
    let shelf = stock::since(tx, id, as_of).await?.ok_or_else(|| Error::not_found("stock item", id))?;
    let left = units.saturating_add(shelf.moved);
    if left == shelf.on_hand {
        return Ok(Ok(Stocked::Unchanged));
    }
    let delta = left.saturating_sub(shelf.on_hand);
    if stock::adjust(tx, id, seller_id, delta, UNITS_MAX, Why::Counted("import: counted"), now).await? {
        return Ok(Ok(Stocked::Changed));
    }
    let problem = format!(
        "{units} counted as of {} and {} since then make {left}; orders hold {}: between {} and {UNITS_MAX} must be \
         there",
        as_of.format("%Y-%m-%dT%H:%M:%SZ"),
        shelf.moved,
        shelf.reserved,
        shelf.reserved
    );
    rejected(Field::Stock, problem)
}
