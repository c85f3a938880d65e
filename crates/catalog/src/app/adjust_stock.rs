//! A seller corrects or replenishes a shelf.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{SellerId, StockItemId};

use super::Error;
use crate::domain::seller::{StockItem, UNITS_MAX};
use crate::store::stock::{self, Why};

/// Adds or takes away, never below what orders hold.
pub(crate) async fn adjust(
    tx: &mut Tx,
    seller_id: SellerId,
    id: StockItemId,
    delta: i64,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<StockItem, Error> {
    let adjusted = stock::adjust(tx, id, seller_id, delta, UNITS_MAX, Why::Moved(reason), now).await?;
    let item = stock::find(tx, id).await?.filter(|item| item.seller_id == seller_id);
    let item = item.ok_or_else(|| Error::not_found("stock item", id))?;
    if adjusted {
        return Ok(item);
    }
    let message = format!(
        "{} are on the shelf and orders hold {}: between {} and {UNITS_MAX} must stay",
        item.on_hand, item.reserved, item.reserved
    );
    Err(Error::refused("STOCK_OUT_OF_BOUNDS", message))
}
