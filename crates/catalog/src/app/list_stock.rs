//! What a seller has in stock.

use db::{Query, Tx};
use kernel::SellerId;
use uuid::Uuid;

use super::{App, Error};
use crate::domain::seller::StockItem;
use crate::store::stock;

/// A seller's shelves, oldest first.
#[derive(Debug)]
pub(crate) struct ListStock {
    pub(crate) seller_id: SellerId,
    pub(crate) after: Option<Uuid>,
    pub(crate) limit: i64,
}

impl Query<App> for ListStock {
    type Output = Vec<StockItem>;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Vec<StockItem>, Error> {
        Ok(stock::of_seller(tx, self.seller_id, self.after, self.limit).await?)
    }
}
