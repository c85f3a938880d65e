//! A seller corrects or replenishes a shelf.

use db::{Command, Tx};
use kernel::{SellerId, StockItemId};

use super::acting::acting;
use super::{App, Error};
use crate::domain::seller::{StockItem, UNITS_MAX};
use crate::store::stock::{self, AdjustmentReason};

/// Adds or takes away, never below what orders hold.
#[derive(Debug)]
pub(crate) struct AdjustStock {
    pub(crate) seller_id: SellerId,
    pub(crate) stock_item_id: StockItemId,
    /// Units, less than 0 where they are taken away.
    pub(crate) delta: i64,
    /// The seller's, 1 to 200 characters.
    pub(crate) reason: String,
}

impl Command<App> for AdjustStock {
    type Output = StockItem;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<StockItem, Error> {
        let (seller_id, id) = (self.seller_id, self.stock_item_id);
        own(tx, seller_id, id).await?;
        acting(tx, seller_id).await?;
        let (why, now) = (AdjustmentReason::Moved(&self.reason), app.clock.now());
        let adjusted = stock::adjust(tx, id, seller_id, self.delta, UNITS_MAX, why, now).await?;
        let item = own(tx, seller_id, id).await?;
        if adjusted {
            return Ok(item);
        }
        let message = format!(
            "{} are on the shelf, {} of them reserved: between {} and {UNITS_MAX} must remain",
            item.on_hand, item.reserved, item.reserved
        );
        Err(Error::refused("STOCK_OUT_OF_BOUNDS", message))
    }
}

async fn own(tx: &mut Tx, seller_id: SellerId, id: StockItemId) -> Result<StockItem, Error> {
    let item = stock::find(tx, id).await?.filter(|item| item.seller_id == seller_id);
    item.ok_or_else(|| Error::not_found("stock item", id))
}
