//! A seller corrects or replenishes a shelf.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{SellerId, StockItemId};

use super::Error;
use super::apply_seller::acting;
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
    own(tx, seller_id, id).await?;
    acting(tx, seller_id).await?;
    let adjusted = stock::adjust(tx, id, seller_id, delta, UNITS_MAX, Why::Moved(reason), now).await?;
    let item = own(tx, seller_id, id).await?;
    if adjusted {
        return Ok(item);
    }
    let message = format!(
        "{} are on the shelf and orders hold {}: between {} and {UNITS_MAX} must stay",
        item.on_hand, item.reserved, item.reserved
    );
    Err(Error::refused("STOCK_OUT_OF_BOUNDS", message))
}

async fn own(tx: &mut Tx, seller_id: SellerId, id: StockItemId) -> Result<StockItem, Error> {
    let item = stock::find(tx, id).await?.filter(|item| item.seller_id == seller_id);
    item.ok_or_else(|| Error::not_found("stock item", id))
}
